"""What a device does wrong, as matrices: what follows each gate, what waiting does, how outcomes are misread.

States and channels are written in the Pauli basis, where all numbers are real: a state is the vector tr(ρ P⊗Q) and a
channel its Pauli transfer matrix, with P, Q = 1, x, y, z and the first qubit left (index 4·P + Q).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import PTM, Operator, SuperOp

from qent_hw.physics import IdleChannel, idle_channel

if TYPE_CHECKING:
    from qiskit.transpiler import Target


@dataclass(frozen=True, eq=False)
class DeviceErrors:
    """The errors of two qubits, numbered 0 and 1.

    Attributes
    ----------
    gates
        by instruction name and qubits the Pauli transfer matrix, (4, 4) or (16, 16), of the error that follows the
        ideal gate, the first of those qubits left; gates that are not in it are perfect.
    readout
        (4, 4): the probabilities A[measured, prepared] of the outcomes ++, +−, −+, −− (first sign: qubit 0); columns
        sum to one.
    idle
        what waiting does.
    dt
        seconds, the unit of delays.
    """

    gates: Mapping[tuple[str, tuple[int, ...]], NDArray[np.float64]]
    readout: NDArray[np.float64]
    idle: IdleChannel
    dt: float


def device_errors(target: Target) -> DeviceErrors:
    """The errors that Aer derives from a `target` of two qubits (`NoiseModel.from_backend` at temperature zero).

    Each gate is followed by depolarizing and relaxation, which together have its published error; a wait relaxes by
    T1 and T2, with T2 clipped to 2·T1; readout flips outcomes with the published probabilities.
    """
    from qiskit_aer.noise.device import basic_device_gate_errors, basic_device_readout_errors

    readout = np.stack([np.eye(2)] * 2)
    for (qubit,), error in basic_device_readout_errors(target=target):
        readout[qubit] = error.probabilities.T
    lifetimes = [_lifetimes(one) for one in target.qubit_properties or (None, None)]
    return DeviceErrors(
        {
            (name, tuple(qubits)): transfer_matrix(error.to_quantumchannel())
            for name, qubits, error in basic_device_gate_errors(target=target)
        },
        np.kron(readout[0], readout[1]).astype(np.float64, copy=False),
        idle_channel(*zip(*lifetimes, strict=True)),
        target.dt,
    )


def transfer_matrix(channel: Operator | SuperOp) -> NDArray[np.float64]:
    """The Pauli transfer matrix of a channel on one or two qubits, its first qubit left."""
    matrix = np.real(PTM(channel).data)
    if len(matrix) == 4:
        return np.ascontiguousarray(matrix)
    # Qiskit has its first qubit right
    return matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)


def on_pair(matrix: NDArray[np.float64], qubits: tuple[int, ...]) -> NDArray[np.float64]:
    """A channel's matrix on the `qubits` (0, 1) of the pair that it acts on, as one on both: (16, 16)."""
    if qubits == (0,):
        return np.kron(matrix, np.eye(4)).astype(np.float64, copy=False)
    if qubits == (1,):
        return np.kron(np.eye(4), matrix).astype(np.float64, copy=False)
    return matrix if qubits == (0, 1) else matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)


def _lifetimes(qubit: Any) -> tuple[float, float]:
    t1 = math.inf if qubit is None or qubit.t1 is None else float(qubit.t1)
    t2 = math.inf if qubit is None or qubit.t2 is None else float(qubit.t2)
    return t1, min(t2, 2 * t1)
