"""The one circuit that is transpiled and run: prepare → idle → rotate → measure, with a single two-qubit gate.

Every two-qubit pure state is two Schmidt terms dressed by local rotations, so six angles and one CZ prepare any family
exactly; the remaining four angles choose the setting. All states and settings then share one transpilation and one PUB.
Circuit qubit 0 is the first (left) qubit throughout.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.transpiler import generate_preset_pass_manager

from qent_hw.physics.settings import axis_angles

if TYPE_CHECKING:
    from qiskit.transpiler import Target

PREPARE = ("schmidt", "y1", "z1", "w2", "y2", "z2")
ROTATE = ("axis_z1", "axis_y1", "axis_z2", "axis_y2")
ANGLES = PREPARE + ROTATE

# a bit pattern as Qiskit packs it (first qubit in the lowest bit) → its place among the outcomes ++, +−, −+, −−;
# the only place where little-endian becomes big-endian
OUTCOME_OF_BITS = np.array([0, 2, 1, 3])


def template(delay_dt: int = 0) -> QuantumCircuit:
    """The circuit, its parameters named as in `ANGLES`; the idle slot is a delay of `delay_dt` on both qubits."""
    angles = {name: Parameter(name) for name in ANGLES}
    circuit = QuantumCircuit(2, 2, name="prepare-idle-rotate-measure")
    circuit.ry(angles["schmidt"], 0)
    circuit.ry(math.pi / 2, 1)
    circuit.cz(0, 1)
    circuit.ry(angles["y1"], 0)
    circuit.rz(angles["z1"], 0)
    circuit.rz(angles["w2"], 1)
    circuit.ry(angles["y2"], 1)
    circuit.rz(angles["z2"], 1)
    circuit.barrier()
    circuit.delay(delay_dt, 0, "dt")
    circuit.delay(delay_dt, 1, "dt")
    circuit.barrier()
    for qubit in (0, 1):
        circuit.rz(angles[f"axis_z{qubit + 1}"], qubit)
        circuit.ry(angles[f"axis_y{qubit + 1}"], qubit)
    circuit.measure([0, 1], [0, 1])
    return circuit


def transpile_template(target: Target, qubits: tuple[int, int] = (0, 1)) -> QuantumCircuit:
    """The template in the instructions of `target`, on its two `qubits` (first qubit of the state first).

    The delays keep a placeholder length on the target's timing grid: a delay cannot be a parameter (field-notes 9).
    """
    manager = generate_preset_pass_manager(
        optimization_level=3, target=target, initial_layout=list(qubits), seed_transpiler=0
    )
    return manager.run(template(delay_dt=100 * timing_grid(target)))


def timing_grid(target: Target) -> int:
    """The number of dt that every delay on `target` must be a multiple of."""
    return math.lcm(target.granularity, target.pulse_alignment, target.acquire_alignment)


def prepare_angles(psi: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Angles that make the template prepare given states exactly, up to a global phase.

    Parameters
    ----------
    psi
        (n, 4) normalised amplitudes, big-endian.

    Returns
    -------
    (n, 6) radians, columns as in `PREPARE`.

    Notes
    -----
    Schmidt: psi = Σ_k s_k |u_k⟩|v_k⟩. After ry(A)⊗ry(π/2) and CZ the state is cos(A/2)|0⟩|+⟩ + sin(A/2)|1⟩|−⟩, so
    A = 2 atan2(s_1, s_0); the local rotations take |k⟩ to |u_k⟩ and |±⟩ to |v_k⟩. Of the first qubit's z-y-z angles the
    innermost is only a relative phase of the two terms, and the second qubit takes it over.
    """
    u, s, vh = np.linalg.svd(psi.reshape(-1, 2, 2))
    schmidt = 2 * np.arctan2(s[:, 1], s[:, 0])
    phase, y1, z1 = _zyz(u)
    terms = np.exp(0.5j * np.stack([-phase, phase], axis=-1))
    hadamard = np.array([[1, 1], [1, -1]], dtype=np.complex128) / math.sqrt(2)
    w2, y2, z2 = _zyz(np.swapaxes(vh, -1, -2) * terms[:, None, :] @ hadamard)
    return np.stack([schmidt, y1, z1, w2, y2, z2], axis=-1)


def rotate_angles(settings: tuple[str, ...]) -> NDArray[np.float64]:
    """Angles that turn each setting's two axes onto z, (n_settings, 4) radians, columns as in `ROTATE`."""
    rows = []
    for setting in settings:
        (polar1, azimuth1), (polar2, azimuth2) = axis_angles(setting[0]), axis_angles(setting[1])
        rows.append((-azimuth1, -polar1, -azimuth2, -polar2))
    return np.array(rows)


def _zyz(unitary: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(a, b, c) with U ∝ Rz(c) Ry(b) Rz(a), for (n, 2, 2) unitaries."""
    special = unitary / np.sqrt(np.linalg.det(unitary))[:, None, None]
    down, across = special[:, 1, 1], special[:, 1, 0]
    sum_half, difference_half = np.angle(down), np.angle(across)
    return sum_half - difference_half, 2 * np.arctan2(np.abs(across), np.abs(down)), sum_half + difference_half
