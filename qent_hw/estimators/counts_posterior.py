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

    def concurrence_between(self, *levels: float) -> list[Array]:
        """Quantiles of the concurrence, (b,) for each level."""
        order = np.argsort(self.concurrence, axis=1)
        ordered = np.take_along_axis(self.concurrence, order, axis=1)
        reached = np.cumsum(np.take_along_axis(self.weights, order, axis=1), axis=1)
        last = self.concurrence.shape[1] - 1
        places = [np.minimum((reached < level).sum(axis=1), last) for level in levels]
        return [np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] for place in places]


@dataclass(frozen=True)
class Sampler:
    """Posterior samples of states of `prior`, whose draws are made once, for counts in `settings`; classes: as
    `posterior_samples` takes them."""

    prior: PriorPool
    settings: tuple[str, ...]
    classes: Array

    @classmethod
    def of(
        cls, source: Source, settings: tuple[str, ...], classes: Array, pool: int, pool_rng: np.random.Generator
    ) -> Sampler:
        """With `pool` draws from the prior."""
        return cls(PriorPool.of(source, settings, classes, pool, pool_rng), settings, classes)

    def samples(self, counts: Array, rng: np.random.Generator) -> Iterator[Samples]:
        """Samples of what counts (n, n_classes) leave open, some observations at a time."""
        shots = counts @ _of_one_setting(self.classes)
        for start in range(0, len(counts), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(counts)))
            chosen = self.prior.choose(counts[rows], KEPT, rng)
            logs = self.prior.logs[chosen.draws].astype(np.float64)
            samples = Samples(rows, chosen.weights, *self.prior.labels(chosen.draws), logs, chosen.effective)
            few = np.flatnonzero(~chosen.enough)
            if len(few):
                found = self._led(chosen, few, rows, counts, shots, _CHAINS, rng)
                samples[few] = self._seen(found, rows[few], counts)
                for n_chains in _CHAINS_MORE:
                    poor = np.flatnonzero(samples.effective[few] < FEWEST_SAMPLES)
                    if not len(poor):
                        break
                    again = self._led(chosen, few[poor], rows, counts, shots, n_chains, rng)
                    few, found = few[poor], found.take(poor).joined(again)
                    samples[few] = self._seen(found, rows[few], counts)
            yield samples

    def _led(
        self,
        chosen: Chosen,
        some: NDArray[np.int64],
        rows: NDArray[np.int64],
        counts: Array,
        shots: Array,
        n_chains: int,
        rng: np.random.Generator,
    ) -> Tempered:
        source = self.prior.source
        moves, width = _STRIDE[source.goes_round.size > 3]
        cube, here = Cube(self._steering, source.goes_round, width), rows[some]
        draws = self.prior.points[chosen.first]
        return temper(cube, draws, chosen.likelihood[some], counts[here], shots[here], n_chains, moves, KEPT, rng)

    def _steering(self, at: Array) -> tuple[Array, NDArray[np.floating]]:
        chances, slope = self.prior.source.steering(at, self.settings)
        if np.array_equal(self.classes, np.eye(len(self.classes))):
            return chances, slope
        return chances @ self.classes, (slope.swapaxes(1, 2) @ self.classes).swapaxes(1, 2)

    def _seen(self, found: Tempered, rows: NDArray[np.int64], counts: Array) -> Samples:
        source, classes = self.prior.source, self.classes
        points = found.points.reshape(len(rows) * KEPT, -1)
        rho = source.states(points)
        entangled = physics.is_entangled(rho, validate=False).reshape(-1, KEPT)
        concurrence = physics.concurrence(rho, validate=False).reshape(-1, KEPT)
        chances = source.chances(points, rho, self.settings).reshape(len(points), -1) @ classes
        logs = np.log(np.maximum(chances, FLOOR)).reshape(-1, KEPT, classes.shape[1])
        likelihood = (logs @ counts[rows][:, :, None])[:, :, 0]
        effective = effective_by_lineage(found.weights, found.ancestors, (entangled, concurrence, likelihood))
        return Samples(rows, found.weights, entangled, concurrence, logs, effective)


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
    return Sampler.of(source, settings, classes, pool, pool_rng).samples(counts, rng)


def _of_one_setting(classes: Array) -> Array:
    """Which classes (n_classes, n_classes) are seen in the same setting: 0/1."""
    setting = classes.argmax(axis=0) // 4
    return np.equal.outer(setting, setting).astype(np.float64)
