"""Any circuit on two qubits in time: who waits when, beside whom, and what is found.

Only delays take time; what happens during a gate is in the gate's error. Every instruction acts as soon as its qubits
are free (as soon as possible), and a barrier or a two-qubit gate makes the earlier of its qubits wait for the later.
Between two events both qubits wait together, whoever the delay is written for, so that relaxation, phases and their
coupling are those of `physics.idle.wait`.

A measurement, too, acts as soon as its qubit is free. Where the other qubit goes on for longer, the qubit that was read
stays beside it as it was found, relaxes, and turns it by ZZ if that was |1⟩. A device that schedules as late as
possible lets the shorter circuit begin later instead, its qubit waiting in |0⟩: what is found of it is the same. That
both begin at once and are read together at the end is what must not be, as the shorter one would relax for longer than
its delay says; a barrier before the measurements does just that, if it is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate

from qent_hw.errors import InputError
from qent_hw.physics.idle import IdleChannel, wait
from qent_hw.simulation.errors import DeviceErrors
from qent_hw.simulation.program import Program, compile_program, run, turn_angles

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}
# of one qubit, as tr(ρ P), P = 1, x, y, z: the ground state, and Born's rule for + (|0⟩) and −; and of both
_GROUND = np.array([1.0, 0, 0, 1])
_BORN = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])
_BOTH_GROUND, _BOTH_BORN = np.kron(_GROUND, _GROUND), np.kron(_BORN, _BORN)


@dataclass(frozen=True)
class Wait:
    """Both qubits wait, for `delay_dt` units of dt."""

    delay_dt: int


@dataclass(frozen=True)
class Reading:
    """A qubit is measured while the other goes on."""

    qubit: int


Step: TypeAlias = Program | Wait | Reading


@dataclass(frozen=True, eq=False)
class Timeline:
    """A circuit in time.

    Attributes
    ----------
    steps
        in their order; readings at the very end are left out, as they are what `found_probabilities` gives.
    bits
        the place of the classical bit of each qubit that is measured, by qubit.
    """

    steps: tuple[Step, ...]
    bits: Mapping[int, int]

    @property
    def n_waits(self) -> int:
        """How often the pair waits, with gates or a measurement between."""
        return sum(isinstance(step, Wait) for step in self.steps)


def timeline(circuit: QuantumCircuit, errors: DeviceErrors) -> Timeline:
    """A circuit on qubits 0 and 1 in time, each gate followed by its error.

    Raises
    ------
    InputError
        for another number of qubits, a delay without a length, an instruction that is neither gate, delay, barrier nor
        measurement, and for anything but waiting on a qubit that was measured.
    """
    if circuit.num_qubits != 2:
        raise InputError(f"circuit {circuit.name!r} has {circuit.num_qubits} qubits: must have 2")
    steps: list[Step] = []
    gates: list[tuple[CircuitInstruction, tuple[int, ...]]] = []
    bits, now = {}, 0

    def act() -> None:
        if gates:
            steps.append(compile_program(gates, errors))
            gates.clear()

    for start, instruction, qubits in _scheduled(circuit, errors.dt):
        if start > now:
            act()
            steps.append(Wait(start - now))
            now = start
        if instruction.operation.name == "measure":
            act()
            steps.append(Reading(qubits[0]))
            bits[qubits[0]] = circuit.find_bit(instruction.clbits[0]).index
        else:
            gates.append((instruction, qubits))
    act()
    last = max((place for place, step in enumerate(steps) if isinstance(step, Wait)), default=-1)
    kept = (step for place, step in enumerate(steps) if place < last or not isinstance(step, Reading))
    return Timeline(tuple(kept), bits)


def found_probabilities(
    line: Timeline, idle: IdleChannel, dt: float, values: Mapping[str, NDArray[np.float64]] | None = None, n: int = 1
) -> NDArray[np.float64]:
    """The probabilities with which the qubits are found in 00, 01, 10, 11 (qubit 0 left), before they are misread.

    A qubit that is not measured counts as found at the end.

    Parameters
    ----------
    idle
        what every wait does; with leading axes one channel for each of a batch, such as the shots of one circuit. The
        law "gaussian" does not compose, and is right for a single wait only.
    dt
        seconds, the unit of waits.
    values, n
        the free angles by name, (n,) radians each.

    Returns
    -------
    (n, 4), or one row for each channel where there are many and the circuit waits.
    """
    ground = np.repeat(_BOTH_GROUND[:, None], n, axis=1)
    return _found(line.steps, ground, idle, dt, values or {}).T


def _found(
    steps: tuple[Step, ...],
    state: NDArray[np.float64],
    idle: IdleChannel,
    dt: float,
    values: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(4, n) from states (16, n), which need not be normalised."""
    for place, step in enumerate(steps):
        if isinstance(step, Wait):
            state = wait(state, step.delay_dt * dt, idle)
        elif isinstance(step, Reading):
            # each outcome goes on by itself; what the qubit does later is not its outcome any more
            later = [_found(steps[place + 1 :], one, idle, dt, values) for one in _projected(state, step.qubit)]
            outcomes = [found.reshape(2, 2, -1).sum(axis=step.qubit) for found in later]
            return np.stack(outcomes, axis=step.qubit).reshape(4, -1)
        else:
            state = run(step, state, turn_angles(step, values, state.shape[1]))
    found: NDArray[np.float64] = _BOTH_BORN @ state
    return found


def _projected(state: NDArray[np.float64], qubit: int) -> list[NDArray[np.float64]]:
    """The states (16, n) with a qubit found in |0⟩ and in |1⟩, their traces the probabilities of it."""
    branches = []
    for outcome, sign in zip(_BORN, (1.0, -1.0), strict=True):
        projector = np.outer([1.0, 0, 0, sign], outcome)
        one = np.eye(4)
        both = np.kron(projector, one) if qubit == 0 else np.kron(one, projector)
        branches.append(both @ state)
    return branches


def _scheduled(circuit: QuantumCircuit, dt: float) -> list[tuple[int, CircuitInstruction, tuple[int, ...]]]:
    """Gates and measurements with their qubits in the order of their starts, in dt."""
    clock = [0, 0]
    read: set[int] = set()
    events = []
    for instruction in circuit.data:
        operation = instruction.operation
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        if operation.name == "delay":
            clock[qubits[0]] += _ticks(operation, dt)
            continue
        start = max(clock[qubit] for qubit in qubits)
        for qubit in qubits:
            clock[qubit] = start
        if operation.name == "barrier":
            continue
        if operation.name != "measure" and not isinstance(operation, Gate):
            raise InputError(
                f"circuit {circuit.name!r}: {operation.name!r} is not simulated; use gates, delays, barriers, measure"
            )
        if read.intersection(qubits):
            raise InputError(f"circuit {circuit.name!r}: {operation.name!r} on a qubit that was measured")
        if operation.name == "measure":
            read.update(qubits)
        events.append((start, instruction, qubits))
    return sorted(events, key=lambda event: event[0])


def _ticks(delay: Any, dt: float) -> int:
    """The length of a delay in units of dt."""
    unit = dt if delay.unit == "dt" else _SECONDS.get(delay.unit)
    if unit is None or getattr(delay.duration, "parameters", None):
        raise InputError(f"delay {delay.duration} {delay.unit}: must be a number of dt or seconds")
    return round(float(delay.duration) * unit / dt)
