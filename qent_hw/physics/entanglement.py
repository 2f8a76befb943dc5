"""Entanglement of two-qubit density matrices: partial transpose, negativity, concurrence.

Every function takes `rho` (..., 4, 4), complex, and keeps the leading axes. The partial transpose is that of the
second qubit (right in |ab>). Everywhere `validate=False` skips the check that rho is a density matrix; otherwise a
bad one raises InvalidStateError naming the state and why.

For two qubits the partial transpose has at most one negative eigenvalue, so the sign of its determinant decides the PPT
criterion wherever the determinant is clear of rounding; eigenvalues are computed only for the states in between.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.physics.batches import per_state
from qent_hw.physics.checks import density_array
from qent_hw.physics.wootters import concurrence_from_spectrum, concurrence_from_transpose, concurrence_of_x_states

PPT_TOLERANCE = 1e-12
"""A state counts as entangled if its partial transpose has an eigenvalue below -PPT_TOLERANCE."""

# The other three eigenvalues multiply to less than 1/8, so a determinant beyond this bound means an eigenvalue beyond
# PPT_TOLERANCE; rounding is some 1e-17.
_CLEAR_DETERMINANT = 2e-13


def partial_transpose(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.complex128]:
    """ρ^TB -> (..., 4, 4): element <ab|ρ|cd> moves to <ad|ρ^TB|cb>."""
    return _transpose_second(density_array(rho, validate=validate))


def ppt_min_eigenvalue(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.float64]:
    """Smallest eigenvalue of ρ^TB -> (...), negative exactly for entangled states (the quantity of Fig. 4)."""
    return per_state(_lowest_eigenvalue, density_array(rho, validate=validate), np.float64)


def negativity(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.float64]:
    """Sum of the absolute values of the negative eigenvalues of ρ^TB -> (...), which is (||ρ^TB||_1 - 1)/2.

    A Bell state has 1/2. (Some authors use twice this.)
    """
    return per_state(_negativity, density_array(rho, validate=validate), np.float64)


def is_entangled(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.bool_]:
    """PPT label -> (...) bool: true if the smallest eigenvalue of ρ^TB is below -PPT_TOLERANCE.

    Necessary and sufficient for two qubits. States on the boundary, such as pure product states, count as separable.
    """
    return per_state(_is_entangled, density_array(rho, validate=validate), np.bool_)


def concurrence(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.float64]:
    """Wootters' concurrence (Eq. 7) -> (...), between 0 (exactly 0 clear of the boundary) and 1.

    Accurate to about 1e-10 (usually 1e-14), pure and rank-deficient states included. Eigenvalues of ρ below 1e-14
    are taken for rounding errors of zero; a state that truly has one may be off by up to 1e-7, the square root of
    it.
    """
    return per_state(_concurrence, density_array(rho, validate=validate), np.float64)


def _transpose_second(rho: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return rho.reshape(*rho.shape[:-2], 2, 2, 2, 2).swapaxes(-3, -1).reshape(rho.shape)


def _lowest_eigenvalue(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.linalg.eigvalsh(_transpose_second(rho))[:, 0].astype(np.float64, copy=False)


def _transpose_determinant(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """det(ρ^TB) of (n, 4, 4) -> (n,), expanded in the 2x2 minors of its upper and lower half.

    Several times faster than an LU decomposition of each matrix.
    """
    # [row, column, state] of the partial transpose: the state axis last, so that each step is one sweep over the block
    a, b, c, d = rho.reshape(-1, 2, 2, 2, 2).transpose(1, 4, 3, 2, 0).reshape(4, 4, -1)

    def minor(upper: NDArray[np.complex128], lower: NDArray[np.complex128], i: int, j: int) -> NDArray[np.complex128]:
        return upper[i] * lower[j] - upper[j] * lower[i]

    pairs = ((0, 1, 2, 3, 1), (0, 2, 1, 3, -1), (0, 3, 1, 2, 1), (1, 2, 0, 3, 1), (1, 3, 0, 2, -1), (2, 3, 0, 1, 1))
    total = np.zeros(len(rho))
    for i, j, k, m, sign in pairs:
        total += sign * (minor(a, b, i, j) * minor(c, d, k, m)).real
    return total


def _is_entangled(rho: NDArray[np.complex128]) -> NDArray[np.bool_]:
    determinant = _transpose_determinant(rho)
    entangled = determinant < 0
    unclear = np.flatnonzero(np.abs(determinant) <= _CLEAR_DETERMINANT)
    entangled[unclear] = _lowest_eigenvalue(rho[unclear]) < -PPT_TOLERANCE
    return entangled


def _negativity(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    value = np.zeros(len(rho))
    open_ = np.flatnonzero(_transpose_determinant(rho) <= _CLEAR_DETERMINANT)
    value[open_] = np.maximum(0.0, -_lowest_eigenvalue(rho[open_]))
    return value


def _concurrence(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Zero where clearly separable; else the first of three methods, fastest first, that vouches for its value."""
    determinant = _transpose_determinant(rho)
    value = np.zeros(len(rho))
    open_ = np.flatnonzero(determinant <= _CLEAR_DETERMINANT)
    value[open_] = concurrence_of_x_states(rho[open_])

    open_ = open_[np.isnan(value[open_])]
    clear = open_[determinant[open_] < -_CLEAR_DETERMINANT]
    value[clear] = concurrence_from_transpose(_transpose_second(rho[clear]), determinant[clear])

    open_ = open_[np.isnan(value[open_])]
    value[open_] = concurrence_from_spectrum(rho[open_])
    return value
