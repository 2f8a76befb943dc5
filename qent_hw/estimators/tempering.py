"""Posterior samples where draws from the prior are too far apart: tempered sequential Monte Carlo.

A population goes from the prior to the posterior in stages of rising likelihood power, each chosen so that enough
effective samples are left (Del Moral, Doucet and Jasra, J. R. Stat. Soc. B 68, 411 (2006)). At each stage a few of the
samples are picked by weight, and every state of the Markov chains that start there is a sample of the next stage:
"waste-free" (Dau and Chopin, J. R. Stat. Soc. B 84, 114 (2022)). Four populations that never meet give four
independent answers; each counts by its own estimate of the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.fisher_scoring import Array
from qent_hw.estimators.limits_posterior import effective_samples
from qent_hw.estimators.newton_moves import Cube, chains

POPULATIONS = 4

_LEFT = 0.25  # effective share of the samples that a stage leaves
_LOWEST = 1e-9  # power of the likelihood
_HALVINGS = 10


@dataclass(frozen=True)
class Tempered:
    """Samples of b observations: points (b, k, d), the i-th being of population i mod 4; log_weights (b, k), not
    normalised: a population's are its estimate of the evidence; ancestors (b, k), from which of the n_chains prior
    draws a sample descends."""

    points: Array
    log_weights: Array
    ancestors: NDArray[np.int64]
    n_chains: int

    @property
    def weights(self) -> Array:
        """(b, k), each row summing to one."""
        relative = np.exp(self.log_weights - self.log_weights.max(axis=1, keepdims=True))
        weights: Array = relative / relative.sum(axis=1, keepdims=True)
        return weights

    def take(self, rows: NDArray[np.int64]) -> Tempered:
        """The samples of some of the observations."""
        return Tempered(self.points[rows], self.log_weights[rows], self.ancestors[rows], self.n_chains)

    def joined(self, other: Tempered) -> Tempered:
        """As many samples, half of them from another run for the same observations. Each run counts by its number of
        chains, which leaves the mean evidence unbiased."""
        k, n_chains = self.points.shape[1], self.n_chains + other.n_chains
        # every second sample of each population
        half = np.arange(k).reshape(-1, 2, POPULATIONS)[:, 0].ravel()
        return Tempered(
            np.concatenate([self.points[:, half], other.points[:, half]], axis=1),
            np.concatenate(
                [one.log_weights[:, half] + np.log(one.n_chains / n_chains) for one in (self, other)], axis=1
            ),
            np.concatenate([self.ancestors[:, half], self.n_chains + other.ancestors[:, half]], axis=1),
            n_chains,
        )


def temper(
    cube: Cube,
    draws: Array,
    likelihood: NDArray[np.float32],
    counts: Array,
    shots: Array,
    n_chains: int,
    moves: int,
    kept: int,
    rng: np.random.Generator,
) -> Tempered:
    """Samples of each of b observations.

    draws: (m, d) from the prior, and likelihood (b, m), the logarithm of; counts, shots: (b, n_classes), how often each
    class of outcomes was seen and of how many shots. n_chains, moves: of each stage, all populations together; kept:
    samples of each observation in the end, a multiple of n_chains and at most n_chains · moves.
    """
    b, d = len(counts), draws.shape[1]
    size = len(draws) // POPULATIONS
    # population j picks from every fourth draw
    apart = likelihood[:, : POPULATIONS * size].reshape(b, size, POPULATIONS).swapaxes(1, 2)
    power = _rise(apart[:, 0], np.zeros(b), n_chains / POPULATIONS, _LOWEST)
    weights, evidence = _weigh(apart, power)
    picked = _pick(weights, n_chains // POPULATIONS, rng) * POPULATIONS + np.arange(POPULATIONS)[:, None]
    at, ancestors = draws[picked], _first_equal(picked)
    result = Tempered(np.empty((b, kept, d)), np.empty((b, kept)), np.empty((b, kept), np.int64), n_chains)
    rows = np.arange(b)
    while True:
        points, value = _explored(cube, at, counts[rows], shots[rows], power, moves, rng)
        done = power >= 1
        _keep(result, rows[done], points[done], evidence[done], ancestors[done])
        if done.all():
            return result
        rows, points, value = rows[~done], points[~done], value[~done]
        flat = value.reshape(len(rows), -1)
        risen = _rise(flat, power[~done], _LEFT * flat.shape[1], 0.0)
        weights, gained = _weigh(value, risen - power[~done])
        evidence, power = evidence[~done] + gained, risen
        picked = _pick(weights, n_chains // POPULATIONS, rng)
        at = np.take_along_axis(points, picked[..., None], axis=2)
        ancestors = np.take_along_axis(ancestors[~done], picked // moves, axis=2)


def _explored(
    cube: Cube, at: Array, counts: Array, shots: Array, power: Array, moves: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """All states of the chains from `at` (b, populations, each, d): (b, populations, each · moves, d), chain by chain,
    and their log-likelihoods."""
    b, populations, each, d = at.shape
    counts, shots, power = (np.repeat(one, populations * each, axis=0) for one in (counts, shots, power))
    points, value = chains(cube, at.reshape(-1, d), counts, shots, power, moves, rng)
    return (
        points.swapaxes(0, 1).reshape(b, populations, each * moves, d),
        value.T.reshape(b, populations, each * moves),
    )


def _keep(
    result: Tempered, rows: NDArray[np.int64], points: Array, evidence: Array, ancestors: NDArray[np.int64]
) -> None:
    """Writes as many samples of each chain as there is room for, taking the populations in turn."""
    n, populations, each = ancestors.shape
    kept, d = result.points.shape[1:]
    a_chain = kept // (populations * each)
    moves = points.shape[2] // each
    by_chain = points.reshape(n, populations, each, moves, d)
    # the last of them included
    chosen = by_chain[:, :, :, moves - 1 - (np.arange(a_chain) * moves) // a_chain]
    result.points[rows] = chosen.transpose(0, 2, 3, 1, 4).reshape(n, kept, d)
    result.log_weights[rows] = np.tile(evidence, kept // populations)
    result.ancestors[rows] = np.repeat(ancestors.swapaxes(1, 2), a_chain, axis=1).reshape(n, kept)


def _rise(likelihood: NDArray[np.floating], power: Array, enough: float, lowest: float) -> Array:
    """For each row the greatest power, up to one, at which samples of `power` (b,) are `enough` effective ones by the
    weights that it takes; likelihood (b, k), the logarithm of."""

    def leaves_enough(risen: Array) -> NDArray[np.bool_]:
        log = likelihood * (risen - power).astype(likelihood.dtype)[:, None]
        return effective_samples(np.exp(log - log.max(axis=1, keepdims=True))) >= enough

    low, high = np.log(np.maximum(power, lowest)), np.zeros(len(power))
    at_once = leaves_enough(np.ones(len(power)))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough_left = leaves_enough(np.exp(middle))
        low, high = np.where(enough_left, middle, low), np.where(enough_left, high, middle)
    # a step at least, however few samples it leaves
    return np.where(at_once, 1.0, np.maximum(np.exp(low), 1.01 * power))


def _weigh(likelihood: NDArray[np.floating], power: Array) -> tuple[NDArray[np.floating], Array]:
    """Weights (b, populations, k) by a power (b,) of the likelihood, and the logarithms of their means."""
    log = likelihood * power.astype(likelihood.dtype)[:, None, None]
    top = log.max(axis=2, keepdims=True)
    weights = np.exp(log - top)
    return weights, top[:, :, 0] + np.log(weights.mean(axis=2, dtype=np.float64))


def _pick(weights: NDArray[np.floating], each: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places (b, populations, each), in order, of samples picked in proportion to weights (b, populations, k): at even
    distances from a random start (Kitagawa, J. Comput. Graph. Stat. 5, 1 (1996))."""
    b, populations, k = weights.shape
    reached = np.cumsum(weights, axis=2, dtype=np.float64)
    reached /= reached[:, :, -1:]
    row = np.arange(b * populations).reshape(b, populations, 1)
    reached += row
    wanted = (rng.random((b, populations, 1)) + np.arange(each)) / each
    place = np.searchsorted(reached.ravel(), (wanted + row).ravel()).reshape(wanted.shape) - k * row
    return np.minimum(place, k - 1)


def _first_equal(picked: NDArray[np.int64]) -> NDArray[np.int64]:
    """For draws picked (b, populations, each), in order, the first chain that starts from the same one."""
    place = np.arange(picked[0].size).reshape(picked.shape[1:])
    new = np.ones(picked.shape, bool)
    new[:, :, 1:] = np.diff(picked, axis=2) > 0
    return np.maximum.accumulate(np.where(new, place, 0), axis=2)
