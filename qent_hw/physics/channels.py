"""Noise channels on two-qubit density matrices, in closed form.

Broadcasting, the same for all: `rho` is (..., 4, 4) and its leading axes are the batch. A strength p or a time t is
a scalar or an array that broadcasts against the batch; the result has the broadcast batch. So one state under m
strengths is `dephase(rho, p)` with p of shape (m,), and n states under each of m strengths is `dephase(rho[:,
None], p)` -> (n, m, 4, 4). T1 and T2 are a scalar for both qubits, or have a last axis of length 2 (qubit 1, qubit
2) after axes that broadcast against the batch. First qubit = left in |ab> (big-endian).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InvalidRelaxationError, InvalidStrengthError, QentError
from qent_hw.physics.batches import first_index, subscript
from qent_hw.physics.checks import density_array

# Element (i, j) of two-bit labels loses coherence on the qubits set in i XOR j: bit 2 is qubit 1, bit 1 is qubit 2.
_FLIPPED = np.arange(4)[:, None] ^ np.arange(4)
_T2_LIMIT_SLACK = 1e-9


def dephase(
    rho: ArrayLike, p1: ArrayLike, p2: ArrayLike | None = None, *, validate: bool = True
) -> NDArray[np.complex128]:
    """Dephasing of strength p1 on qubit 1 and p2 on qubit 2 (p2 = p1 if not given), Eq. 2-6.

    Element ρ_ij is multiplied by (1-p1) if the labels i, j differ on qubit 1 and by (1-p2) if they differ on qubit
    2. In time, 1-p = e^{-Γt}. Shapes: see the module. Raises InvalidStrengthError for p outside [0, 1],
    InvalidStateError for a bad rho.
    """
    rho = density_array(rho, validate=validate)
    batch = rho.shape[:-2]
    keep1 = 1 - _strength("p1", p1, batch)
    keep2 = keep1 if p2 is None else 1 - _strength("p2", p2, batch)
    both = _broadcast(InvalidStrengthError, batch, p1=keep1, p2=keep2)
    keep1, keep2 = np.broadcast_to(keep1, both), np.broadcast_to(keep2, both)
    factors = np.stack([np.ones(both), keep2, keep1, keep1 * keep2], axis=-1)
    return rho * np.take(factors, _FLIPPED, axis=-1)


def depolarize(rho: ArrayLike, p: ArrayLike, *, validate: bool = True) -> NDArray[np.complex128]:
    """Global depolarizing of strength p: ρ -> (1-p) ρ + p I/4 (Eq. 13).

    Shapes: see the module. Raises InvalidStrengthError for p outside [0, 1], InvalidStateError for a bad rho.
    """
    rho = density_array(rho, validate=validate)
    strength = _strength("p", p, rho.shape[:-2])[..., None, None]
    return (1 - strength) * rho + strength * (np.eye(4) / 4)


def relax(
    rho: ArrayLike, t: ArrayLike, T1: ArrayLike, T2: ArrayLike, *, validate: bool = True
) -> NDArray[np.complex128]:
    """Amplitude damping to |0> and dephasing of both qubits for a time t (t, T1, T2 in one unit, usually seconds).

    A qubit's excited population decays as e^{-t/T1} and its coherence as e^{-t/T2}; pure dephasing is what T2
    leaves over T1: 1/Tφ = 1/T2 - 1/(2 T1). T1 = inf leaves dephasing with 1-p = e^{-t/T2}. T2 may be infinite only
    if T1 is. Shapes: see the module; a T1 or T2 of shape (2,) is always (qubit 1, qubit 2).

    Raises InvalidRelaxationError for t < 0 or not finite, T1 or T2 not positive, or T2 > 2·T1 (relative slack 1e-9);
    InvalidStateError for a bad rho.
    """
    rho = density_array(rho, validate=validate)
    duration = _number(InvalidRelaxationError, "t", t)
    _demand(
        InvalidRelaxationError, "t", duration, (duration >= 0) & np.isfinite(duration), "must be finite and 0 or more"
    )
    t1, t2 = _lifetimes(T1, T2)
    batch = _broadcast(InvalidRelaxationError, rho.shape[:-2], t=duration, T1=t1[..., 0], T2=t2[..., 0])

    # The batch goes last, so that every step sweeps over contiguous memory and t, T1, T2 broadcast by themselves.
    # Axes: row of qubit 1, row of qubit 2, column of qubit 1, column of qubit 2; swapped pairwise, qubit 2 comes
    # first.
    elements = np.moveaxis(np.broadcast_to(rho, (*batch, 4, 4)), (-2, -1), (0, 1)).copy(order="C")
    first = elements.reshape(2, 2, 2, 2, *batch)
    second = first.swapaxes(0, 1).swapaxes(2, 3)
    for qubit, view in enumerate((first, second)):
        decayed = -np.expm1(-duration / t1[..., qubit])
        coherence = np.exp(-duration / t2[..., qubit])
        view[0, :, 0] += decayed * view[1, :, 1]
        view[1, :, 1] *= 1 - decayed
        view[0, :, 1] *= coherence
        view[1, :, 0] *= coherence
    return np.ascontiguousarray(np.moveaxis(elements, (0, 1), (-2, -1)))


def _strength(name: str, value: ArrayLike, batch: tuple[int, ...]) -> NDArray[np.float64]:
    p = _number(InvalidStrengthError, name, value)
    _demand(InvalidStrengthError, name, p, (p >= 0) & (p <= 1), "a noise strength must lie in [0, 1]")
    _broadcast(InvalidStrengthError, batch, **{name: p})
    return p


def _lifetimes(T1: ArrayLike, T2: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """T1 and T2 with a last axis of two (qubit 1, qubit 2), checked against each other."""
    per_qubit = []
    for name, value in (("T1", T1), ("T2", T2)):
        time = _number(InvalidRelaxationError, name, value)
        _demand(InvalidRelaxationError, name, time, time > 0, "must be positive")
        if time.ndim and time.shape[-1] != 2:
            raise InvalidRelaxationError(
                f"{name} has shape {time.shape}: give one number for both qubits, or a last axis of two "
                "(qubit 1, qubit 2)"
            )
        per_qubit.append(np.broadcast_to(time, (2,)) if time.ndim == 0 else time)
    try:
        t1, t2 = np.broadcast_arrays(*per_qubit)
    except ValueError:
        shapes = f"{per_qubit[0].shape} and {per_qubit[1].shape}"
        raise InvalidRelaxationError(f"the shapes of T1 and T2, {shapes}, do not broadcast") from None
    bad = t2 > 2 * t1 * (1 + _T2_LIMIT_SLACK)
    if np.any(bad):
        index = first_index(bad)
        raise InvalidRelaxationError(
            f"{subscript('T2', index)} = {t2[index]:.6g} (qubit {index[-1] + 1}) exceeds 2*T1 = {2 * t1[index]:.6g}: "
            "T2 must be at most twice T1"
        )
    return t1, t2


def _number(error: type[QentError], name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise error(f"{name} = {value!r}: must be a number or an array of numbers") from None


def _demand(error: type[QentError], name: str, value: NDArray[np.float64], good: NDArray[np.bool_], what: str) -> None:
    if not np.all(good):
        index = first_index(~good)
        raise error(f"{subscript(name, index)} = {value[index]:.6g}: {what}")


def _broadcast(error: type[QentError], batch: tuple[int, ...], **arrays: NDArray[np.float64]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(batch, *(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise error(f"shape of {shapes} does not broadcast against the batch {batch} of rho") from None
