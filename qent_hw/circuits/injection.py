"""Three ways to let noise act between preparation and measurement (the idle slot of the template).

``noise-model``
    a phase-damping (or depolarizing) error of strength p on the idle, by the simulator; one strength a PUB.
``idle``
    a real delay τ on both qubits: whatever the device does meanwhile, relaxation included; one τ a PUB.
``twirl``
    virtual rz(±β), β = arccos(1−p), on each qubit, all four sign pairs with a quarter of the shots each: the average is
    exactly dephasing of strength p (off-diagonals times cos β), for any number of strengths in one PUB. It emulates
    dephasing on any backend; it does not probe the device's memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Qubit
from qiskit.circuit.library import UnitaryGate

from qent_hw.circuits.template import ROTATE
from qent_hw.errors import InputError
from qent_hw.physics import IdleChannel

INJECTIONS = ("noise-model", "idle", "twirl")
CHANNELS = ("dephasing", "depolarizing")
TWIRL_SIGNS = np.array([(+1, +1), (+1, -1), (-1, +1), (-1, -1)])
IDLE_LABEL = "idle"

# waiting reaches p = 1 only after infinite time; this is 5.3 coherence times
LARGEST_IDLE_STRENGTH = 0.995


@dataclass(frozen=True)
class IdleError:
    """What a simulator adds on the idle of one PUB: `channel` of strength `p` on both qubits."""

    channel: str
    p: float


def with_delay(isa: QuantumCircuit, delay_dt: int) -> QuantumCircuit:
    """The transpiled template with both delays of the idle slot set to `delay_dt` (units of dt)."""
    swapped = isa.copy()
    for index, instruction in enumerate(isa.data):
        if instruction.operation.name == "delay":
            operation = instruction.operation.copy()
            operation.duration = delay_dt
            swapped.data[index] = instruction.replace(operation=operation)
    return swapped


def with_labelled_idle(isa: QuantumCircuit) -> QuantumCircuit:
    """The transpiled template with one two-qubit identity, labelled for the noise model, in place of the delays."""
    delayed = [instruction.qubits[0] for instruction in isa.data if instruction.operation.name == "delay"]
    qubits = _in_state_order(isa, delayed)
    swapped, placed = isa.copy_empty_like(), False
    for instruction in isa.data:
        if instruction.operation.name != "delay":
            swapped.append(instruction)
        elif not placed:
            swapped.append(UnitaryGate(np.eye(4), label=IDLE_LABEL), qubits)
            placed = True
    return swapped


def without_delay(isa: QuantumCircuit) -> QuantumCircuit:
    """The transpiled template with nothing in the idle slot."""
    swapped = isa.copy_empty_like()
    for instruction in isa.data:
        if instruction.operation.name != "delay":
            swapped.append(instruction)
    return swapped


def twirl_angles(rotate: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Setting angles with the twirl's virtual rz added: (n, n_settings, 4 sign pairs, 4) from (n_settings, 4) and (n,).

    The rz goes before the setting's own rz, so the two simply add.
    """
    beta = np.arccos(np.clip(1 - p, -1, 1))
    angles = np.broadcast_to(rotate[None, :, None, :], (len(p), len(rotate), 4, 4)).copy()
    for qubit, column in enumerate((ROTATE.index("axis_z1"), ROTATE.index("axis_z2"))):
        angles[..., column] += beta[:, None, None] * TWIRL_SIGNS[None, None, :, qubit]
    return angles


def delay_for(p: NDArray[np.float64], idle: IdleChannel, dt: float, grid: int) -> NDArray[np.int64]:
    """The waits that dephase by p on the average of the two qubits, (n,) in dt, rounded to the timing grid.

    One τ gives p1 ≠ p2 where the qubits' decays differ; see `IdleChannel.wait_for` for what is chosen. Strengths beyond
    `LARGEST_IDLE_STRENGTH` get its wait.

    Raises
    ------
    InputError
        if neither qubit loses coherence, so that no wait dephases.
    """
    if np.all(np.isinf(idle.T2)):
        raise InputError(
            "injection idle: this backend's qubits have no T2, so waiting changes nothing; give T1_s and T2_s"
        )
    seconds = idle.wait_for(np.minimum(p, LARGEST_IDLE_STRENGTH))
    return (np.rint(seconds / dt / grid) * grid).astype(np.int64)


def check_parts(shots: int, n_parts: int) -> None:
    """Raise `InputError` unless the shots of a setting divide into the equal parts of a twirl, of whatever kind."""
    if shots % n_parts:
        near = max(n_parts, n_parts * math.floor(shots / n_parts + 0.5))
        raise InputError(
            f"shots = {shots}: the twirl splits them into {n_parts} equal parts; use a multiple of {n_parts}, such as "
            f"{near}"
        )


def _in_state_order(isa: QuantumCircuit, qubits: list[Qubit]) -> list[Qubit]:
    """Qubits ordered as the measured bits are: the first qubit of the state first."""
    bit_of = {
        inst.qubits[0]: isa.find_bit(inst.clbits[0]).index for inst in isa.data if inst.operation.name == "measure"
    }
    return sorted(qubits, key=bit_of.__getitem__)
