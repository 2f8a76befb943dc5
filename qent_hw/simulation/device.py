"""The template on a noisy device, exactly and for many states at once: outcome probabilities without a simulator's
job per circuit.

What is injected depends on the state and stands between two pieces of the circuit: the preparation, whose angles
depend on the state, and the rotation into a setting, whose angles do not. So each state is evolved once up to the idle
slot, and rotation, readout and their errors are one small matrix for each setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.injection import TWIRL_SIGNS
from qent_hw.circuits.template import PREPARE, ROTATE, prepare_angles, rotate_angles
from qent_hw.errors import InputError
from qent_hw.physics.idle import IdleChannel, wait
from qent_hw.simulation.errors import DeviceErrors
from qent_hw.simulation.program import Program, compile_program, rotation_plane, run, turn, turn_angles

# |00⟩ as tr(ρ P⊗Q), P, Q = 1, x, y, z
_GROUND = np.kron([1.0, 0, 0, 1], [1.0, 0, 0, 1])
# Born's rule: probabilities of ++, +−, −+, −− (outcome + is |0⟩)
_BORN = np.kron([[1.0, 0, 0, 1], [1, 0, 0, -1]], [[1.0, 0, 0, 1], [1, 0, 0, -1]]) / 4
# States evolved at once: they stay in cache, and BLAS does not wake its threads for products this small (up to nine
# settings), which on a busy machine takes it a hundred times as long as the product.
_BLOCK = 448


@dataclass(frozen=True, eq=False)
class DeviceTemplate:
    """The transpiled template with a device's errors.

    Attributes
    ----------
    prepare, rotate
        what comes before and after the idle slot.
    swapped
        whether the first qubit of the state is the device's qubit 1.
    errors
        of the device; here for what its qubits do while waiting, and how they are misread.
    """

    prepare: Program
    rotate: Program
    swapped: bool
    errors: DeviceErrors


def device_template(isa: QuantumCircuit, errors: DeviceErrors) -> DeviceTemplate:
    """The transpiled template `isa` (see `circuits.transpile_template`) of a device with these `errors`."""
    placed = [(one, tuple(isa.find_bit(qubit).index for qubit in one.qubits)) for one in isa.data]
    delays = [place for place, (one, _) in enumerate(placed) if one.operation.name == "delay"]
    measured = {
        qubits[0]: isa.find_bit(one.clbits[0]).index for one, qubits in placed if one.operation.name == "measure"
    }
    after = [one for one in placed[delays[-1] + 1 :] if one[0].operation.name != "measure"]
    swapped = measured == {0: 1, 1: 0}
    return DeviceTemplate(compile_program(placed[: delays[0]], errors), compile_program(after, errors), swapped, errors)


def device_probabilities(
    template: DeviceTemplate,
    psi: NDArray[np.complex128],
    settings: tuple[str, ...],
    injection: str,
    *,
    channel: str = "dephasing",
    p: NDArray[np.float64] | None = None,
    delay_dt: NDArray[np.int64] | None = None,
    idle: IdleChannel | None = None,
    readout: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Outcome probabilities of every state in every setting, as the device would give them.

    Parameters
    ----------
    psi
        (n, 4) prepared amplitudes, big-endian.
    injection
        ``noise-model`` (of `channel`) and ``twirl`` need the strengths `p` (n,), ``idle`` needs `delay_dt` (n,).
    idle, readout
        in place of the device's own: what waiting does, where it has leading axes one channel for each state, and
        (n, 4, 4) A[measured, prepared] of each state.

    Returns
    -------
    (n, n_settings, n_parts, 4) probabilities of ++, +−, −+, −− (first sign: first qubit); the parts are the four sign
    pairs of a twirl, a quarter of the shots each, otherwise one.

    Raises
    ------
    InputError
        for an unknown setting, or an injection without its strengths or waits.
    """
    shared = template.errors.readout if readout is None else np.eye(4)
    weights = _weights(template, rotate_angles(settings), shared)
    waiting = template.errors.idle if idle is None else idle
    if injection == "twirl":
        _check_twirl(template)
    found = np.empty((len(psi), len(settings), len(TWIRL_SIGNS) if injection == "twirl" else 1, 4))
    angles = turn_angles(template.prepare, dict(zip(PREPARE, prepare_angles(psi).T, strict=True)), len(psi))
    for start in range(0, len(psi), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(psi)))
        ground = np.repeat(_GROUND[:, None], rows.stop - rows.start, axis=1)
        state = run(template.prepare, ground, angles[:, rows])
        if injection == "twirl" and p is not None:
            parts = _twirled(state, p[rows])
        elif injection == "noise-model" and p is not None:
            parts = [_weakened(state, channel, p[rows])]
        elif injection == "idle" and delay_dt is not None:
            parts = [wait(state, delay_dt[rows] * template.errors.dt, waiting[rows])]
        else:
            raise InputError(f"injection {injection!r} lacks its strengths or waits")
        for part, injected in enumerate(parts):
            outcomes = (injected.T @ weights).reshape(-1, len(settings), 4)
            found[rows, :, part] = outcomes if readout is None else outcomes @ readout[rows].swapaxes(1, 2)
    if template.swapped:
        found = found[..., [0, 2, 1, 3]]
    # rounding errors
    return np.maximum(found, 0.0, out=found)


def _weights(
    template: DeviceTemplate, rotate: NDArray[np.float64], readout: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(16, n_settings · 4): what each component of the idle slot's state adds to the probabilities of each setting."""
    columns, born = [], readout @ _BORN
    for row in rotate:
        angles = turn_angles(template.rotate, dict(zip(ROTATE, row, strict=True)), 16)
        columns.append(born @ run(template.rotate, np.eye(16), angles))
    return np.ascontiguousarray(np.concatenate(columns).T)


def _weakened(state: NDArray[np.float64], channel: str, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dephasing (Eq. 3) or depolarizing (Eq. 13) of strength p."""
    components = state.reshape(4, 4, -1)
    if channel == "depolarizing":
        components *= 1 - p
        components[0, 0] = 1
    else:
        components[1:3] *= 1 - p
        components[:, 1:3] *= 1 - p
    return state


def _twirled(state: NDArray[np.float64], p: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The states after each sign pair's rotations (`circuits.injection.twirl_angles`)."""
    beta = np.arccos(np.clip(1 - p, -1, 1))
    parts = []
    for signs in TWIRL_SIGNS:
        part = state
        for qubit, sign in enumerate(signs):
            part = turn(part, rotation_plane("rz", (qubit,)), sign * beta)
        parts.append(part)
    return parts


def _check_twirl(template: DeviceTemplate) -> None:
    """Raise `InputError` unless a twirl in the idle slot, as here, is one in the rotations' z angles, as in a PUB."""
    angles = np.array([0.3, 0.5, -0.7, 1.1])
    plain = template.errors.readout
    later = _weights(template, angles[None], plain)
    for qubit, name in enumerate(("axis_z1", "axis_z2")):
        turned = turn(np.eye(16), rotation_plane("rz", (qubit,)), np.full(16, 0.9))
        if not np.allclose(
            turned.T @ later, _weights(template, angles[None] + 0.9 * (np.array(ROTATE) == name), plain), atol=1e-12
        ):
            raise InputError(
                f"injection twirl: on this device a setting's rotation of qubit {qubit} does not begin about z"
            )
