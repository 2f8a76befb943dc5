"""Maximum likelihood in the unit cube by Fisher scoring with Levenberg's damping, of many observations at once.

Newton's method with the expected information in place of the curvature (Osborne, Int. Stat. Rev. 60, 99 (1992)): never
indefinite, and needs first derivatives alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.batch_cholesky import factorise, solve_lower, solve_upper

Array: TypeAlias = NDArray[np.float64]
Slopes: TypeAlias = Callable[[Array], tuple[Array, NDArray[np.floating]]]
"""Points (m, d) -> the chances of all outcomes (m, k) there and their derivatives (m, k, d)."""

FLOOR = 1e-12
"""Chances below count as this much, so that an outcome that cannot be and was seen leaves a finite likelihood."""

_LONGEST = 0.2  # of the cube's edge, of one step
_HOPELESS = 1e8  # damping at which no step is small enough to help


def maximise(
    slopes: Slopes, start: Array, counts: Array, shots: Array, goes_round: NDArray[np.bool_], steps: int, gain: float
) -> tuple[Array, Array]:
    """The points (m, d) to which at most `steps` steps lead from `start` (m, d), and their log-likelihoods (m,).

    counts, shots: (m, k), how often each outcome was seen and of how many shots. goes_round: (d,), which coordinates
    are angles, 0 and 1 being the same; others stop at the ends. gain: of the log-likelihood, below which a step is the
    last one.
    """
    points, d = start.copy(), start.shape[1]
    chance, slope = slopes(points)
    value = log_likelihood(chance, counts)
    damping = np.full(len(points), 1e-2)
    open_ = np.arange(len(points))
    for step in range(steps):
        score, information = (
            one.astype(np.float64) for one in score_and_information(chance, slope, counts[open_], shots[open_])
        )
        here = points[open_]
        held = (~goes_round & (((here <= 0) & (score.T < 0)) | ((here >= 1) & (score.T > 0)))).T
        score = np.where(held, 0.0, score)
        information *= ~(held[:, None] | held[None])
        # the one is a width of the whole cube, for directions of which the counts tell nothing
        information[range(d), range(d)] *= 1 + damping[open_]
        information[range(d), range(d)] += 1.0
        factors = factorise(information)
        move = solve_upper(factors, solve_lower(factors, score))
        move *= np.minimum(1.0, _LONGEST / np.maximum(np.abs(move).max(axis=0), 1e-300))
        there = within(here + move.T, goes_round)
        new_chance, new_slope = slopes(there)
        found = log_likelihood(new_chance, counts[open_])
        better = found > value[open_]
        up = open_[better]
        points[up], value[up] = there[better], found[better]
        damping[open_] *= np.where(better, 0.1, 10.0)
        hoped = (score * move).sum(axis=0) / 2
        go_on = (hoped > gain) & (damping[open_] < _HOPELESS)
        if step == steps - 1 or not go_on.any():
            break
        chance = np.where(better[:, None], new_chance, chance)[go_on]
        slope = np.where(better[:, None, None], new_slope, slope)[go_on]
        open_ = open_[go_on]
    return points, value


def log_likelihood(chance: Array, counts: Array) -> Array:
    """Of counts (..., k) given the chances of the outcomes (..., k): (...), without the multinomial coefficient."""
    total: Array = (counts * np.log(np.maximum(chance, FLOOR))).sum(axis=-1)
    return total


def within(points: Array, goes_round: NDArray[np.bool_]) -> Array:
    """Points (..., d) brought into the unit cube: angles taken round, others to the nearer end."""
    inside: Array = np.where(goes_round, points - np.floor(points), np.clip(points, 0.0, 1.0))
    return inside


def score_and_information(
    chance: Array, slope: NDArray[np.floating], counts: Array, shots: Array
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Derivative (d, m) of the log-likelihood, and its expected information, of which the lower triangles (d, d, m) are
    filled, the rest being zero; both in the precision of `slope`, the diagonal raised by what that leaves open.

    chance, counts, shots: (m, k), slope (m, k, d), as in `maximise`.
    """
    per_outcome = np.ascontiguousarray(slope.T)
    precision = per_outcome.dtype
    d, _, m = per_outcome.shape
    chance, counts, shots = (one.T.astype(precision) for one in (np.maximum(chance, FLOOR), counts, shots))
    score = np.einsum("jkm,km->jm", per_outcome, counts / chance)
    # one shot in place of none, where an outcome is all but impossible
    per_outcome = per_outcome * np.sqrt(shots / (chance + 1 / shots))
    information = np.zeros((d, d, m), precision)
    for i in range(d):
        np.einsum("jkm,km->jm", per_outcome[i:], per_outcome[i], out=information[i:, i])
    diagonal = np.einsum("jjm->jm", information)
    diagonal += 100 * np.finfo(precision).eps * diagonal.max(axis=0)
    return score, information
