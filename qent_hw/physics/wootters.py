"""Three ways to Wootters' concurrence of a block of two-qubit states, from the fastest to the one that always works.

Each takes (n, 4, 4) and returns (n,); the first two return NaN for the states they do not answer for. They agree
where they overlap, and tests hold them to it. `qent_hw.physics.concurrence` puts them together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# σy⊗σy is antidiagonal with these entries, so (σy⊗σy) X (σy⊗σy) reverses rows and columns and multiplies by these
# signs.
_FLIP = np.array([-1.0, 1.0, 1.0, -1.0])
_FLIP_SIGNS = np.outer(_FLIP, _FLIP)

_OUTSIDE_X = np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]], dtype=bool)
_RANK_CUTOFF = 1e-14
_WANTED_ERROR = 1e-10
_LAGUERRE_STEPS = 8


def concurrence_of_x_states(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """2 max(0, |ρ14| - √(ρ22 ρ33), |ρ23| - √(ρ11 ρ44)) for states without other coherences; NaN for the rest.

    Yu and Eberly, Quantum Inf. Comput. 7, 459 (2007). Covers the 2-basis family under every channel here, whose low
    rank would send it to the slowest method.
    """
    value = np.full(len(rho), np.nan)
    x_shaped = np.flatnonzero(~rho[:, _OUTSIDE_X].any(axis=-1))
    x = rho[x_shaped]
    weight = np.maximum(np.einsum("nii->ni", x).real, 0.0)
    outer = np.abs(x[:, 0, 3]) - np.sqrt(weight[:, 1] * weight[:, 2])
    inner = np.abs(x[:, 1, 2]) - np.sqrt(weight[:, 0] * weight[:, 3])
    value[x_shaped] = 2 * np.maximum(0.0, np.maximum(outer, inner))
    return value


def concurrence_from_transpose(
    transpose: NDArray[np.complex128], determinant: NDArray[np.float64]
) -> NDArray[np.float64]:
    """2√x of entangled states, x the smallest root of a quartic; NaN where that root is ill-conditioned.

    `transpose` is ρ^TB and `determinant` its determinant, which must be negative. Why this is the concurrence:
    local filtering takes a state to Bell-diagonal form (Verstraete, Dehaene, De Moor, Phys. Rev. A 64, 010101
    (2001)), and the eigenvalues s1 ≥ … ≥ s4 of that form are the √λ of Eq. 7. Its partial transpose is
    Bell-diagonal too, with eigenvalues (s1+s2+s3+s4)/2 - s_i, the smallest of which is -C/2. The same filtering
    acts on ρ^TB, so C²/4 is the smallest eigenvalue of N = ρ^TB (σy⊗σy) (ρ^TB)* (σy⊗σy), whose characteristic
    polynomial follows from traces of its powers.

    The root is double for states of rank two and fourfold for pure ones: those are left to `concurrence_from_spectrum`.
    """
    flipped = _FLIP_SIGNS * transpose[:, ::-1, ::-1].conj()
    product = transpose @ flipped
    square = product @ product
    e1 = np.einsum("nii->n", product).real
    trace2 = np.einsum("nii->n", square).real
    trace3 = np.einsum("nij,nji->n", product, square).real
    e2 = (e1 * e1 - trace2) / 2
    e3 = (e1**3 - 3 * e1 * trace2 + 2 * trace3) / 6
    e4 = determinant * determinant

    # Laguerre's method from the left of four real roots: monotonic and cubically convergent to the smallest
    x = np.zeros_like(e1)
    step = x
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_LAGUERRE_STEPS):
            f = (((x - e1) * x + e2) * x - e3) * x + e4
            slope = ((4 * x - 3 * e1) * x + 2 * e2) * x - e3
            curvature = (12 * x - 6 * e1) * x + 2 * e2
            step = -4 * f / (slope - np.sqrt(np.maximum(9 * slope * slope - 12 * curvature * f, 0.0)))
            x = x + step
        root = np.sqrt(x)
        # rounding of the coefficients moves f by about this much, and the root by that over the slope
        wobble = 1e-16 * (x * (e1 + x) ** 3 + np.abs(determinant))
        error = (wobble / np.abs(slope) + np.abs(step)) / root
        return np.where(error < _WANTED_ERROR, 2 * root, np.nan)


def concurrence_from_spectrum(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """max(0, s1 - s2 - s3 - s4), s the singular values of Aᵀ (σy⊗σy) A with ρ = A A†, from the eigenvectors of ρ.

    The s are the √λ of Eq. 7 without ever taking a root of a small λ, which would turn rounding errors of 1e-16
    into 1e-8. Eigenvalues of ρ below 1e-14 are set to zero for the same reason: their roots enter A.
    """
    return np.maximum(0.0, signed_concurrence(rho))


def signed_concurrence(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """s1 - s2 - s3 - s4 of `concurrence_from_spectrum`, negative where a separable state is clear of the border."""
    weight, vectors = np.linalg.eigh(rho)
    factor = vectors * np.sqrt(np.where(weight > _RANK_CUTOFF, weight, 0.0))[:, None, :]
    overlap = factor.swapaxes(-1, -2) @ (_FLIP[:, None] * factor[:, ::-1, :])
    s = np.linalg.svd(overlap, compute_uv=False)
    return s[:, 0] - s[:, 1] - s[:, 2] - s[:, 3]
