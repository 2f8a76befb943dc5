"""The mean likelihood of counts over a family's states: the numerator of a certificate that knows the family.

Two estimates of the mean over the unit cube (a family's angles, and the strength of its channel, all uniform), neither
of which is too large on the average, whatever the counts, so that each makes a certificate valid:

* over a pool of states that was drawn beforehand, where the mean over the pool is itself the numerator. The separable
  ones are left out of it: they can only make it smaller where it is wanted to be large;
* by importance sampling about the most likely point, with the Gaussian of the Fisher information there: the mean of
  L(x)/q(x) over points x drawn from q is on the average the integral of L over what q reaches, be q chosen by the
  counts or not. It is what finds the state among 10⁶ that many shots tell apart, where no pool has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qent_hw.estimators.batch_cholesky import factorise, log_determinant, solve_upper
from qent_hw.estimators.fisher_scoring import FLOOR, maximise, score_and_information, within
from qent_hw.estimators.interior_point import Array
from qent_hw.estimators.limits_source import Source
from qent_hw.physics.entanglement import is_entangled
from qent_hw.physics.settings import check_settings

POOL = 1 << 13
"""States that a pool is drawn from: one is near enough to any that a few thousand shots tell apart."""

_FEWEST = 256  # entangled states that are enough of a pool
_BLOCK = 256
_STARTS, _STEPS, _GAIN = 4, 15, 0.01  # climbs from the best of the pool, in nats
_POINTS = 64
_WIDER = 1.2  # than the Gaussian of the information, so that its tails are reached


@dataclass(frozen=True, eq=False)
class FamilyPool:
    """A family's states in `settings`: points (m, d) of the cube, (m, 0) where they can only be drawn, and log-chances
    (m, 4 n_settings) of all outcomes."""

    source: Source
    settings: tuple[str, ...]
    points: Array
    logs: Array


def family_pool(source: Source, settings: tuple[str, ...], rng: np.random.Generator, size: int = POOL) -> FamilyPool:
    """The entangled ones of `size` random states; all of them where hardly any is.

    Raises
    ------
    InputError
        for an unknown setting.
    """
    points, rho = source.draw(size, rng)
    entangled = is_entangled(rho, validate=False)
    if np.count_nonzero(entangled) >= min(_FEWEST, size // 4):
        points, rho = points[entangled], rho[entangled]
    chance = source.chances(points, rho, check_settings(settings)).reshape(len(points), -1)
    return FamilyPool(source, settings, points, np.log(np.maximum(chance, FLOOR)))


def pool_mean(pool: FamilyPool, values: NDArray[np.int64]) -> Array:
    """Logarithm of the mean likelihood over the pool (n,) of counts (n, n_settings, 4)."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    parts = [_log_mean(flat[first : first + _BLOCK] @ pool.logs.T) for first in range(0, len(flat), _BLOCK)]
    return np.concatenate(parts)


def family_mean(pool: FamilyPool, values: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Logarithm of the mean of both estimates (n,); of the pool's alone for states that can only be drawn."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    found = np.empty(len(flat))
    for first in range(0, len(flat), _BLOCK):
        part = slice(first, first + _BLOCK)
        likelihood = flat[part] @ pool.logs.T
        found[part] = _log_mean(likelihood)
        if pool.source.dimension is not None:
            starts = pool.points[np.argpartition(-likelihood, _STARTS - 1, axis=1)[:, :_STARTS]]
            near = _sampled_near(pool, flat[part], starts, rng)
            found[part] = np.logaddexp(found[part], near) - log(2)
    return found


def _sampled_near(pool: FamilyPool, flat: Array, starts: Array, rng: np.random.Generator) -> Array:
    """Logarithm of the mean of L/q over points about the most likely one, reached from `starts` (b, k, d)."""
    b, k, d = starts.shape
    source, shots = pool.source, np.repeat(flat.reshape(b, -1, 4).sum(axis=2), 4, axis=1)

    def steering(points: Array) -> tuple[Array, NDArray[np.floating]]:
        return source.steering(points, pool.settings)

    often, of_shots = (np.repeat(one, k, axis=0) for one in (flat, shots))
    climbed, value = maximise(steering, starts.reshape(-1, d), often, of_shots, source.goes_round, _STEPS, _GAIN)
    centre = climbed.reshape(b, k, d)[np.arange(b), value.reshape(b, k).argmax(axis=1)]
    information = score_and_information(*steering(centre), flat, shots)[1].astype(np.float64)
    # one is the width of the whole cube, for directions of which the counts tell nothing
    information[range(d), range(d)] += 1.0
    factors = factorise(information / _WIDER**2)
    normal = rng.standard_normal((_POINTS, d, b))
    moved = np.stack([solve_upper(factors, one) for one in normal]).transpose(0, 2, 1)
    log_q = log_determinant(factors) - (normal**2).sum(axis=1) / 2 - d / 2 * log(2 * pi)
    points = centre + moved
    # of an angle one turn, of others the cube: no state may count twice
    inside = np.where(source.goes_round, np.abs(moved) <= 0.5, (points >= 0) & (points <= 1)).all(axis=2)
    at = within(points, source.goes_round).reshape(-1, d)
    chance = source.chances(at, None, pool.settings).reshape(_POINTS, b, -1)
    likelihood = (flat * np.log(np.maximum(chance, FLOOR))).sum(axis=2)
    return _log_mean(np.where(inside, likelihood - log_q, -np.inf).T)


def _log_mean(logs: Array) -> Array:
    mean: Array = logsumexp(logs, axis=1) - log(logs.shape[1])
    return mean
