"""What counts as a state: the tests every public function of this package applies to its input."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InvalidStateError
from qent_hw.physics.batches import blocks, first_index, subscript

STATE_TOLERANCE = 1e-8
"""How far trace, hermiticity and smallest eigenvalue of a density matrix, or the norm of amplitudes, may be off."""


def check_density(rho: ArrayLike) -> NDArray[np.complex128]:
    """Return `rho` as complex128 (..., 4, 4) after making sure that every entry of the batch is a density matrix.

    Finite, hermitian, of trace one, no eigenvalue below zero, each within STATE_TOLERANCE. Costs about 0.3 µs a
    state; the functions that call it take `validate=False` to leave it out.

    Raises InvalidStateError naming the first bad state by its index in the batch, and why it is none.
    """
    array = density_array(rho, validate=False)
    flat = array.reshape(-1, 4, 4)
    for block in blocks(len(flat)):
        if not _all_sound(flat[block]):
            _raise_first_defect(flat, block, array.shape[:-2])
    return array


def density_array(rho: ArrayLike, *, validate: bool) -> NDArray[np.complex128]:
    """`rho` as complex128 (..., 4, 4), through `check_density` or, with `validate=False`, checked for shape alone."""
    if validate:
        return check_density(rho)
    try:
        array = np.asarray(rho, dtype=np.complex128, order="C")
    except (TypeError, ValueError):
        raise InvalidStateError("rho is no array of numbers: a density matrix has shape (..., 4, 4)") from None
    if array.shape[-2:] != (4, 4):
        raise InvalidStateError(f"rho has shape {array.shape}: a two-qubit density matrix has shape (..., 4, 4)")
    return array


def check_amplitudes(psi: ArrayLike) -> NDArray[np.complex128]:
    """Return `psi` as complex128 (..., 4); InvalidStateError names the first state not finite or not normalised."""
    try:
        array = np.asarray(psi, dtype=np.complex128)
    except (TypeError, ValueError):
        raise InvalidStateError("psi is no array of numbers: amplitudes have shape (..., 4)") from None
    if array.ndim == 0 or array.shape[-1] != 4:
        raise InvalidStateError(f"psi has shape {array.shape}: two-qubit amplitudes have shape (..., 4)")
    norm = np.asarray(np.sum(array.real**2 + array.imag**2, axis=-1))
    bad = np.asarray(~(np.abs(norm - 1) <= STATE_TOLERANCE))
    if np.any(bad):
        index = first_index(bad)
        raise InvalidStateError(
            f"{subscript('psi', index)} has squared norm {norm[index]:.9g}: it must be finite and one"
        )
    return array


def _all_sound(rho: NDArray[np.complex128]) -> bool:
    """Whether every state of a block (n, 4, 4) passes; written so that NaN and infinity fail."""
    with np.errstate(invalid="ignore", over="ignore"):
        skew = (rho - rho.conj().swapaxes(-1, -2)).view(np.float64)
    if not np.abs(skew).max() <= STATE_TOLERANCE:
        return False
    if not np.abs(np.einsum("nii->n", rho).real - 1).max() <= STATE_TOLERANCE:
        return False
    try:
        # Cholesky succeeds exactly on positive definite matrices, at a fifth of the cost of the eigenvalues.
        np.linalg.cholesky(rho + STATE_TOLERANCE * np.eye(4))
    except np.linalg.LinAlgError:
        return False
    return True


def _raise_first_defect(flat: NDArray[np.complex128], block: slice, batch: tuple[int, ...]) -> None:
    rho = flat[block]
    finite = np.asarray(np.isfinite(rho).all(axis=(-1, -2)))
    safe = np.where(finite[:, None, None], rho, np.eye(4) / 4)
    skew = np.abs(safe - safe.conj().swapaxes(-1, -2)).max(axis=(-1, -2))
    trace = np.einsum("nii->n", safe).real
    lowest = np.linalg.eigvalsh(safe)[:, 0]
    bad = ~finite | (skew > STATE_TOLERANCE) | (np.abs(trace - 1) > STATE_TOLERANCE) | (lowest < -STATE_TOLERANCE)
    if not bad.any():
        return
    k = int(np.argmax(bad))
    if not finite[k]:
        why = "it has an entry that is NaN or infinite"
    elif skew[k] > STATE_TOLERANCE:
        why = f"it differs from its conjugate transpose by {skew[k]:.3g}, must be hermitian"
    elif abs(trace[k] - 1) > STATE_TOLERANCE:
        why = f"its trace is {trace[k]:.9g}, must be 1"
    else:
        why = f"its smallest eigenvalue is {lowest[k]:.3g}, must not be negative"
    index = tuple(int(i) for i in np.unravel_index(block.start + k, batch)) if batch else ()
    raise InvalidStateError(f"{subscript('rho', index)} is no density matrix: {why} (within {STATE_TOLERANCE:g})")
