"""The wait that experiments use, measured on both qubits at once: which circuits, and what they should give.

One qubit is prepared in |+⟩ and its neighbour in |0⟩ or |1⟩; both wait, without an echo; then the first is measured
along x or y and the neighbour along z. Over the waits, the length of the first qubit's (⟨x⟩, ⟨y⟩) is its coherence, its
direction the detuning with that neighbour, and the neighbour's ⟨z⟩ relaxes: everything an `IdleChannel` holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.transpiler import Target, generate_preset_pass_manager

from qent_hw.circuits.injection import with_delay
from qent_hw.circuits.template import OUTCOME_OF_BITS, timing_grid
from qent_hw.physics.idle import IdleChannel, wait

# prepared (first qubit left) and measured along
PROBES = tuple(
    (prepared, measured)
    for prepared, axes in (("+0", "{}z"), ("+1", "{}z"), ("0+", "z{}"), ("1+", "z{}"))
    for measured in (axes.format("x"), axes.format("y"))
)
# Waits in units of the longer T2: dense at first, where the phase must not be lost, then past the decay. Uneven, so
# that no detuning looks like another.
_PATTERN = (0.0, 0.015, 0.04, 0.09, 0.17, 0.28, 0.41, 0.57, 0.76, 1.0, 1.3, 1.7, 2.2, 2.9)
_AXES = "1xyz"


@dataclass(frozen=True, eq=False)
class JointData:
    """What the circuits gave: for each of n circuits the wait in seconds, the place in `PROBES`, and the counts (n, 4)
    of ++, +−, −+, −− (first sign: first qubit)."""

    wait_s: NDArray[np.float64]
    probe: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JointPlan:
    """The circuits, and of each the wait in seconds and the place in `PROBES`."""

    circuits: tuple[QuantumCircuit, ...]
    wait_s: NDArray[np.float64]
    probe: NDArray[np.int64]

    def data(self, counts: Sequence[Mapping[str, int]]) -> JointData:
        """With the counts of each circuit, by bit string as Qiskit writes it."""
        return JointData(self.wait_s, self.probe, np.array([outcome_counts(one) for one in counts]))


def joint_plan(target: Target, T2: float) -> JointPlan:
    """The circuits for two qubits, numbered 0 and 1 in `target`, the longer T2 of which is about so many seconds."""
    grid = timing_grid(target)
    manager = generate_preset_pass_manager(optimization_level=1, target=target, initial_layout=[0, 1])
    probes = [manager.run(_probe(prepared, measured, 100 * grid)) for prepared, measured in PROBES]
    waits = np.rint(np.array(_PATTERN) * T2 / target.dt / grid).astype(np.int64) * grid
    pairs = [(int(delay), number) for delay in np.unique(waits) for number in range(len(PROBES))]
    return JointPlan(
        tuple(with_delay(probes[number], delay) for delay, number in pairs),
        np.array([delay * target.dt for delay, _ in pairs]),
        np.array([number for _, number in pairs]),
    )


def outcome_counts(counts: Mapping[str, int]) -> NDArray[np.int64]:
    """(4,) counts of ++, +−, −+, −− from those by bit string, the first qubit's bit on the right."""
    values = np.zeros(4, dtype=np.int64)
    for bits, number in counts.items():
        values[OUTCOME_OF_BITS[int(bits, 2)]] += number
    return values


def expected(data: JointData | JointPlan, idle: IdleChannel, contrast: Sequence[float]) -> NDArray[np.float64]:
    """(n, 4) probabilities of the outcomes before they are misread.

    contrast: per qubit how much of |+⟩ is left by the errors of the gates around the wait.
    """
    before = np.stack([_prepared(PROBES[k][0], contrast) for k in range(len(PROBES))], axis=1)
    after = wait(before[:, data.probe], data.wait_s, idle)
    found: NDArray[np.float64] = np.einsum("nok,kn->no", _outcomes()[data.probe], after)
    return found


def coherences(
    data: JointData, assignment: NDArray[np.float64]
) -> dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.complex128]]]:
    """By (qubit, state of its neighbour) the waits and ⟨x⟩ + i⟨y⟩, corrected for readout."""
    shares = np.linalg.solve(assignment, (data.counts / data.counts.sum(axis=1, keepdims=True)).T).T
    found = {}
    for qubit in (0, 1):
        signs = np.array([1, 1, -1, -1] if qubit == 0 else [1, -1, 1, -1])
        for neighbour in (0, 1):
            name = f"+{neighbour}" if qubit == 0 else f"{neighbour}+"
            along = [
                np.flatnonzero(data.probe == number) for number, (prepared, _) in enumerate(PROBES) if prepared == name
            ]
            x, y = (shares[rows] @ signs for rows in along)
            found[qubit, neighbour] = (data.wait_s[along[0]], x + 1j * y)
    return found


def _probe(prepared: str, measured: str, delay_dt: int) -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name=f"joint idle {prepared} {measured}")
    for qubit, state in enumerate(prepared):
        if state == "+":
            circuit.ry(math.pi / 2, qubit)
        elif state == "1":
            circuit.x(qubit)
    circuit.barrier()
    for qubit in (0, 1):
        circuit.delay(delay_dt, qubit, "dt")
    circuit.barrier()
    for qubit, axis in enumerate(measured):
        if axis == "y":
            circuit.rz(-math.pi / 2, qubit)
        if axis != "z":
            circuit.ry(-math.pi / 2, qubit)
    circuit.measure([0, 1], [0, 1])
    return circuit


def _prepared(state: str, contrast: Sequence[float]) -> NDArray[np.float64]:
    """(16,) the prepared state in the Pauli basis."""
    each = [
        np.array([1.0, contrast[qubit], 0, 0] if one == "+" else [1.0, 0, 0, 1 if one == "0" else -1])
        for qubit, one in enumerate(state)
    ]
    return np.outer(each[0], each[1]).ravel()


@cache
def _outcomes() -> NDArray[np.float64]:
    """(8, 4, 16) from a state in the Pauli basis to the probabilities of ++, +−, −+, −−, for each of `PROBES`."""

    def one(axis: str) -> NDArray[np.float64]:
        row = np.zeros((2, 4))
        row[:, 0], row[:, _AXES.index(axis)] = 0.5, (0.5, -0.5)
        return row

    return np.array([np.kron(one(measured[0]), one(measured[1])) for _, measured in PROBES])
