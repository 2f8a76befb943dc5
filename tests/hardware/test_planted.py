"""A planted pair does what was planted, by closed forms.

Each χ² test has a false-alarm rate of 1e-6; seeds are fixed, so a case that passes keeps passing. Where closed forms
leave out the gates' errors, the pair's are those of relaxation during 32 ns: 1e-3 of a circuit, which so few shots
hardly see.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.transpiler import generate_preset_pass_manager
from scipy import stats

from qent_hw import Experiment
from qent_hw.circuits import load_family
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import OUTCOME_OF_BITS, transpile_template
from qent_hw.errors import InputError, InvalidRelaxationError
from qent_hw.experiments.provenance import idle_facts
from qent_hw.hardware import local_backends, resolve_backend
from qent_hw.hardware.listing import local_rows
from qent_hw.hardware.planted import misread, planted_device, planted_pair, shipped_pair
from qent_hw.hardware.planted_backend import planted_backend
from qent_hw.physics import idled
from qent_hw.physics.settings import BELL_SETTINGS
from qent_hw.simulation import idled_states
from qent_hw.simulation.device import device_probabilities, device_template
from qent_hw.simulation.errors import device_errors

FALSE_ALARM = 1e-6
SHOTS = 16_000
DT = 1e-9
WAITS_DT = (0, 8_000, 24_000, 56_000, 120_000)
PAULI = {"x": np.array([[0, 1], [1, 0]]), "y": np.array([[0, -1j], [1j, 0]]), "z": np.diag([1, -1])}
STATES = {"0": np.array([1, 0]), "1": np.array([0, 1]), "+": np.array([1, 1]) / math.sqrt(2)}
# neither law: noise without memory beside relaxation, and slow noise beside both
MIXED = planted_pair((80e-6, 120e-6), (20e-6, 50e-6), (90e-6, 70e-6), detuning=(15e3, -7e3), zz=6e3)
# correlated and asymmetric
CORRELATED = np.array(
    [
        [0.95, 0.07, 0.05, 0.005],
        [0.03, 0.90, 0.01, 0.09],
        [0.02, 0.01, 0.92, 0.04],
        [0.00, 0.02, 0.02, 0.865],
    ]
)


def perfect(pair):
    """The pair with perfect readout, its gates as good as relaxation lets them be."""
    return replace(pair, readout=np.eye(4), pulse_error=0.0, cz_error=0.0)


def counted(pair, circuits, shots=SHOTS, seed=1):
    """(n, 4) counts of ++, +−, −+, −− of circuits with any gates, bit 0 the first qubit's."""
    backend = planted_backend("planted", pair)
    manager = generate_preset_pass_manager(1, target=backend.device.target, initial_layout=[0, 1])
    table = np.zeros((len(circuits), 4), dtype=np.int64)
    found = backend.count([manager.run(one) for one in circuits], shots, np.random.SeedSequence(seed))
    for row, counts in zip(table, found, strict=True):
        for bits, number in counts.items():
            row[OUTCOME_OF_BITS[int(bits, 2)]] += number
    assert np.all(table.sum(axis=1) == shots)
    return table


def assert_drawn_from(counts, probabilities):
    """χ² of counts (n, 4); cells that expect few are pooled into one."""
    chi2, dof = 0.0, 0
    for observed, p in zip(counts.reshape(-1, 4), probabilities.reshape(-1, 4), strict=True):
        wanted = p * observed.sum()
        large = wanted >= 10
        cells = np.append(observed[large], observed[~large].sum()), np.append(wanted[large], wanted[~large].sum())
        kept = cells[1] > 1
        chi2 += np.sum((cells[0][kept] - cells[1][kept]) ** 2 / cells[1][kept])
        dof += kept.sum() - 1
    assert dof >= 3
    assert FALSE_ALARM / 2 < stats.chi2.sf(chi2, dof) < 1 - FALSE_ALARM / 2, (chi2, dof)


def circuit_of(prepared, *blocks, measured="zz"):
    """Prepare, then what each block adds between barriers, then measure along two axes."""
    circuit = QuantumCircuit(2, 2)
    for qubit, state in enumerate(prepared):
        if state != "0":
            circuit.ry(math.pi if state == "1" else math.pi / 2, qubit)
    for block in blocks:
        circuit.barrier()
        block(circuit)
    circuit.barrier()
    for qubit, axis in enumerate(measured):
        if axis == "x":
            circuit.ry(-math.pi / 2, qubit)
        elif axis == "y":
            circuit.rx(math.pi / 2, qubit)
    circuit.measure([0, 1], [0, 1])
    return circuit


def waiting(delay_dt):
    def block(circuit):
        circuit.delay(delay_dt, 0)
        circuit.delay(delay_dt, 1)

    return block


def probabilities(rho, measured):
    """(4,) of ++, +−, −+, −− for a density matrix (4, 4) measured along two axes."""
    one, two = ([(np.eye(2) + sign * PAULI[axis]) / 2 for sign in (1, -1)] for axis in measured)
    return np.array([np.trace(rho @ np.kron(a, b)).real for a in one for b in two])


@pytest.mark.parametrize("neighbour", ["0", "1", "+"])
@pytest.mark.parametrize("qubit", [0, 1])
def test_a_free_wait_is_that_of_the_idle_channel(qubit, neighbour):
    """In each shot an exponential law, on the average the gaussian one, with detuning, ZZ and relaxation."""
    pair = perfect(shipped_pair())
    assert pair.idle.law == "gaussian"
    names = ("+", neighbour)[:: 1 if qubit == 0 else -1]
    psi = np.kron(STATES[names[0]], STATES[names[1]])
    circuits, expected = [], []
    for delay in WAITS_DT:
        (rho,) = idled(np.outer(psi, psi).astype(complex)[None], delay * DT, pair.idle)
        for axis in "xy":
            axes = (axis, "x" if neighbour == "+" else "z")[:: 1 if qubit == 0 else -1]
            circuits.append(circuit_of(names, waiting(delay), measured=axes))
            expected.append(probabilities(rho, axes))
    assert_drawn_from(counted(pair, circuits), np.array(expected))


def test_a_bell_state_loses_coherence_by_both_qubits():
    """Its coherence decays by the product of both, and turns by the sum of both detunings and ZZ."""

    def entangle(circuit):
        circuit.cz(0, 1)
        circuit.ry(math.pi / 2, 1)

    pair = perfect(replace(shipped_pair(), zz=-11e3))
    # |++⟩ → (|0+⟩ + |1−⟩)/√2, and ry takes + to 1 and − to 0
    psi = np.array([0, 1, 1, 0]) / math.sqrt(2)
    circuits, expected = [], []
    for delay in WAITS_DT:
        (rho,) = idled(np.outer(psi, psi).astype(complex)[None], delay * DT, pair.idle)
        for axes in ("xx", "xy", "yx", "zz"):
            circuits.append(circuit_of("++", entangle, waiting(delay), measured=axes))
            expected.append(probabilities(rho, axes))
    # the cz errs by relaxation in 240 ns, 2 parts in 1,000
    assert_drawn_from(counted(pair, circuits, shots=1000), np.array(expected))


@pytest.mark.parametrize("qubit", [0, 1])
def test_an_echo_brings_back_what_is_slow_and_the_detuning_and_a_free_wait_does_not(qubit):
    """For a pair of neither law; the neighbour in |0⟩."""
    pair = perfect(MIXED)
    free, echoed = np.zeros((4, 4)), np.zeros((4, 4))
    circuits_free, circuits_echoed = [], []
    names, axes = ("+", "0")[:: 1 if qubit == 0 else -1], ("x", "z")[:: 1 if qubit == 0 else -1]
    for row, delay in enumerate((8_000, 24_000, 40_000, 80_000)):
        blocks = [lambda circuit, half=delay // 2: circuit.delay(half, qubit)] * 2
        blocks.insert(1, lambda circuit: circuit.rx(math.pi, qubit))
        circuits_free.append(circuit_of(names, waiting(delay), measured=axes))
        circuits_echoed.append(circuit_of(names, *blocks, measured=axes))
        t = delay * DT
        kept = np.exp(-t / pair.T2_echo[qubit])
        slow = kept * np.exp(-((2 * np.pi * pair.slow_hz[qubit] * t) ** 2) / 2)
        for table, x in ((echoed, kept), (free, slow * np.cos(2 * np.pi * pair.detuning[qubit] * t))):
            one = np.array([1 + x, 1 - x]) / 2
            table[row] = np.kron(one, [1, 0]) if qubit == 0 else np.kron([1, 0], one)
    assert_drawn_from(counted(pair, circuits_free), free)
    assert_drawn_from(counted(pair, circuits_echoed), echoed)
    left = np.exp(-pair.T2 / pair.T2_echo - (2 * np.pi * pair.slow_hz * pair.T2) ** 2 / 2)  # after T2
    np.testing.assert_allclose(left, 1 / math.e)


def test_different_delays_in_parallel_are_each_qubits_own():
    """Relaxation on both at once, neither relaxing for longer than its delay says."""
    pair = perfect(shipped_pair())
    circuits, expected = [], []
    for first, second in ((8_000, 60_000), (150_000, 16_000), (40_000, 40_000), (0, 100_000)):
        circuit = QuantumCircuit(2, 2)
        for qubit, delay in enumerate((first, second)):
            circuit.x(qubit)
            circuit.delay(delay, qubit)
            circuit.measure(qubit, qubit)
        circuits.append(circuit)
        excited = np.exp(-np.array([first, second]) * DT / pair.T1)
        expected.append(np.kron(*([1 - one, one] for one in excited)))
    assert_drawn_from(counted(pair, circuits), np.array(expected))


def test_outcomes_are_misread_by_prepared_state():
    pair = replace(perfect(shipped_pair()), readout=CORRELATED)
    prepared = [circuit_of(state) for state in ("00", "01", "10", "11")]
    assert_drawn_from(counted(pair, prepared, shots=20_000), CORRELATED.T)
    # of one qubit alone, the other as it is
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1), ClassicalRegister(2))
    circuit.x(1)
    circuit.measure(1, 2)
    (counts,) = planted_backend("planted", pair).count([circuit], 20_000, np.random.SeedSequence(2))
    assert set(counts) == {"00 0", "10 0"}
    ones = CORRELATED[[1, 3], 1].sum()
    assert stats.binomtest(counts["10 0"], 20_000, ones).pvalue > FALSE_ALARM


def test_misreadings_by_their_names():
    """A[measured, prepared]: − for + of the second qubit is +− for ++."""
    matrix = misread(minus_for_plus=(0.01, 0.02), plus_for_minus=(0.03, 0.05))
    np.testing.assert_allclose(matrix.sum(axis=0), 1)
    assert matrix[1, 0] == pytest.approx(0.99 * 0.02)
    assert matrix[2, 0] == pytest.approx(0.01 * 0.98)
    assert matrix[0, 2] == pytest.approx(0.03 * 0.98)
    assert matrix[2, 3] == pytest.approx(0.97 * 0.05)


def test_device_publishes_gates_and_readout_but_an_echos_T2():
    pair = shipped_pair()
    device = planted_device("planted", pair)
    published = device_errors(device.target)
    np.testing.assert_allclose(published.readout, pair.readout, atol=1e-15)
    np.testing.assert_allclose(published.idle.T2, 2 * pair.T1)
    assert device.target["cz"][(1, 0)].error == 8e-3
    assert idle_facts(device.idle) == {
        "T1_s": [120e-6, 70e-6],
        "T2_s": pytest.approx([60e-6, 40e-6]),
        "decay": "gaussian",
        "detuning_hz": [3e3, -1.8e3],
        "zz_hz": -4e3,
    }
    # of a correlated readout what each qubit does whatever its neighbour
    correlated = device_errors(planted_device("planted", replace(pair, readout=CORRELATED)).target).readout
    assert correlated[2:, 0].sum() == pytest.approx(CORRELATED[2:, :2].sum() / 2)


@cache
def shipped_template():
    backend = resolve_backend("simulated")
    isa = transpile_template(backend.device.target)
    return backend, isa, device_template(isa, backend.errors)


@pytest.mark.parametrize("injection", ["idle", "dephasing", "depolarizing", "twirl", "twirled readout"])
def test_pubs_follow_the_exact_probabilities(injection):
    """Those of the batched device simulation, which are Aer's for gates and the idle channel's for waits."""
    backend, isa, template = shipped_template()
    family, settings, shots = load_family("general_four_basis"), ("xa", "yb", "zz", "xz"), 4000
    psi = family.amplitudes(family.draw(6, np.random.default_rng(61)))
    if injection in ("idle", "twirled readout"):
        arguments = {"injection": "idle", "delay_dt": np.array([0, 8_000, 8_000, 40_000, 40_000, 96_000])}
    else:
        kind = {"dephasing": "noise-model", "depolarizing": "noise-model"}.get(injection, injection)
        channel = "depolarizing" if injection == "depolarizing" else "dephasing"
        arguments = {"injection": kind, "channel": channel, "p": np.array([0.0, 0.3, 0.3, 0.6, 0.6, 1.0])}
    exact = device_probabilities(template, psi, settings, **arguments).mean(axis=2)
    if injection == "twirled readout":
        # + and − are misread alike, with the mean of both
        even = np.repeat([misread((0.0275, 0.0425), (0.0275, 0.0425))], 6, axis=0)
        exact = device_probabilities(template, psi, settings, **arguments, readout=even)[:, :, 0]
        arguments["readout_twirl"] = True
    counts, told = np.zeros((6, 4, 4), dtype=np.int64), []
    pubs = build_pubs(isa, psi, settings, shots, **arguments)
    for pub, seed in zip(pubs, np.random.SeedSequence(62).spawn(len(pubs)), strict=True):
        counts[pub.states] = backend.sample(pub, seed, told.append)
    assert np.all(counts.sum(axis=-1) == shots)
    assert sum(told) == sum(pub.n_rows for pub in pubs)
    assert_drawn_from(counts, exact)


def test_many_rows_are_evolved_in_blocks_and_drawn_anew():
    backend, isa, template = shipped_template()
    psi = np.repeat(np.array([[1, 0, 0, 1]]) / math.sqrt(2), 3000, axis=0).astype(complex)
    (pub,) = build_pubs(isa, psi, ("xa", "yb"), 100, "idle", delay_dt=np.full(3000, 16_000))
    told = []
    counts = backend.sample(pub, np.random.SeedSequence(63), told.append)
    assert len(told) > 2
    assert sum(told) == 6000
    exact = device_probabilities(template, psi[:1], ("xa", "yb"), "idle", delay_dt=np.array([16_000]))[:, :, 0]
    assert_drawn_from(counts.sum(axis=0), exact[0])
    spread = counts[..., 0].var(axis=0, ddof=1) / (100 * exact[0, :, 0] * (1 - exact[0, :, 0]))
    # binomial; relative variance of a variance 2/2999
    assert np.all(np.abs(spread - 1) < 5.5 * math.sqrt(2 / 2999))


def test_equal_circuits_differ_and_equal_seeds_do_not():
    backend = resolve_backend("simulated")
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.delay(24_000, 0)
    circuit.measure([0, 1], [0, 1])
    first, again = (backend.count([circuit] * 20, 500, np.random.SeedSequence(3)) for _ in range(2))
    assert first == again
    assert len({tuple(sorted(one.items())) for one in first}) > 15
    assert first != backend.count([circuit] * 20, 500, np.random.SeedSequence(4))


def test_a_run_on_it_has_the_truth_of_its_idle_channel():
    run = Experiment.load("random_states", **{"states.n": 40, "channel.p": [0.2, 0.5]}).run(
        backend="simulated", injection="idle", shots=512
    )
    plan, pair = run.plan, shipped_pair()
    np.testing.assert_allclose(plan.truth, idled_states(plan.psi, plan.tau_s, pair.idle), atol=1e-15)
    assert run.provenance["backend"]["decay"] == "gaussian"
    assert run.provenance["backend"]["slow_hz"] == pytest.approx(pair.slow_hz.tolist())
    exact = device_probabilities(shipped_template()[2], plan.psi, BELL_SETTINGS, "idle", delay_dt=plan.delay_dt)
    assert_drawn_from(run.measured.values, exact[:, :, 0])


def test_it_is_a_backend_by_name():
    assert "simulated" in local_backends()
    with pytest.raises(InputError, match="qubits = 1,0: simulated is one pair, 0,1"):
        resolve_backend("simulated", qubits=(1, 0))
    with pytest.raises(InputError, match="T1_s and T2_s"):
        resolve_backend("simulated", T1=(1e-4, 1e-4), T2=(1e-4, 1e-4))
    (row,) = local_rows(["simulated"])
    assert (row.name, row.qubits, row.two_qubit_error) == ("simulated", 2, 8e-3)
    assert row.readout_error == pytest.approx((0.0275 + 0.0425) / 2)


def test_laws_are_told_only_where_they_are_exact():
    assert planted_pair(80e-6, 30e-6).idle.law == "gaussian"
    markovian = planted_pair(80e-6, 30e-6, 30e-6)
    assert (markovian.idle.law, markovian.slow_hz.tolist()) == ("exponential", [0, 0])
    for pair in (shipped_pair(), markovian, MIXED):
        again = planted_pair(pair.T1, pair.T2, pair.T2_echo)
        np.testing.assert_allclose(again.slow_hz, pair.slow_hz, atol=1e-6)
    assert MIXED.idle is None
    assert "decay_is" in planted_device("planted", MIXED).facts
    backend, isa = planted_backend("planted", MIXED), shipped_template()[1]
    psi = np.array([[1, 0, 0, 1]], dtype=complex) / math.sqrt(2)
    (pub,) = build_pubs(isa, psi, ("xa",), 100, "idle", delay_dt=np.array([8_000]))
    with pytest.raises(InputError, match="decays by neither law"):
        backend.sample(pub, np.random.SeedSequence(1), lambda _n: None)


def test_what_cannot_be_planted_or_counted_is_refused():
    with pytest.raises(InvalidRelaxationError, match="T2 = 7e-05 s of qubit 2"):
        planted_pair(80e-6, (30e-6, 70e-6), 60e-6)
    with pytest.raises(InvalidRelaxationError, match="above 2·T1"):
        planted_pair(80e-6, 30e-6, 200e-6)
    with pytest.raises(InputError, match="slow_hz"):
        replace(shipped_pair(), slow_hz=np.array([-1.0, 0.0]))
    with pytest.raises(InputError, match="columns sum to one"):
        replace(shipped_pair(), readout=CORRELATED.T)
    with pytest.raises(InputError, match="measures nothing"):
        resolve_backend("simulated").count([QuantumCircuit(2, 2)], 10, np.random.SeedSequence(1))
