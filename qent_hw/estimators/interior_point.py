"""Maximum likelihood over states, or over those with a positive partial transpose, many at once: a primal-dual
interior-point method.

The log-likelihood l = Σ n log p is concave in the averages. With G = Σ (n/p) E and N shots, l(σ) ≤ l(ρ) − N + tr Gσ
for every σ, so that no state is more likely by more than λ_max(G) − N (Hradil, Phys. Rev. A 55, R1561 (1997), has the
condition that this be zero). Where σ must also keep a positive partial transpose, tr(Q^TB σ) = tr(Q σ^TB) ≥ 0 for any
Q ≥ 0, and none is more likely by more than λ_max(G + Q^TB) − N. These bounds hold at whatever point the steps have
reached, and they are what the steps stop at.

They solve X Z = µ 1 for each matrix X that must be positive (ρ, and ρ^TB) with its multiplier Z, for µ → 0, by Newton's
method in the symmetrization of Helmberg, Rendl, Vanderbei and Wolkowicz (SIAM J. Optim. 6, 342 (1996)); the multiplier
of ρ^TB is the Q of the bound. Some ten steps do from 9 to 10⁷ shots, of pure states too, where first-order methods
(RρR, projected gradients) need hundreds.

In place of ρ^TB stands (1⊗σ_y) ρ^TB (1⊗σ_y), whose eigenvalues are the same: it has the averages of ρ with the sign
turned of each that looks at the second qubit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.tomography_born import OPERATORS, Chances, matrices_of
from qent_hw.physics.settings import FEATURES

_ROUNDING = 1e-14  # of a log-likelihood, per shot: what stays of a gap where shots are beyond counting
_SURELY = 1e-7  # of tr XZ in nats (and a tenth of the rounding): done, where the bound is too rounded to tell
_STEPS = 60
_SHRINK = 0.1  # of µ in one step, where the last one could go far
_SHRINK_SHORT = 0.8
_RAISED = 1e-12  # of a curvature's largest element, where it is singular
_FRACTION = 0.95  # of the way to the border

Matrices = NDArray[np.complex128]
Array = NDArray[np.float64]

ALL_STATES: Array = np.ones((1, 15))
"""Signs of the averages in the one matrix, ρ, that must be positive."""

SEPARABLE_STATES: Array = np.stack([ALL_STATES[0], [1.0 if name[1] == "1" else -1.0 for name in FEATURES]])
"""The same of ρ and of its partial transpose (Horodecki, Horodecki and Horodecki, Phys. Lett. A 223, 1 (1996): for two
qubits no other states are separable)."""


@dataclass(frozen=True)
class Climbed:
    """averages (n, 15) of the states found, and `short` (n,): by no more than this their log-likelihoods are below the
    largest. Never negative; a bound that holds however far the steps came."""

    averages: Array
    short: Array


def climb(counts: Array, start: Array, chances: Chances, signs: Array, gap: float) -> Climbed:
    """The most likely states given counts (n, n_outcomes) of the outcomes of `chances`, whole or not.

    start: (n, 15) averages of states inside the allowed set. signs: ALL_STATES or SEPARABLE_STATES. gap: by how much,
    in log-likelihood, the states may be short of the largest; rounding adds to that at very many shots. Outcomes
    without counts constrain nothing, so that some settings may be missing; the state is then not unique.
    """
    shots = counts.sum(axis=1)
    found, short = start.copy(), np.full(len(counts), np.inf)
    enough, surely = gap + _ROUNDING * shots, _SURELY + 0.1 * _ROUNDING * shots
    rows = np.arange(len(counts))
    averages, last = start, np.ones(len(counts))
    slacks: list[Matrices] = []
    for _ in range(_STEPS):
        chance = chances(averages)
        ratio = counts / chance
        pull = 4 * np.concatenate([(ratio @ chances.offset)[:, None], ratio @ chances.slopes], axis=1)  # G, of 1, G_k
        if not slacks:
            slacks = _first_slacks(averages, pull, shots, signs)
        for slack, sign in zip(slacks[1:], signs[1:], strict=True):
            pull += _parts(slack) * np.concatenate([[1.0], sign])
        excess = np.linalg.eigvalsh(_hermitian(pull))[:, -1] - shots
        better = excess < short[rows]
        found[rows[better]], short[rows[better]] = averages[better], np.maximum(excess[better], 0.0)
        overlap = sum(_overlap(averages * sign, slack) for sign, slack in zip(signs, slacks, strict=True))
        open_ = (excess > enough) & (overlap > surely)
        if not open_.any():
            break
        rows, averages, counts, shots, enough, surely, chance, ratio, last = (
            one[open_] for one in (rows, averages, counts, shots, enough, surely, chance, ratio, last)
        )
        slacks = [slack[open_] for slack in slacks]
        averages, slacks, last = _step(averages, slacks, chance, ratio, last, chances, signs)
    return Climbed(found, short)


def _first_slacks(averages: Array, pull: Array, shots: Array, signs: Array) -> list[Matrices]:
    """Multipliers that meet the conditions but for X Z = µ, all with the same tr XZ."""
    top = np.linalg.eigvalsh(_hermitian(pull))[:, -1]
    first = _hermitian(-pull)
    first[:, range(4), range(4)] += (shots + 1.1 * (top - shots) + 1e-3)[:, None]
    others = (_overlap(averages, first)[:, None, None] * np.eye(4)).astype(np.complex128)
    return [first] + [others] * (len(signs) - 1)


def _step(
    averages: Array, slacks: list[Matrices], chance: Array, ratio: Array, last: Array, chances: Chances, signs: Array
) -> tuple[Array, list[Matrices], Array]:
    """New averages and multipliers, and how far the step went (1: all of it)."""
    overlap = sum(_overlap(averages * sign, slack) for sign, slack in zip(signs, slacks, strict=True))
    centre = overlap / (4 * len(signs)) * np.where(last > 0.5, _SHRINK, _SHRINK_SHORT)
    roots = [_inverse_root(matrices_of(averages * sign)) for sign in signs]
    curvature = (ratio / chance) @ chances.squares
    slope = ratio @ chances.slopes
    inverses = []
    for root, slack, sign in zip(roots, slacks, signs, strict=True):
        inverse = root @ _adjoint(root)
        inverse_parts, slack_parts = _parts(inverse), _parts(slack)
        coupled = (slack_parts[:, :, None] * inverse_parts[:, None, :]).reshape(-1, 256) @ _couplings()
        curvature += coupled * np.outer(sign, sign).reshape(225)
        slope += centre[:, None] * inverse_parts[:, 1:] * sign / 4
        inverses.append(inverse)
    move = _solved(curvature.reshape(-1, 15, 15), slope)
    most_inward = (move @ chances.slopes.T / chance).min(axis=1)
    changes = []
    for root, inverse, slack, sign in zip(roots, inverses, slacks, signs, strict=True):
        turn = _hermitian(np.concatenate([np.zeros((len(move), 1)), move * sign], axis=1))
        change = slack @ turn @ inverse
        change = centre[:, None, None] * inverse - slack - (change + _adjoint(change)) / 2
        slack_root = _inverse_root(slack)
        for frame, moved in ((root, turn), (slack_root, change)):
            lowest = np.linalg.eigvalsh(_adjoint(frame) @ moved @ frame)[:, 0]
            most_inward = np.minimum(most_inward, lowest)
        changes.append(change)
    length = np.minimum(1.0, _FRACTION / np.maximum(-most_inward, 1e-300))
    moved_slacks = [slack + length[:, None, None] * change for slack, change in zip(slacks, changes, strict=True)]
    return averages + length[:, None] * move, moved_slacks, length


def _solved(matrices: Array, right: Array) -> NDArray[np.floating]:
    """x (n, k) with A x = b."""
    try:
        return np.linalg.solve(matrices, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        # counts that contradict one another at very many shots leave a direction to rounding
        raised = matrices.copy()
        diagonal = np.einsum("njj->nj", raised)
        diagonal += _RAISED * diagonal.max(axis=1, keepdims=True)
        return np.linalg.solve(raised, right[..., None])[..., 0]


@cache
def _couplings() -> Array:
    """(256, 225): of the parts of Z and of X⁻¹, Re tr(G_j Z G_k X⁻¹)/16 for the averages j and k."""
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
