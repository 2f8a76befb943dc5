"""Posterior samples given finite counts: prior draws weighted by likelihood, refined where too few of them count.

Log-likelihoods of all prior draws are one matrix product, counts (N, outcomes) @ log-probabilities. At many shots a
posterior is narrower than the distance of the draws; then it is approached step by step, see `refinement`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.differences import jacobian
from qent_hw.estimators.limits_posterior import effective_samples
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.refinement import Array, Refined, joined, refine, weights_of
from qent_hw.estimators.thinning import thinned

KEPT = 1024
FEWEST_SAMPLES = 30
"""Effective samples below which a posterior is refined a second time, and not to be relied on if that does not help."""

_ENOUGH = 256  # effective samples from which prior draws alone do
_BLOCK = 64
_FLOOR = 1e-12


@dataclass(frozen=True)
class Samples:
    """Posterior samples of b observations, their places being `rows`: weights (b, KEPT), each row summing to one,
    labels, concurrences, and log-probabilities of the classes of outcomes (b, KEPT, n_classes)."""

    rows: NDArray[np.int64]
    weights: Array
    entangled: NDArray[np.bool_]
    concurrence: Array
    logs: Array


def posterior_samples(
    source: Source,
    settings: tuple[str, ...],
    classes: Array,
    counts: Array,
    pool: int,
    pool_rng: np.random.Generator,
    rng: np.random.Generator,
) -> Iterator[Samples]:
    """Samples of what counts (n, n_classes) leave open, some observations at a time.

    classes: (4 n_settings, n_classes), which outcomes are told apart, see `limits_shots.told_apart`. pool: prior draws.
    Shots may differ from setting to setting and from observation to observation.
    """

    def chances(points: Array, rho: NDArray[np.complex128] | None = None) -> Array:
        return source.chances(points, rho, settings).reshape(len(points), -1) @ classes

    parts = [source.draw(min(65536, pool - start), pool_rng) for start in range(0, pool, 65536)]
    points = np.concatenate([part[0] for part in parts])
    logs = np.concatenate([_log(chances(*part)) for part in parts]).astype(np.float32)
    entangled = np.concatenate([physics.is_entangled(rho, validate=False) for _, rho in parts])
    concurrence = np.concatenate([physics.concurrence(rho, validate=False) for _, rho in parts])
    del parts
    shots = counts @ _of_one_setting(classes)

    def log_chances(at: Array) -> Array:
        return _log(chances(at.reshape(-1, at.shape[-1]))).reshape(*at.shape[:-1], -1)

    def slopes(at: Array) -> tuple[Array, Array]:
        here = chances(at)
        return here, jacobian(chances, at, here)

    def refined(rows: NDArray[np.int64], likelihood: NDArray[np.float32]) -> Refined:
        return refine(log_chances, slopes, likelihood, points, counts[rows], shots[rows], KEPT, rng)

    for start in range(0, len(counts), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(counts)))
        likelihood = counts[rows].astype(np.float32) @ logs.T
        chosen, weights = np.zeros((len(rows), KEPT), np.int64), np.empty((len(rows), KEPT))
        few = np.zeros(len(rows), bool)
        for i in range(len(rows)):
            picked = _from_prior(likelihood[i], rng, or_fewer=source.dimension is None)
            if picked is None:
                few[i] = True
            else:
                chosen[i], weights[i] = picked
        labels, values, told = entangled[chosen], concurrence[chosen], logs[chosen].astype(np.float64)
        if source.dimension is not None and few.any():
            for part, found in _in_two_runs(refined, rows[few], likelihood[few], rng):
                place = np.flatnonzero(few)[part]
                rho = source.states(np.clip(found.points, 0, 1).reshape(-1, source.dimension))
                weights[place], told[place] = weights_of(found.log_weights), found.logs
                labels[place] = physics.is_entangled(rho, validate=False).reshape(-1, KEPT)
                values[place] = physics.concurrence(rho, validate=False).reshape(-1, KEPT)
        yield Samples(rows, weights, labels, values, told)


def _in_two_runs(
    refined: Callable[[NDArray[np.int64], NDArray[np.float32]], Refined],
    rows: NDArray[np.int64],
    likelihood: NDArray[np.float32],
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.bool_], Refined]]:
    """The samples of one run, and of two where one gave too few, with the observations (b,) they are of."""
    one = refined(rows, likelihood)
    poor = effective_samples(weights_of(one.log_weights)) < FEWEST_SAMPLES
    if not poor.all():
        yield ~poor, one[~poor]
    if poor.any():
        yield poor, joined(one[poor], refined(rows[poor], likelihood[poor]), rng)


def _of_one_setting(classes: Array) -> Array:
    """Which classes (n_classes, n_classes) are seen in the same setting: 0/1."""
    setting = classes.argmax(axis=0) // 4
    return np.equal.outer(setting, setting).astype(np.float64)


def _from_prior(
    likelihood: NDArray[np.float32], rng: np.random.Generator, or_fewer: bool
) -> tuple[NDArray[np.int64], Array] | None:
    """Indices and weights of the prior draws kept for one observation; None where too few of them count, unless all
    there are must do.

    They stand for the shortest run of draws that holds enough effective samples. Every observation begins its run
    elsewhere, so that their errors average out.
    """
    size, run, first = len(likelihood), KEPT, int(rng.integers(len(likelihood)))
    while True:
        run = min(run, size)
        index = np.arange(first, first + run) % size
        relative = np.exp((likelihood[index] - likelihood[index].max()).astype(np.float64))
        few = bool(effective_samples(relative[None])[0] < _ENOUGH)
        if not few or run == size:
            break
        run *= 2
    if few and not or_fewer:
        return None
    chosen, weights = thinned(relative, KEPT, rng)
    return index[chosen], weights / weights.sum()


def _log(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.log(np.maximum(chance, _FLOOR))
    return result
