"""Posterior samples given finite counts: prior draws weighted by likelihood, and where too few of them count, a
population that is led from the prior to the posterior.

Log-likelihoods of all prior draws are one matrix product, counts (N, outcomes) @ log-probabilities. At many shots a
posterior is narrower than the distance of the draws; then it is approached step by step, see `tempering`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.fisher_scoring import FLOOR, Array
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.lineages import effective_by_lineage
from qent_hw.estimators.newton_moves import Cube
from qent_hw.estimators.prior_pool import Chosen, PriorPool
from qent_hw.estimators.tempering import Tempered, temper

KEPT = 1024
FEWEST_SAMPLES = 30
"""Effective samples below which a posterior is sampled further, and not to be relied on if that does not help."""

_BLOCK = 128
_CHAINS, _CHAINS_MORE = 128, (256, 512)
# how many moves a chain makes, and how wide they are where the counts tell nothing: up to three parameters, and more
_STRIDE = ((6, 0.1), (12, 0.05))


@dataclass(frozen=True)
class Samples:
    """Posterior samples of b observations, their places being `rows`: weights (b, KEPT), each row summing to one,
    labels, concurrences, log-probabilities of the classes of outcomes (b, KEPT, n_classes), and how many independent
    samples they are worth, effective (b,). In each row the samples of even places are independent of those of odd
    ones, and so are the four sets of every fourth."""

    rows: NDArray[np.int64]
    weights: Array
    entangled: NDArray[np.bool_]
    concurrence: Array
    logs: Array
    effective: Array

    def __setitem__(self, rows: NDArray[np.int64], other: Samples) -> None:
        """Takes the samples of `other` for some of the observations."""
        for name in ("weights", "entangled", "concurrence", "logs", "effective"):
            getattr(self, name)[rows] = getattr(other, name)


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
    prior = PriorPool.of(source, settings, classes, pool, pool_rng)
    shots = counts @ _of_one_setting(classes)
    told_all = np.array_equal(classes, np.eye(len(classes)))

    def steering(at: Array) -> tuple[Array, NDArray[np.floating]]:
        chances, slope = source.steering(at, settings)
        if told_all:
            return chances, slope
        return chances @ classes, (slope.swapaxes(1, 2) @ classes).swapaxes(1, 2)

    def led(chosen: Chosen, some: NDArray[np.int64], rows: NDArray[np.int64], n_chains: int) -> Tempered:
        moves, width = _STRIDE[source.goes_round.size > 3]
        cube, here = Cube(steering, source.goes_round, width), rows[some]
        draws = prior.points[chosen.first]
        return temper(cube, draws, chosen.likelihood[some], counts[here], shots[here], n_chains, moves, KEPT, rng)

    def seen(found: Tempered, rows: NDArray[np.int64]) -> Samples:
        points = found.points.reshape(len(rows) * KEPT, -1)
        rho = source.states(points)
        entangled = physics.is_entangled(rho, validate=False).reshape(-1, KEPT)
        concurrence = physics.concurrence(rho, validate=False).reshape(-1, KEPT)
        logs = np.log(np.maximum(source.chances(points, rho, settings).reshape(len(points), -1) @ classes, FLOOR))
        logs = logs.reshape(-1, KEPT, classes.shape[1])
        likelihood = (logs @ counts[rows][:, :, None])[:, :, 0]
        effective = effective_by_lineage(found.weights, found.ancestors, (entangled, concurrence, likelihood))
        return Samples(rows, found.weights, entangled, concurrence, logs, effective)

    for start in range(0, len(counts), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(counts)))
        chosen = prior.choose(counts[rows], KEPT, rng)
        logs = prior.logs[chosen.draws].astype(np.float64)
        samples = Samples(rows, chosen.weights, *prior.labels(chosen.draws), logs, chosen.effective)
        few = np.flatnonzero(~chosen.enough)
        if len(few):
            found = led(chosen, few, rows, _CHAINS)
            samples[few] = seen(found, rows[few])
            for n_chains in _CHAINS_MORE:
                poor = np.flatnonzero(samples.effective[few] < FEWEST_SAMPLES)
                if not len(poor):
                    break
                few, found = few[poor], found.take(poor).joined(led(chosen, few[poor], rows, n_chains))
                samples[few] = seen(found, rows[few])
        yield samples


def _of_one_setting(classes: Array) -> Array:
    """Which classes (n_classes, n_classes) are seen in the same setting: 0/1."""
    setting = classes.argmax(axis=0) // 4
    return np.equal.outer(setting, setting).astype(np.float64)
