"""Maximum likelihood in the unit cube by Fisher scoring with Levenberg's damping, of many observations at once.

Newton's method with the expected information in place of the curvature (Osborne, Int. Stat. Rev. 60, 99 (1992)): never
indefinite, and needs first derivatives alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Slopes: TypeAlias = Callable[[Array], tuple[Array, Array]]
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
    points = start.copy()
    chance, slope = slopes(points)
    value = log_likelihood(chance, counts)
    damping = np.full(len(points), 1e-2)
    open_ = np.arange(len(points))
    for step in range(steps):
        score, information = _score(chance, slope, counts[open_], shots[open_])
        here = points[open_]
        held = ~goes_round & (((here <= 0) & (score < 0)) | ((here >= 1) & (score > 0)))
        score = np.where(held, 0.0, score)
        information *= ~(held[:, :, None] | held[:, None, :])
        diagonal = np.einsum("mii->mi", information)
        # the one is a width of the whole cube, for directions of which the counts tell nothing
        diagonal += damping[open_, None] * diagonal + 1.0
        move = np.linalg.solve(information, score[..., None])[..., 0]
        move *= np.minimum(1.0, _LONGEST / np.maximum(np.abs(move).max(axis=1), 1e-300))[:, None]
        there = within(here + move, goes_round)
        new_chance, new_slope = slopes(there)
        found = log_likelihood(new_chance, counts[open_])
        better = found > value[open_]
        up = open_[better]
        points[up], value[up] = there[better], found[better]
        damping[open_] *= np.where(better, 0.1, 10.0)
        hoped = (score * move).sum(axis=1) / 2
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
    inside: Array = np.where(goes_round, points % 1.0, np.clip(points, 0.0, 1.0))
    return inside


def _score(chance: Array, slope: Array, counts: Array, shots: Array) -> tuple[Array, Array]:
    """Derivative (m, d) of the log-likelihood and its expected information (m, d, d)."""
    score = ((counts / np.maximum(chance, FLOOR))[:, None] @ slope)[:, 0]
    # one shot in place of none, where an outcome is all but impossible
    scaled = slope * np.sqrt(shots / (chance + 1 / shots))[..., None]
    return score, scaled.swapaxes(1, 2) @ scaled
