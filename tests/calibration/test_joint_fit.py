"""The joint wait: its circuits do what the closed form says, and the fit finds what was planted within its errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from scipy.stats import chi2, norm

from qent_hw.calibration.joint import PROBES, JointData, expected, joint_plan, outcome_counts
from qent_hw.calibration.joint_fit import fit_joint_idle, fit_law
from qent_hw.calibration.record import Readout
from qent_hw.circuits.template import timing_grid
from qent_hw.hardware.backends import resolve_backend
from qent_hw.hardware.device import PairBackend
from qent_hw.physics import IdleChannel
from tests.calibration.records import ASSIGNMENT

FALSE_ALARM = 1e-6
SHOTS = 2048
SEEDS = 24
T1, T2 = (120e-6, 70e-6), (60e-6, 40e-6)
CONTRAST = (0.98, 0.97)
# T1 as another experiment found it
GUESS = (125e-6, 66e-6)


@pytest.fixture(scope="module")
def manila():
    return resolve_backend("aer:fake_manila", qubits=(4, 3)).device


@pytest.fixture(scope="module")
def plan(manila):
    return joint_plan(manila.target, max(T2))


def channel(T1=T1, T2=T2, detuning=(3e3, -1.8e3), zz=-4e3, law="exponential"):
    return IdleChannel(np.array(T1), np.array(T2), np.array(detuning), np.array(zz), law)


def measured(plan, probabilities, shots, seed):
    """(data, readout): counts of `probabilities` (n, 4), misread, and an assignment that was itself measured."""
    random = np.random.default_rng(seed)
    columns = [random.multinomial(SHOTS, ASSIGNMENT[:, prepared]) / SHOTS for prepared in range(4)]
    readout = Readout(kind="correlated", assignment=np.stack(columns, axis=1).tolist(), shots=SHOTS)
    counts = random.multinomial(shots, probabilities @ ASSIGNMENT.T)
    return JointData(plan.wait_s, plan.probe, counts), readout


def fitted(plan, probabilities, shots=SHOTS, seed=1):
    return fit_joint_idle(*measured(plan, probabilities, shots, seed), GUESS)


# the circuits


def probabilities_on(noise_model, circuits, device):
    """(n, 4) exact probabilities of ++, +−, −+, −−, without readout errors."""
    bare = []
    for circuit in circuits:
        kept = circuit.copy_empty_like()
        for one in circuit.data:
            if one.operation.name != "measure":
                kept.append(one)
        kept.save_probabilities([0, 1])
        bare.append(kept)
    result = AerSimulator(noise_model=noise_model, method="density_matrix").run(bare, shots=1).result()
    # Qiskit's places are bit patterns with its qubit 0, our first, on the right
    return np.array([result.data(place)["probabilities"][[0, 2, 1, 3]] for place in range(len(bare))])


def test_circuits_on_a_fake_give_what_is_expected_of_them(manila, plan):
    """Up to its gates: four pulses of an error below 3e-4 and 36 ns each, against T2 of 40 µs and more."""
    noise_model = NoiseModel.from_backend(PairBackend(manila))
    found = probabilities_on(noise_model, plan.circuits, manila)
    assert np.abs(found - expected(plan, manila.idle, (1, 1))).max() < 5e-3


def test_circuits_with_perfect_gates_give_it_exactly():
    device = resolve_backend("aer", T1=T1, T2=T2).device
    plan = joint_plan(device.target, max(T2))
    noise_model = NoiseModel.from_backend(PairBackend(device))
    found = probabilities_on(noise_model, plan.circuits, device)
    np.testing.assert_allclose(found, expected(plan, device.idle, (1, 1)), atol=1e-9)


def test_phases_turn_as_they_are_expected_to(manila, plan):
    """Waits replaced by the phases of detuning and ZZ, on perfect qubits."""
    detuning, zz = (3e3, -1.8e3), -4e3
    without = channel((np.inf, np.inf), (np.inf, np.inf), detuning, zz)
    for place in range(0, len(plan.circuits), 5):
        turned, waited = QuantumCircuit(2), False
        for one in plan.circuits[place].data:
            qubits = [plan.circuits[place].find_bit(qubit).index for qubit in one.qubits]
            if one.operation.name == "delay" and not waited:
                waited = True
                angles = 2 * math.pi * plan.wait_s[place] * np.array([*detuning, zz])
                turned.p(angles[0], 0)
                turned.p(angles[1], 1)
                turned.cp(angles[2], 0, 1)
            elif one.operation.name not in ("delay", "measure", "barrier"):
                turned.append(one.operation, qubits)
        found = Statevector(turned).probabilities()[[0, 2, 1, 3]]
        np.testing.assert_allclose(found, expected(plan, without, (1, 1))[place], atol=1e-9)


def test_circuits_are_what_the_pair_takes(manila, plan):
    grid = timing_grid(manila.target)
    assert len(plan.circuits) == len(plan.wait_s) == len(plan.probe)
    for circuit, wait_s, probe in zip(plan.circuits, plan.wait_s, plan.probe, strict=True):
        assert circuit.name == f"joint idle {' '.join(PROBES[probe])}"
        waits = [one.operation for one in circuit.data if one.operation.name == "delay"]
        assert [one.unit for one in waits] == ["dt", "dt"]
        assert waits[0].duration == waits[1].duration == round(wait_s / manila.target.dt)
        assert waits[0].duration % grid == 0
        for one in circuit.data:
            qubits = tuple(circuit.find_bit(qubit).index for qubit in one.qubits)
            if one.operation.name == "measure":
                assert circuit.find_bit(one.clbits[0]).index == qubits[0]
            elif one.operation.name not in ("delay", "barrier"):
                assert manila.target.instruction_supported(one.operation.name, qubits)
    # each wait with every probe, from none to past the decay
    waits = np.unique(plan.wait_s)
    assert len(plan.wait_s) == len(waits) * len(PROBES)
    assert waits[0] == 0
    assert waits[-1] > 2.5 * max(T2)


def test_counts_come_by_bit_string_with_the_first_qubit_on_the_right(plan):
    np.testing.assert_array_equal(outcome_counts({"00": 7, "10": 5, "01": 3, "11": 1}), [7, 5, 3, 1])
    data = plan.data([{"01": 9}] * len(plan.circuits))
    assert (data.counts == [0, 0, 9, 0]).all()


# the fit


@pytest.mark.parametrize("law", ["exponential", "gaussian"])
def test_what_was_planted_is_found_within_the_errors(plan, law):
    """Pulls of nine parameters over `SEEDS` data sets, with unequal qubits, detuning, ZZ and a correlated readout of
    which as little is known as 2,048 shots a state tell. Each parameter's sum is that of standard normal deviates and
    each sum of squares that of χ², all together at `FALSE_ALARM`; so is the sum of the fits' own χ²."""
    truth = channel(law=law)
    probabilities = expected(plan, truth, CONTRAST)
    planted = np.array([*truth.T1, *truth.T2, *truth.detuning, truth.zz, *CONTRAST])
    pulls, total, dof = [], 0.0, 0
    for child in np.random.SeedSequence(5).spawn(SEEDS):
        fit = fit_law(*measured(plan, probabilities, SHOTS, child), GUESS, law)
        found = np.array([*fit.idle.T1, *fit.idle.T2, *fit.idle.detuning, fit.idle.zz, *fit.contrast])
        pulls.append((found - planted) / fit.errors)
        total, dof = total + fit.chi2, dof + fit.dof
    each = FALSE_ALARM / 40
    sums, squares = np.sum(pulls, axis=0), np.sum(np.square(pulls), axis=0)
    assert np.all(np.abs(sums) < norm.isf(each / 2) * np.sqrt(SEEDS)), sums
    assert np.all((chi2.ppf(each, SEEDS) < squares) & (squares < chi2.isf(each, SEEDS))), squares
    assert chi2.ppf(each, dof) < total < chi2.isf(each, dof)
    assert total / dof == pytest.approx(1, abs=0.1)
    # errors of a few percent, and far smaller than what is looked for
    assert np.all(fit.errors[:4] < 0.05 * planted[:4])
    assert np.all(fit.errors[4:7] < 0.2 * np.abs(planted[4:7]))


@pytest.mark.parametrize(("law", "other"), [("exponential", "gaussian"), ("gaussian", "exponential")])
def test_the_right_law_is_named_with_its_evidence(plan, law, other):
    idle, fit = fitted(plan, expected(plan, channel(law=law), CONTRAST))
    assert idle.decay == law
    words, _, gained = idle.evidence.partition("χ² lower by ")
    assert words == f"{law} fits better than {other}, "
    assert float(gained) > 100
    assert (fit.good, fit.remark, fit.qubits) == (True, "", [0, 1])
    assert 0.7 < fit.chi2_per_dof < 1.3
    assert fit.figures["T2_s.1"].value == idle.T2_s[1].value == pytest.approx(T2[1], rel=0.1)
    assert fit.figures["zz_hz"] == idle.zz_hz
    assert idle.channel.law == law


def test_where_relaxation_alone_decides_the_exponential_law_is_taken(plan):
    """At T2 = 2·T1 the laws are one; the evidence says that nothing is decided."""
    for seed, share in enumerate((1.0, 0.98)):
        truth = channel(T2=tuple(2 * share * one for one in T1), law="gaussian")
        idle, fit = fitted(plan, expected(plan, truth, CONTRAST), seed=seed)
        assert idle.decay == "exponential"
        assert idle.evidence.endswith(": not decided, taken as exponential")
        assert fit.good
        assert all(t2.value <= 2 * t1.value * (1 + 1e-9) for t1, t2 in zip(idle.T1_s, idle.T2_s, strict=True))


def test_published_misreadings_are_taken_as_exact(plan):
    data, _ = measured(plan, expected(plan, channel(), CONTRAST), SHOTS, 9)
    exact = Readout(kind="tensored", assignment=ASSIGNMENT.tolist())
    idle, fit = fit_joint_idle(data, exact, GUESS)
    assert fit.good
    # 5.5 standard errors of four values: false alarm below 1e-6
    for found, planted in zip((*idle.T1_s, *idle.T2_s), (*T1, *T2), strict=True):
        assert abs(found.value - planted) < 5.5 * found.error


@pytest.mark.parametrize("jump_hz", [3e3, 6e3])
def test_a_decay_of_neither_law_is_a_bad_fit(plan, jump_hz):
    """A qubit that jumps from shot to shot between two frequencies: its coherence beats."""
    both = [expected(plan, channel(detuning=(3e3 + sign * jump_hz, -1.8e3)), CONTRAST) for sign in (1, -1)]
    _, fit = fitted(plan, np.mean(both, axis=0), 2 * SHOTS)
    assert not fit.good
    assert fit.chi2_per_dof > 1.5
    assert "neither law describes this wait" in fit.remark


def test_too_few_shots_are_a_bad_fit(plan):
    _, fit = fitted(plan, expected(plan, channel(), CONTRAST), 8)
    assert not fit.good
    assert fit.remark.endswith(" s is not determined")


def test_a_coherence_that_is_gone_before_the_first_wait_is_a_bad_fit(plan):
    for place, T2_s in enumerate(((60e-6, 3e-8), (1e-7, 1e-7))):
        _, fit = fitted(plan, expected(plan, channel(T2=T2_s), CONTRAST), seed=place)
        assert not fit.good
        assert fit.remark.startswith("coherence is gone within the shortest wait, ")


def test_noise_alone_is_a_bad_fit(plan):
    assert not fitted(plan, np.full((len(plan.circuits), 4), 0.25))[1].good
