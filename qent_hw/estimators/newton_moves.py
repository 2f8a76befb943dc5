"""Markov chains in the unit cube whose proposals are the posterior's own shape at the point: Metropolis-Hastings with
"stochastic Newton" proposals (Martin et al., SIAM J. Sci. Comput. 34, A1460 (2012)).

From x the proposal is normal about where one step of Fisher scoring leads, with the inverse of the information as
covariance. Where the posterior is normal this is a draw from it; elsewhere acceptance makes up for what is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.batch_cholesky import factorise, log_determinant, solve_lower, solve_upper, upper_product
from qent_hw.estimators.fisher_scoring import Array, Slopes, log_likelihood, score_and_information, within

_LONGEST = 0.25  # of the cube's edge, of one Newton step
_ROWS = 2048  # chains that move together: what they need stays in cache


@dataclass(frozen=True)
class Cube:
    """What chains move in.

    slopes: see `fisher_scoring.Slopes`, the chances exact, while derivatives that are not quite right make moves less
    apt, not wrong; goes_round: (d,), which coordinates are angles, 0 and 1 being the same; width:
    standard deviation of moves in directions of which the counts tell nothing, as a share of the cube's edge.
    """

    slopes: Slopes
    goes_round: NDArray[np.bool_]
    width: float


def chains(
    cube: Cube, start: Array, counts: Array, shots: Array, power: Array, moves: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """`moves` moves from each of n points: where they led (moves, n, d) and the log-likelihoods there (moves, n).

    start: (n, d); counts, shots: (n, k), how often each outcome was seen and of how many shots; power: (n,), of the
    likelihood in what is sampled, the prior being even.
    """
    points, likelihood = np.empty((moves, *start.shape)), np.empty((moves, len(start)))
    for first in range(0, len(start), _ROWS):
        part = slice(first, first + _ROWS)
        # in memory the chains are the last axis throughout
        seen, of = np.asfortranarray(counts[part]), np.asfortranarray(shots[part])
        _walk(cube, start[part], seen, of, power[part], rng, points[:, part], likelihood[:, part])
    return points, likelihood


@dataclass(frozen=True)
class _Shape:
    """Of each of n points: log-likelihood (n,), the Newton step (d, n), the Cholesky factor (d, d, n) of the
    information and the logarithm of its determinant (n,)."""

    likelihood: Array
    step: NDArray[np.floating]
    factors: NDArray[np.floating]
    height: NDArray[np.floating]

    def take(self, other: _Shape, where: NDArray[np.bool_]) -> None:
        for name in ("likelihood", "step", "height"):
            np.copyto(getattr(self, name), getattr(other, name), where=where)
        for j in range(len(self.factors)):
            np.copyto(self.factors[j:, j], other.factors[j:, j], where=where)


def _walk(
    cube: Cube,
    at: Array,
    counts: Array,
    shots: Array,
    power: Array,
    rng: np.random.Generator,
    points: Array,
    likelihood: Array,
) -> None:
    goes_round = cube.goes_round[:, None]
    here, shape = at, _shape(cube, at, counts, shots, power)
    for move in range(len(points)):
        normal = rng.standard_normal(shape.step.shape).astype(shape.step.dtype)
        leap = shape.step + solve_upper(shape.factors, normal)
        to = here.T + leap
        # an angle that turned by more than a half came as well from the other side
        allowed = np.where(goes_round, np.abs(leap) < 0.5, (to >= 0) & (to <= 1)).all(axis=0)
        there = within(to.T, cube.goes_round)
        new = _shape(cube, there, counts, shots, power)
        back = upper_product(new.factors, leap + new.step)
        ratio = (
            power * (new.likelihood - shape.likelihood)
            + new.height
            - shape.height
            + (np.einsum("dn,dn->n", normal, normal) - np.einsum("dn,dn->n", back, back)) / 2
        )
        accepted = allowed & (-rng.standard_exponential(len(ratio)) < ratio)
        here = np.where(accepted[:, None], there, here)
        shape.take(new, accepted)
        points[move], likelihood[move] = here, shape.likelihood


def _shape(cube: Cube, at: Array, counts: Array, shots: Array, power: Array) -> _Shape:
    chance, slope = cube.slopes(at)
    score, information = score_and_information(chance, slope, counts, shots)
    power = power.astype(score.dtype)
    information *= power
    diagonal = np.einsum("jjn->jn", information)
    diagonal += score.dtype.type(1 / cube.width**2)
    factors = factorise(information)
    step = solve_upper(factors, solve_lower(factors, power * score))
    step *= np.minimum(1, _LONGEST / np.maximum(np.abs(step).max(axis=0), np.finfo(step.dtype).tiny))
    ends = ~cube.goes_round
    # proposals about a point beyond the end would all be refused
    step[ends] = np.clip(at.T[ends] + step[ends], 0, 1) - at.T[ends]
    return _Shape(log_likelihood(chance, counts), step, factors, log_determinant(factors))
