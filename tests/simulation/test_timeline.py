"""Circuits in time: gates as Aer has them, and who waits when beside whom."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qent_hw.errors import InputError
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.device import PairBackend
from qent_hw.physics import IdleChannel, idled
from qent_hw.simulation.errors import DeviceErrors, device_errors
from qent_hw.simulation.timeline import Wait, found_probabilities, timeline

DT = 1e-9
IDLE = IdleChannel(np.array([80e-6, 30e-6]), np.array([50e-6, 45e-6]), np.array([9e3, -4e3]), np.array(-12e3))
PERFECT = DeviceErrors({}, np.eye(4), IDLE, DT)
SHORT, LONG = 10_000, 35_000


def found(circuit, errors=PERFECT, idle=IDLE):
    return found_probabilities(timeline(circuit, errors), idle, errors.dt)[0]


def prepared():
    """A state with all coherences, and its density matrix, qubit 0 left."""
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.sx(1)
    circuit.rz(0.7, 1)
    circuit.sx(1)
    circuit.rz(-1.1, 0)
    # any fixed rotations will do; the matrix is that of the same gates
    sx = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
    psi = np.kron(sx, np.eye(2)) @ np.array([1.0, 0, 0, 0])
    psi = np.kron(rz(-1.1), sx @ rz(0.7) @ sx) @ (np.diag([1, 1, 1, -1]) @ psi)
    return circuit, np.outer(psi, psi.conj())[None]


def rz(angle):
    return np.diag(np.exp([-0.5j * angle, 0.5j * angle]))


def turned(rho):
    """Both qubits after rz(0.4), sx, as `measured` does."""
    sx = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
    both = np.kron(sx @ rz(0.4), sx @ rz(0.4))
    return both @ rho @ both.conj().T


def measured(circuit, qubits=(0, 1)):
    for qubit in qubits:
        circuit.rz(0.4, qubit)
        circuit.sx(qubit)
        circuit.measure(qubit, qubit)


def populations(rho):
    return np.diagonal(rho[0]).real


def test_gates_and_their_errors_are_those_of_aer():
    target = resolve_backend("simulated").device.target
    device = resolve_backend("simulated").device
    errors, model = device_errors(target), NoiseModel.from_backend(PairBackend(device))
    rng = np.random.default_rng(1)
    for _ in range(5):
        circuit = QuantumCircuit(2)
        for name in rng.choice(["rz", "sx", "x", "id", "cz"], 30):
            qubit = int(rng.integers(2))
            if name == "rz":
                circuit.rz(rng.uniform(-4, 4), qubit)
            elif name == "cz":
                circuit.cz(qubit, 1 - qubit)
            else:
                getattr(circuit, name)(qubit)
        ours = found(circuit, errors)
        circuit.save_probabilities([1, 0])
        simulator = AerSimulator(noise_model=model, method="density_matrix", fusion_enable=False)
        aers = simulator.run(circuit).result().data()["probabilities"]
        # Aer leaves out errors of probability 1e-10 and less
        np.testing.assert_allclose(ours, aers, atol=1e-8)


def test_both_wait_where_barriers_stand_around_the_delays():
    circuit, rho = prepared()
    circuit.barrier()
    circuit.delay(LONG, 0)
    circuit.delay(LONG, 1)
    circuit.barrier()
    measured(circuit)
    line = timeline(circuit, PERFECT)
    assert [step.delay_dt for step in line.steps if isinstance(step, Wait)] == [LONG]
    np.testing.assert_allclose(found(circuit), populations(turned(idled(rho, LONG * DT, IDLE))), atol=1e-12)


@pytest.mark.parametrize("first", [0, 1])
def test_the_shorter_of_two_delays_is_read_at_its_end_and_stays_beside_the_longer(first):
    """By hand: both wait, one is turned and found, and beside what was found the other goes on waiting."""
    circuit, rho = prepared()
    circuit.barrier()
    circuit.delay(SHORT, first)
    circuit.delay(LONG, 1 - first)
    measured(circuit)
    sx = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
    one = sx @ rz(0.4)

    def on(qubit, matrix):
        return np.kron(matrix, np.eye(2)) if qubit == 0 else np.kron(np.eye(2), matrix)

    rho = idled(rho, SHORT * DT, IDLE)
    rho = on(first, one) @ rho @ on(first, one).conj().T
    expected = np.zeros((2, 2))
    for outcome in (0, 1):
        projector = on(first, np.diag([1.0 - outcome, outcome]))
        later = idled(projector @ rho @ projector, (LONG - SHORT) * DT, IDLE)
        later = on(1 - first, one) @ later @ on(1 - first, one).conj().T
        alone = populations(later).reshape(2, 2).sum(axis=first)
        expected[(outcome, slice(None)) if first == 0 else (slice(None), outcome)] = alone
    np.testing.assert_allclose(found(circuit), expected.ravel(), atol=1e-12)


def test_without_coupling_parallel_experiments_of_different_lengths_do_not_know_of_each_other():
    apart = IdleChannel(IDLE.T1, IDLE.T2, IDLE.detuning, np.array(0.0))
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.delay(SHORT, 0)
    circuit.measure(0, 0)
    circuit.sx(1)
    circuit.delay(LONG, 1)
    circuit.sx(1)
    circuit.measure(1, 1)
    excited = math.exp(-SHORT * DT / IDLE.T1[0])
    # sx, wait, sx: |1⟩ with (1 + f cos(2π δ t)) / 2
    one = (1 + math.exp(-LONG * DT / IDLE.T2[1]) * math.cos(2 * math.pi * IDLE.detuning[1] * LONG * DT)) / 2
    expected = np.kron([1 - excited, excited], [1 - one, one])
    np.testing.assert_allclose(found(circuit, idle=apart), expected, atol=1e-12)


@pytest.mark.parametrize("align", ["barrier", "cz"])
def test_a_barrier_or_a_gate_on_both_makes_the_earlier_wait(align):
    circuit, rho = prepared()
    circuit.delay(SHORT, 0)
    circuit.delay(LONG, 1)
    getattr(circuit, align)(0, 1)
    measured(circuit)
    rho = idled(rho, LONG * DT, IDLE)
    if align == "cz":
        flip = np.diag([1, 1, 1, -1])
        rho = flip @ rho @ flip
    np.testing.assert_allclose(found(circuit), populations(turned(rho)), atol=1e-12)


def test_a_qubit_that_does_nothing_waits_beside_the_other():
    """Its phase is what detuning and the other's state make of it."""
    circuit, rho = prepared()
    circuit.delay(SHORT, 0)
    circuit.sx(0)
    circuit.delay(LONG - SHORT, 0)
    circuit.barrier()
    measured(circuit)
    sx = np.kron(np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2, np.eye(2))
    rho = idled(rho, SHORT * DT, IDLE)
    rho = idled(sx @ rho @ sx.conj().T, (LONG - SHORT) * DT, IDLE)
    np.testing.assert_allclose(found(circuit), populations(turned(rho)), atol=1e-12)


def test_delays_may_be_in_seconds_and_in_parts():
    whole, parts = (prepared()[0] for _ in range(2))
    whole.barrier()
    whole.delay(LONG, 0)
    whole.delay(LONG, 1)
    parts.barrier()
    parts.delay(SHORT * 1e-3, 0, "us")
    parts.rz(0.0, 0)
    parts.delay((LONG - SHORT) * 1e-9, 0, "s")
    parts.delay(LONG, 1, "ns")
    for circuit in (whole, parts):
        circuit.barrier()
        measured(circuit)
    np.testing.assert_allclose(found(parts), found(whole), atol=1e-12)


def test_free_angles_and_a_channel_for_each_of_a_batch():
    angle, circuit = Parameter("a"), QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.delay(LONG, 0)
    circuit.rz(angle, 0)
    circuit.sx(0)
    circuit.measure(0, 0)
    angles, spread = np.array([0.3, 2.0, -1.0]), np.array([0.0, 5e3, -2e3])
    each = IdleChannel(
        np.broadcast_to(IDLE.T1, (3, 2)),
        np.broadcast_to(IDLE.T2, (3, 2)),
        np.stack([spread, np.zeros(3)], axis=1),
        np.zeros(3),
    )
    got = found_probabilities(timeline(circuit, PERFECT), each, DT, {"a": angles}, 3)
    phase = 2 * np.pi * spread * LONG * DT + angles
    np.testing.assert_allclose(
        got[:, 2:].sum(axis=1), (1 + math.exp(-LONG * DT / IDLE.T2[0]) * np.cos(phase)) / 2, atol=1e-12
    )


def test_bits_are_by_qubit_and_trailing_readings_need_no_branches():
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1), ClassicalRegister(2))
    circuit.measure(0, 2)
    circuit.measure(1, 0)
    circuit.delay(LONG, 1)
    line = timeline(circuit, PERFECT)
    assert (dict(line.bits), line.steps, line.n_waits) == ({0: 2, 1: 0}, (), 0)


def test_what_is_not_simulated_is_refused_in_a_line():
    def refused(build, complaint, qubits=2):
        circuit = QuantumCircuit(qubits, 2)
        build(circuit)
        with pytest.raises(InputError, match=complaint):
            timeline(circuit, PERFECT)

    refused(lambda one: one.x(0), "has 3 qubits", qubits=3)
    refused(lambda one: one.reset(0), "'reset' is not simulated")
    refused(lambda one: one.delay(Parameter("t"), 0), "must be a number of dt")

    def go_on(circuit):
        circuit.measure(0, 0)
        circuit.cz(0, 1)

    refused(go_on, "'cz' on a qubit that was measured")
