"""What the counts so far leave open of every state, cheap enough to be asked after each batch of shots.

All draws from the prior are weighted by the likelihood as long as enough of them count, which is in the first rounds;
later, samples are led to the posterior, see `estimators.counts_posterior`. The draws are made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.counts_posterior import Sampler, Samples
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.prior_pool import ENOUGH
from qent_hw.verdicts.next_setting import information

Array: TypeAlias = NDArray[np.float64]

POOL = 1 << 17
_BLOCK = 64
# draws of neighbouring concurrence that are told apart no further
_GROUP = 128


@dataclass(frozen=True)
class Look:
    """What is known of n states: p (n,), the probability of "entangled"; how many independent samples it rests on,
    effective (n,); what a shot in each setting would tell, told (n, n_settings), nats; the concurrence's posterior mean
    and the bounds of its middle 90%, concurrence (n, 3)."""

    p: Array
    effective: Array
    told: Array
    concurrence: Array

    @classmethod
    def empty(cls, n: int, n_settings: int) -> Look:
        """Of n states, to be filled in."""
        return cls(np.full(n, np.nan), np.zeros(n), np.zeros((n, n_settings)), np.full((n, 3), np.nan))

    def __setitem__(self, rows: NDArray[np.int64], other: Look) -> None:
        """Takes what is known of some of the states."""
        for name in ("p", "effective", "told", "concurrence"):
            getattr(self, name)[rows] = getattr(other, name)

    def __getitem__(self, rows: NDArray[np.int64]) -> Look:
        return Look(self.p[rows], self.effective[rows], self.told[rows], self.concurrence[rows])


@dataclass(frozen=True)
class AdaptivePosterior:
    """The posterior of states of a source given counts in `settings`.

    The pool's draws stand in the order of their concurrence, the first `n_separable` being separable: logs
    (4 n_settings, pool) float32, logarithms of the chances of outcomes, which are chances (pool, 4 n_settings).
    """

    sampler: Sampler
    logs: NDArray[np.float32]
    chances: NDArray[np.float32]
    concurrence: NDArray[np.float32]
    n_separable: int

    @classmethod
    def of(
        cls, source: Source, settings: tuple[str, ...], rng: np.random.Generator, pool: int = POOL
    ) -> AdaptivePosterior:
        """With `pool` draws from the prior of `source`."""
        sampler = Sampler.of(source, settings, np.eye(4 * len(settings)), pool, rng)
        entangled, concurrence = sampler.prior.labels(np.arange(pool))
        order = np.lexsort((concurrence, entangled))
        logs = sampler.prior.logs[order]
        sorted_ = concurrence[order].astype(np.float32)
        return cls(sampler, np.ascontiguousarray(logs.T), np.exp(logs), sorted_, int((~entangled).sum()))

    @property
    def settings(self) -> tuple[str, ...]:
        """Those that are measured."""
        return self.sampler.settings

    def look(self, counts: NDArray[np.int64], rng: np.random.Generator) -> Look:
        """What counts (n, n_settings, 4) leave open; shots may differ between states and settings."""
        flat = counts.reshape(len(counts), -1).astype(np.float64)
        found = Look.empty(len(flat), len(self.settings))
        for start in range(0, len(flat), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(flat)))
            found[rows] = self._of_draws(flat[rows])
        if self.sampler.prior.source.dimension is None:
            return found
        few = np.flatnonzero(found.effective < ENOUGH)
        for samples in self.sampler.samples(flat[few], rng):
            found[few[samples.rows]] = self._of_samples(samples)
        return found

    def _of_draws(self, counts: Array) -> Look:
        weights = counts.astype(np.float32) @ self.logs
        weights -= weights.max(axis=1, keepdims=True)
        np.exp(weights, out=weights)
        apart = (slice(0, self.n_separable), slice(self.n_separable, None))
        masses = [weights[:, part].sum(axis=1, dtype=np.float64) for part in apart]
        means = [weights[:, part] @ self.chances[part] for part in apart]
        total = masses[0] + masses[1]
        starts = np.arange(0, len(self.concurrence), _GROUP)
        reached = np.add.reduceat(weights, starts, axis=1).cumsum(axis=1, dtype=np.float64)
        bounds = [(reached < level * total[:, None]).sum(axis=1) for level in (0.05, 0.95)]
        middle = np.minimum(starts + _GROUP // 2, len(self.concurrence) - 1)
        mean = (weights @ self.concurrence) / total
        low, high = (self.concurrence[middle[np.minimum(place, len(middle) - 1)]] for place in bounds)
        return self._look(
            masses[1] / total,
            total**2 / np.einsum("bk,bk->b", weights, weights),
            [one / np.maximum(mass, 1e-300)[:, None] for one, mass in zip(means, masses, strict=True)],
            (mean, low, high),
        )

    def _of_samples(self, found: Samples) -> Look:
        chances = np.exp(found.logs)
        means, masses = [], []
        for here in (~found.entangled, found.entangled):
            weights = found.weights * here
            masses.append(weights.sum(axis=1))
            means.append(np.einsum("bk,bko->bo", weights, chances) / np.maximum(masses[-1], 1e-300)[:, None])
        mean = (found.weights * found.concurrence).sum(axis=1)
        return self._look(
            masses[1] / (masses[0] + masses[1]), found.effective, means, (mean, *found.concurrence_between(0.05, 0.95))
        )

    def _look(
        self, p: Array, effective: Array, means: list[Array], concurrence: tuple[NDArray[np.floating], ...]
    ) -> Look:
        separable, entangled = (one.astype(np.float64).reshape(len(p), -1, 4) for one in means)
        return Look(p, effective, information(p, entangled, separable), np.stack(concurrence, axis=1).astype(float))
