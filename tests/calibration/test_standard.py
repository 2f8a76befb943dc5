"""The standard experiments: what they measure is what is there, within the errors they state, and bad fits say so."""

from __future__ import annotations

import json
import logging
import math
import threading
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError
from scipy.stats import chi2

from qent_hw.calibration.decays import HAHN, RAMSEY, RELAXATION, curve_of, decay_curve, points_of
from qent_hw.calibration.standard import standard_plan
from qent_hw.calibration.standard_readout import CORRELATED, LOCAL
from qent_hw.circuits.template import timing_grid
from qent_hw.errors import BackendError
from qent_hw.hardware.backends import resolve_backend
from qent_hw.hardware.device import ideal_device
from qent_hw.physics import IdleChannel

SHOTS = 4096
FALSE_ALARM = 1e-6
# A[measured, prepared] over ++, +−, −+, −−, first sign first qubit: no two entries are alike
ASSIGNMENT = np.array(
    [
        [0.955, 0.061, 0.082, 0.011],
        [0.024, 0.921, 0.014, 0.093],
        [0.017, 0.008, 0.899, 0.052],
        [0.004, 0.010, 0.005, 0.844],
    ]
)


@pytest.fixture(scope="module")
def manila():
    return resolve_backend("aer:fake_manila", qubits=(4, 3))


@pytest.fixture(scope="module")
def manila_plan(manila):
    idle = manila.device.idle
    return standard_plan(manila.device, idle.T1, idle.T2)


def aer_counts(circuits, noise_model, seed, shots=SHOTS):
    simulator = AerSimulator(noise_model=noise_model, method="density_matrix")
    result = simulator.run(list(circuits), shots=shots, seed_simulator=seed).result()
    return [result.get_counts(place) for place in range(len(circuits))]


def closed_form_counts(plan, idle, T2_echo, assignment, seed):
    """Counts of the plan's circuits by closed form, for an `IdleChannel` and the echo's T2, misread by `assignment`."""
    random = np.random.default_rng(np.random.SeedSequence(seed))
    counts = []
    for circuit in plan.circuits:
        (number,), (inner,) = circuit.metadata["composite_index"], circuit.metadata["composite_metadata"]
        if "state_label" in inner:
            first, second = (int(bit) for bit in inner["state_label"][::-1])
            probabilities = assignment[:, 2 * first + second]
        else:
            waits, qubit = [one["xval"] for one in inner["composite_metadata"]], (number - 1) % 2
            if number == 0:
                first, second = (math.exp(-wait / t) for wait, t in zip(waits, idle.T1, strict=True))
                probabilities = assignment @ np.kron([1 - first, first], [1 - second, second])
            else:
                ramsey = 0.5 + 0.5 * ramsey_signal(waits[0], idle, plan, qubit)
                chance = ramsey if number < 3 else 0.5 - 0.5 * math.exp(-waits[0] / T2_echo[qubit])
                # the other qubit stays in |0⟩ and is not read
                columns = assignment[:, [0, 2 - qubit]].reshape(2, 2, 2).sum(axis=1 - qubit)
                probabilities = columns @ np.array([1 - chance, chance])
        numbers = random.multinomial(SHOTS, probabilities)
        # Qiskit writes the first qubit on the right
        labels = ("00", "10", "01", "11") if len(numbers) == 4 else ("0", "1")
        counts.append({label: int(one) for label, one in zip(labels, numbers, strict=True) if one})
    return counts


def ramsey_signal(wait_s, idle, plan, qubit):
    turns = (plan.oscillation_hz[qubit] + idle.detuning[qubit]) * wait_s
    return idle.coherence(wait_s)[..., qubit] * np.cos(2 * np.pi * turns)


def times(result):
    """{(experiment, device's qubit): (value, error)} of the fitted times."""
    found = {}
    for fit in result.fits:
        for name in ("T1_s", "T2_s"):
            if name in fit.figures:
                found[fit.name, fit.qubits[0]] = (fit.figures[name].value, fit.figures[name].error)
    return found


def within(pulls, dof=None):
    """Whether the sum of squares is that of normal deviates, at `FALSE_ALARM` on either side."""
    total, dof = float(np.sum(np.square(pulls))), dof or np.size(pulls)
    return chi2.ppf(FALSE_ALARM, dof) < total < chi2.isf(FALSE_ALARM, dof)


def test_published_values_of_a_fake_are_recovered_within_the_errors(manila, manila_plan):
    idle, qubits = manila.device.idle, manila.device.qubits
    truth = {(RELAXATION, qubit): t for qubit, t in zip(qubits, idle.T1, strict=True)}
    truth |= {(name, qubit): t for name in (RAMSEY, HAHN) for qubit, t in zip(qubits, idle.T2, strict=True)}
    pulls = []
    for child in np.random.SeedSequence(5).spawn(3):
        counts = aer_counts(manila_plan.circuits, manila.noise_model, int(child.generate_state(1)[0] >> 1))
        result = manila_plan.analyse(counts, qubits)
        assert [fit.remark for fit in result.fits if not fit.good] == []
        found = times(result)
        pulls += [(value - truth[key]) / error for key, (value, error) in found.items()]
        # the fakes have no detuning
        detunings = [fit.figures["detuning_hz"] for fit in result.fits if fit.name == RAMSEY]
        pulls += [one.value / one.error for one in detunings]
        assert result.T1_guess == tuple(found[RELAXATION, qubit][0] for qubit in qubits)
        # with 4,096 shots the errors are a few percent: neither guessed nor given away
        assert all(0.003 * value < error < 0.05 * value for value, error in found.values())
    assert len(pulls) == 24
    assert within(pulls), np.round(pulls, 1)


@pytest.mark.parametrize("detuning", [(9e3, -7e3), (-6e3, 4e3)])
def test_detuning_has_the_sign_of_the_idle_channel(manila, manila_plan, detuning):
    turned = []
    for circuit in manila_plan.circuits:
        copy = circuit.copy_empty_like()
        for one in circuit.data:
            copy.append(one)
            if one.operation.name == "delay":
                qubit = copy.find_bit(one.qubits[0]).index
                wait_s = one.operation.duration * manila.device.target.dt
                copy.rz(2 * math.pi * detuning[qubit] * wait_s, qubit)
        turned.append(copy)
    result = manila_plan.analyse(aer_counts(turned, manila.noise_model, 11), (4, 3))
    for fit, planted in zip([fit for fit in result.fits if fit.name == RAMSEY], detuning, strict=True):
        found = fit.figures["detuning_hz"]
        # 5 standard errors: false alarm 1e-6 each
        assert abs(found.value - planted) < 5 * found.error
        assert found.error < 0.05 * abs(planted)
    # an echo undoes it
    assert all(fit.good for fit in result.fits if fit.name == HAHN)


def test_slow_noise_has_another_exponent_and_an_echo_undoes_it(manila):
    T1 = np.array([120e-6, 70e-6])
    idle = IdleChannel(T1, np.array([60e-6, 40e-6]), np.array([3e3, -1.8e3]), np.array(-4e3), "gaussian")
    plan = standard_plan(manila.device, T1, idle.T2)
    result = plan.analyse(closed_form_counts(plan, idle, 2 * T1, ASSIGNMENT, 21), (0, 1))
    assert [fit.remark for fit in result.fits if not fit.good] == []
    found = times(result)
    for qubit in (0, 1):
        for name, truth in ((RELAXATION, T1), (RAMSEY, idle.T2), (HAHN, 2 * T1)):
            value, error = found[name, qubit]
            assert abs(value - truth[qubit]) < 5 * error, (name, qubit, value, error)
    exponents = [fit.figures.get("exponent") for fit in result.fits if fit.name == RAMSEY]
    assert all(one is not None and 1.3 < one.value < 2 for one in exponents)
    assert not any("exponent" in fit.figures for fit in result.fits if fit.name != RAMSEY)


def test_assignment_is_measured_by_prepared_with_the_first_qubit_left(manila, manila_plan):
    errors = [ReadoutError([[0.99, 0.01], [0.08, 0.92]]), ReadoutError([[0.97, 0.03], [0.13, 0.87]])]
    noise_model = NoiseModel(basis_gates=["id", "rz", "sx", "x", "cx"])
    for qubit, error in enumerate(errors):
        noise_model.add_readout_error(error, [qubit])
    expected = np.kron(*(error.probabilities.T for error in errors))
    result = manila_plan.analyse(aer_counts(manila_plan.circuits, noise_model, 31), (4, 3))
    for readout in (result.readout, result.tensored):
        pulls = (readout.matrix - expected) / np.array(readout.errors)
        # sixteen values, false alarm 1e-6 each
        assert np.all(np.abs(pulls) < 5), readout.kind
        assert np.max(np.abs(readout.matrix.T - expected) / np.array(readout.errors)) > 10
    assert result.readout.kind == "correlated"
    assert result.tensored.kind == "tensored"
    assert result.readout.shots == SHOTS


def test_correlated_misreadings_are_recovered(manila, manila_plan):
    counts = closed_form_counts(manila_plan, manila.device.idle, manila.device.idle.T2, ASSIGNMENT, 41)
    result = manila_plan.analyse(counts, (4, 3))
    pulls = (result.readout.matrix - ASSIGNMENT) / np.array(result.readout.errors)
    assert np.all(np.abs(pulls) < 5)
    # the product of the qubits' own cannot know it
    assert np.max(np.abs(result.tensored.matrix - ASSIGNMENT) / np.array(result.tensored.errors)) > 10
    named = {fit.name: fit for fit in result.fits}
    assert named[LOCAL].qubits == named[CORRELATED].qubits == [4, 3]
    assert named[CORRELATED].figures["right_-+"].value == result.readout.assignment[2][2]


def test_bad_reading_alone_makes_no_bad_fit(manila, manila_plan):
    poor = np.kron([[0.88, 0.15], [0.12, 0.85]], [[0.9, 0.13], [0.1, 0.87]])
    idle = manila.device.idle
    result = manila_plan.analyse(closed_form_counts(manila_plan, idle, idle.T2, poor, 51), (4, 3))
    assert [fit.remark for fit in result.fits if not fit.good] == []


def test_fits_of_what_does_not_decay_are_bad_and_T1_stays_as_expected(manila, manila_plan):
    idle = IdleChannel(np.full(2, 1.0), np.full(2, 1.0), np.zeros(2), np.zeros(()))
    counts = closed_form_counts(manila_plan, idle, (1.0, 1.0), np.eye(4), 61)
    result = manila_plan.analyse(counts, (4, 3))
    decays = [fit for fit in result.fits if fit.name not in (LOCAL, CORRELATED)]
    assert not any(fit.good for fit in decays)
    assert all(fit.remark and "\n" not in fit.remark for fit in decays)
    assert result.T1_guess == manila_plan.T1 == tuple(manila.device.idle.T1)


def test_a_curve_that_does_not_fit_is_bad(manila, manila_plan):
    idle = manila.device.idle
    counts = closed_form_counts(manila_plan, idle, idle.T2, ASSIGNMENT, 71)
    # a neighbour that comes and goes: every other circuit is shifted
    shifted = [{"00": SHOTS // 2, "11": SHOTS // 2} if place % 3 else one for place, one in enumerate(counts[:20])]
    fits = manila_plan.analyse([*shifted, *counts[20:]], (4, 3)).fits
    assert all("χ²" in fit.remark and not fit.good for fit in fits[:2])


def test_a_readout_that_tells_nothing_is_a_fault_of_the_backend(manila, manila_plan):
    useless = np.kron(np.full((2, 2), 0.5), np.eye(2))
    idle = manila.device.idle
    with pytest.raises(BackendError, match="qubits 4,3"):
        manila_plan.analyse(closed_form_counts(manila_plan, idle, idle.T2, useless, 81), (4, 3))


def test_a_readout_that_is_mostly_wrong_is_bad(manila, manila_plan):
    swapped = np.kron([[0.3, 0.9], [0.7, 0.1]], np.eye(2))
    idle = manila.device.idle
    fits = manila_plan.analyse(closed_form_counts(manila_plan, idle, idle.T2, swapped, 91), (4, 3)).fits
    assert all(not fit.good and "outcomes of" in fit.remark for fit in fits[-2:])


@pytest.mark.parametrize("name", ["aer:fake_manila", "aer:fake_torino", "aer:fake_sherbrooke"])
def test_circuits_are_what_the_pair_takes(name):
    device = resolve_backend(name).device
    plan = standard_plan(device, device.idle.T1, device.idle.T2)
    grid, target = timing_grid(device.target), device.target
    assert {circuit.num_clbits for circuit in plan.circuits} == {1, 2}
    for circuit in plan.circuits:
        assert isinstance(circuit, QuantumCircuit)
        assert circuit.num_qubits == 2
        assert [register.name for register in circuit.cregs] == ["c"]
        measured = {}
        for one in circuit.data:
            qubits = tuple(circuit.find_bit(qubit).index for qubit in one.qubits)
            if one.operation.name == "delay":
                assert one.operation.unit == "dt"
                assert one.operation.duration % grid == 0
            elif one.operation.name == "measure":
                measured[circuit.find_bit(one.clbits[0]).index] = qubits[0]
            elif one.operation.name != "barrier":
                assert target.instruction_supported(one.operation.name, qubits)
        assert measured in ({0: 0, 1: 1}, {0: 0}, {0: 1})


def test_an_ideal_pair_that_relaxes_can_be_planned():
    device = ideal_device((1e-4, 5e-5), (8e-5, 6e-5))
    assert len(standard_plan(device, device.idle.T1, device.idle.T2).circuits) > 100


def test_a_wait_for_one_qubit_leaves_the_other_alone(manila_plan):
    for circuit in manila_plan.circuits:
        if circuit.num_clbits == 1:
            (touched,) = {circuit.find_bit(q).index for one in circuit.data for q in one.qubits}
            (number,) = circuit.metadata["composite_index"]
            assert touched == (number - 1) % 2


def test_what_was_counted_is_told_small_and_readable(manila, manila_plan):
    idle = manila.device.idle
    counts = closed_form_counts(manila_plan, idle, idle.T2, ASSIGNMENT, 101)
    rows = manila_plan.analyse(counts, (4, 3)).counts
    assert json.loads(json.dumps(rows)) == rows
    assert len(rows) == len(manila_plan.circuits)
    assert all(sum(row["counts"]) == SHOTS and len(row["counts"]) == 2 ** len(row["qubits"]) for row in rows)
    assert [row["prepared"] for row in rows[-4:]] == ["00", "10", "01", "11"]
    by_experiment = {name: [row for row in rows if row["experiment"] == name] for name in (RELAXATION, RAMSEY, HAHN)}
    assert all(row["qubits"] == [4, 3] and len(row["delay_s"]) == 2 for row in by_experiment[RELAXATION])
    assert {tuple(row["qubits"]) for row in by_experiment[RAMSEY]} == {(4,), (3,)}
    # each qubit waits as long as suits it
    assert by_experiment[RELAXATION][-1]["delay_s"] == pytest.approx(5 * idle.T1, rel=0.01)


def test_curve_of_a_fit_runs_through_its_counts(manila, manila_plan):
    idle = manila.device.idle
    result = manila_plan.analyse(closed_form_counts(manila_plan, idle, idle.T2, np.eye(4), 111), (4, 3))
    for fit in result.fits[:6]:
        points = points_of(fit, result.counts)
        curve = curve_of(fit, points.wait_s)
        spread = np.sqrt(np.clip(curve * (1 - curve), 1e-3, None) / SHOTS)
        assert np.all(np.abs(points.share - curve) < 5.5 * spread), fit.name
        np.testing.assert_allclose(points.error, spread, rtol=0.3, atol=1.5e-3)


def test_decay_curve_is_at_one_over_e_after_its_time():
    for exponent in (1.0, 1.7):
        assert decay_curve(np.array([3e-5]), 3e-5, 0.9, 0.05, exponent=exponent)[0] == pytest.approx(
            0.05 + 0.9 / math.e
        )


def test_nothing_is_printed_logged_warned_or_left_running(manila, manila_plan, capfd, caplog):
    idle = manila.device.idle
    good = closed_form_counts(manila_plan, idle, idle.T2, ASSIGNMENT, 121)
    # nothing but zeros: analyses meet what they cannot fit
    flat = [{"0" * circuit.num_clbits: SHOTS} for circuit in manila_plan.circuits[:-6]] + good[-6:]
    before, level = set(threading.enumerate()), logging.getLogger("qiskit_experiments").level
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        for counts in (good, flat):
            result = manila_plan.analyse(counts, (4, 3))
    assert not any(fit.good for fit in result.fits[:6])
    assert [one for one in caplog.records if one.name.startswith("qiskit_experiments")] == []
    assert logging.getLogger("qiskit_experiments").level == level
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert capfd.readouterr() == ("", "")
