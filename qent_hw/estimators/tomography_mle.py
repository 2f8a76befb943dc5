"""Maximum likelihood over all density matrices, many states at once, by a primal-dual interior-point method.

The log-likelihood Σ n log p is concave in the averages, and ρ is the most likely state if and only if R = Σ (n/p) E / N
has no eigenvalue above one (Hradil, Phys. Rev. A 55, R1561 (1997); then R ρ = ρ): no state is more likely by more than
N (λ_max(R) − 1), which is what the steps stop at. They solve ρ Z = µ 1 with the multiplier Z of ρ ≥ 0 for µ → 0 by
Newton's method in the symmetrization of Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J. Optim. 6, 342 (1996)); some
ten steps do from 9 to 10⁷ shots, of pure states too, where first-order methods (RρR, projected gradients) need
hundreds.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.tomography_born import OPERATORS, Chances, Reconstruction, matrices_of, smoothed
from qent_hw.estimators.tomography_linear import linear_states

GAP = 1e-6
"""By how much the log-likelihood may be short of the largest: a thousandth of a standard deviation."""

_ROUNDING = 1e-14  # of a log-likelihood, per shot: what stays of GAP where shots are beyond counting
_SURELY = 0.1  # of that, where R is too rounded to tell and tr ρZ has to
_STEPS = 60
_INWARD = 2.0  # over √shots: share of the maximally mixed state in the start
_SHRINK = 0.1  # of µ in one step, where the last one could go far
_SHRINK_SHORT = 0.8
_FRACTION = 0.95  # of the way to the border

Matrices = NDArray[np.complex128]
Array = NDArray[np.float64]


def most_likely_states(counts: NDArray[np.int64], chances: Chances) -> Reconstruction:
    """The density matrices that make the counts (n, 9, 4) of ALL_SETTINGS most likely, to GAP in log-likelihood.

    The covariance is the inverse of the Fisher information at their (smoothed) chances.
    """
    per_outcome = np.repeat(counts.sum(axis=-1), 4, axis=1).astype(np.float64)
    averages = _climb(counts.reshape(-1, 36).astype(np.float64), linear_states(counts, chances).averages, chances)
    information = ((per_outcome + 3) / smoothed(np.maximum(chances(averages), 0), per_outcome)) @ chances.squares
    covariance = np.linalg.inv(information.reshape(-1, 15, 15))
    return Reconstruction(averages, (covariance + covariance.swapaxes(1, 2)) / 2)


def _climb(counts: Array, start: Array, chances: Chances) -> Array:
    """Most likely averages (n, 15), from states at `start` (n, 15) that are drawn into the inside first."""
    shots = counts.sum(axis=1)
    found = start * (1 - np.minimum(0.5, _INWARD / np.sqrt(shots)))[:, None]
    enough = GAP + _ROUNDING * shots
    rows = np.arange(len(counts))
    averages, last, slack = found, np.ones(len(counts)), None
    for _ in range(_STEPS):
        chance = chances(averages)
        ratio = counts / chance
        pull = 4 * np.concatenate([(ratio @ chances.offset)[:, None], ratio @ chances.slopes], axis=1)  # N R, of 1, G_k
        top = np.linalg.eigvalsh(_hermitian(pull))[:, -1]
        if slack is None:
            slack = _hermitian(-pull)
            slack[:, range(4), range(4)] += (shots + 1.1 * (top - shots) + 1e-3)[:, None]
        found[rows] = averages
        open_ = (top - shots > enough) & (_overlap(averages, slack) > _SURELY * enough)
        if not open_.any():
            break
        rows, averages, counts, shots, enough, chance, ratio, last, slack = (
            one[open_] for one in (rows, averages, counts, shots, enough, chance, ratio, last, slack)
        )
        averages, slack, last = _step(averages, slack, chance, ratio, last, chances)
    return found


def _step(
    averages: Array, slack: Matrices, chance: Array, ratio: Array, last: Array, chances: Chances
) -> tuple[Array, Matrices, Array]:
    """New averages and multipliers, and how far the step went (1: all of it)."""
    rho = matrices_of(averages)
    root = _inverse_root(rho)
    inverse = root @ _adjoint(root)
    centre = _overlap(averages, slack) / 4 * np.where(last > 0.5, _SHRINK, _SHRINK_SHORT)
    inverse_parts, slack_parts = _parts(inverse), _parts(slack)
    curvature = (ratio / chance) @ chances.squares
    curvature += (slack_parts[:, :, None] * inverse_parts[:, None, :]).reshape(-1, 256) @ _couplings()
    slope = ratio @ chances.slopes + centre[:, None] * inverse_parts[:, 1:] / 4
    move = np.linalg.solve(curvature.reshape(-1, 15, 15), slope[..., None])[..., 0]
    turn = _hermitian(np.concatenate([np.zeros((len(move), 1)), move], axis=1))
    change = slack @ turn @ inverse
    change = centre[:, None, None] * inverse - slack - (change + _adjoint(change)) / 2
    slack_root = _inverse_root(slack)
    most_inward = np.minimum.reduce(
        [
            np.linalg.eigvalsh(_adjoint(root) @ turn @ root)[:, 0],
            np.linalg.eigvalsh(_adjoint(slack_root) @ change @ slack_root)[:, 0],
            (move @ chances.slopes.T / chance).min(axis=1),
        ]
    )
    length = np.minimum(1.0, _FRACTION / np.maximum(-most_inward, 1e-300))
    return averages + length[:, None] * move, slack + length[:, None, None] * change, length


@cache
def _couplings() -> Array:
    """(256, 225): of the parts of Z and of ρ⁻¹, Re tr(G_j Z G_k ρ⁻¹)/16 for the averages j and k."""
    g = OPERATORS
    return np.einsum("jxy,ayz,kzt,btx->abjk", g[1:], g, g[1:], g, optimize=True).real.reshape(256, 225) / 256


def _hermitian(parts: Array) -> Matrices:
    """Σ c_k G_k / 4 of parts (n, 16) -> (n, 4, 4)."""
    return (parts @ OPERATORS.reshape(16, 16)).reshape(-1, 4, 4) / 4


def _overlap(averages: Array, matrix: Matrices) -> Array:
    """tr ρX of hermitian X (n, 4, 4) -> (n,)."""
    overlap: Array = np.einsum("nij,nji->n", matrices_of(averages), matrix).real
    return overlap


def _parts(matrix: Matrices) -> Array:
    """tr(X G_k) of hermitian X (n, 4, 4) -> (n, 16)."""
    trace = np.einsum("nii->n", matrix).real
    return np.concatenate([trace[:, None], physics.features(matrix, validate=False)], axis=1)


def _inverse_root(matrix: Matrices) -> Matrices:
    """A with A A† = X⁻¹ of positive X (n, 4, 4)."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors / np.sqrt(np.maximum(values, 1e-100))[:, None, :]


def _adjoint(matrix: Matrices) -> Matrices:
    return matrix.conj().swapaxes(1, 2)
