"""A piece of a transpiled circuit as few matrix products: what is fixed, gate errors included, is multiplied together
beforehand, and rotations by a free angle stand between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import CircuitInstruction, Gate, ParameterExpression
from qiskit.circuit.library import RXGate, RYGate, RZGate, RZZGate
from qiskit.quantum_info import Operator

from qent_hw.circuits.statevector import evaluate
from qent_hw.errors import InputError
from qent_hw.simulation.errors import DeviceErrors, on_pair, transfer_matrix

# components of a state, and those that they turn towards
Plane: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

_ROTATIONS: dict[str, Any] = {"rx": RXGate, "ry": RYGate, "rz": RZGate, "rzz": RZZGate}


@dataclass(frozen=True, eq=False)
class Turn:
    """A rotation of the qubits by a free `angle` in `plane`; see `turn`."""

    plane: Plane
    qubits: tuple[int, ...]
    angle: ParameterExpression


@dataclass(frozen=True, eq=False)
class Fixed:
    """A channel without free parameters: its Pauli transfer matrix on both qubits, and the qubits it acts on."""

    matrix: NDArray[np.float64]
    qubits: tuple[int, ...]


Program: TypeAlias = tuple[Fixed | Turn, ...]


def compile_program(
    instructions: Iterable[tuple[CircuitInstruction, tuple[int, ...]]], errors: DeviceErrors
) -> Program:
    """Gates (each with the qubits it acts on, 0 and 1) as a program, each followed by its error.

    Raises
    ------
    InputError
        for a free angle in a gate that is no rotation.
    """
    steps: list[Fixed | Turn] = []
    for instruction, qubits in instructions:
        gate = instruction.operation
        if gate.name == "barrier":
            continue
        for part in _parts(gate):
            _append(steps, _step(part, qubits))
        if (error := errors.gates.get((gate.name, qubits))) is not None:
            _append(steps, Fixed(on_pair(error, qubits), qubits))
    return tuple(steps)


def turn_angles(program: Program, values: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    """The angles of the program's turns in their order, (n_turns, n); `values` are the free parameters by name."""
    angles = [evaluate(step.angle, values, n) for step in program if isinstance(step, Turn)]
    return np.array(angles).reshape(-1, n)


def run(program: Program, state: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The states (16, n) after the program, with the `angles` (n_turns, n) of its turns in radians."""
    remaining = iter(angles)
    for step in program:
        state = step.matrix @ state if isinstance(step, Fixed) else turn(state, step.plane, next(remaining))
    return state


def turn(state: NDArray[np.float64], plane: Plane, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The states (16, n) rotated by angles (n,) in radians: the first components of `plane` towards the second."""
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = (state[components] for components in plane)
    turned = state.copy()
    turned[plane[0]] = cosine * first - sine * second
    turned[plane[1]] = sine * first + cosine * second
    return turned


@cache
def rotation_plane(name: str, qubits: tuple[int, ...]) -> Plane:
    """What the rotation gate of that name ("rx", "ry", "rz", "rzz") turns on the `qubits` of the pair."""
    # by a quarter turn a component that moves becomes, with sign +, the one that it turns towards
    quarter = on_pair(transfer_matrix(Operator(_ROTATIONS[name](math.pi / 2))), qubits)
    np.fill_diagonal(quarter, 0)
    second, first = np.nonzero(quarter > 0.5)
    return first, second


def _parts(gate: Gate) -> list[Gate]:
    """The gate itself, or rotations that make it up to a phase if it has a free angle and is none."""
    if not _is_free(gate) or gate.name in _ROTATIONS:
        return [gate]
    if gate.name in ("p", "u1"):
        return [RZGate(*gate.params)]
    if gate.name in ("u", "u2", "u3"):
        *theta, phi, lam = gate.params
        return [RZGate(lam), RYGate(*(theta or [math.pi / 2])), RZGate(phi)]
    raise InputError(f"gate {gate.name!r} has a free angle; the simulation knows those of rx, ry, rz, rzz, p and u")


def _step(gate: Gate, qubits: tuple[int, ...]) -> Fixed | Turn:
    if _is_free(gate):
        return Turn(rotation_plane(gate.name, qubits), qubits, gate.params[0])
    return Fixed(on_pair(transfer_matrix(Operator(gate)), qubits), qubits)


def _is_free(gate: Gate) -> bool:
    # a controlled gate's own `is_parameterized` says no
    return any(getattr(value, "parameters", ()) for value in gate.params)


def _append(steps: list[Fixed | Turn], step: Fixed | Turn) -> None:
    """Add a step, as early as the qubits it acts on allow; a fixed one joins another fixed one where it can."""
    place = len(steps)
    while place and not set(steps[place - 1].qubits) & set(step.qubits):
        place -= 1
    if isinstance(step, Turn):
        steps.insert(place, step)
        return
    for index in range(len(steps) - 1, max(place - 2, -1), -1):
        earlier = steps[index]
        if isinstance(earlier, Fixed):
            both = tuple(sorted({*earlier.qubits, *step.qubits}))
            steps[index] = Fixed(step.matrix @ earlier.matrix, both)
            return
    steps.append(step)
