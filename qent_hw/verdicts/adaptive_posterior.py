"""What the counts so far leave open of every state, cheap enough to be asked after each batch of shots.

Draws from the prior, made once, are weighted by the likelihood: a few of them first, all where these are too few.
At many shots all are too few; samples are then led to the posterior, see `estimators.counts_posterior`, and once more
where a decision hangs on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.counts_posterior import Sampler, Samples
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.prior_pool import ENOUGH
from qent_hw.verdicts.next_setting import information
from qent_hw.verdicts.prior_draws import Draws, Weighted

Array: TypeAlias = NDArray[np.float64]
InDoubt: TypeAlias = Callable[[Array, Array], NDArray[np.bool_]]
"""Whether more samples might change what is decided: of P (n,) that rest on effective (n,) samples."""

POOL = 1 << 17
_SOME = 1 << 15
_MORE = 3  # populations that may be led to a posterior beside the first


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

    def joined(self, other: Look) -> Look:
        """With what independent samples say of the same states, each look counting by its number of samples."""
        effective = self.effective + other.effective
        share = self.effective / effective
        by_row = share[:, None]
        return Look(
            share * self.p + (1 - share) * other.p,
            effective,
            by_row * self.told + (1 - by_row) * other.told,
            by_row * self.concurrence + (1 - by_row) * other.concurrence,
        )


@dataclass(frozen=True)
class AdaptivePosterior:
    """The posterior of states of a source given counts in `settings`: its sampler, and of the draws that this has from
    the prior some, and all."""

    sampler: Sampler
    some: Draws
    all: Draws

    @classmethod
    def of(
        cls, source: Source, settings: tuple[str, ...], rng: np.random.Generator, pool: int = POOL
    ) -> AdaptivePosterior:
        """With `pool` draws from the prior of `source`."""
        sampler = Sampler.of(source, settings, np.eye(4 * len(settings)), pool, rng)
        return cls(sampler, Draws.of(sampler.prior, min(_SOME, pool)), Draws.of(sampler.prior, pool))

    @property
    def settings(self) -> tuple[str, ...]:
        """Those that are measured."""
        return self.sampler.settings

    def look(self, counts: NDArray[np.int64], rng: np.random.Generator, in_doubt: InDoubt | None = None) -> Look:
        """What counts (n, n_settings, 4) leave open; shots may differ between states and settings.

        Where P is in doubt more samples are taken, up to what there is patience for.
        """
        flat = counts.reshape(len(counts), -1).astype(np.float64)
        doubtful = in_doubt or (lambda p, _: np.zeros(len(p), bool))
        found = Look.empty(len(flat), len(self.settings))
        self._weigh(found, self.some, flat, np.arange(len(flat)))
        self._weigh(
            found, self.all, flat, np.flatnonzero((found.effective < ENOUGH) | doubtful(found.p, found.effective))
        )
        if self.sampler.prior.source.dimension is None:
            return found
        few = np.flatnonzero(found.effective < ENOUGH)
        for samples in self.sampler.samples(flat[few], rng):
            found[few[samples.rows]] = _seen(samples)
        for _ in range(_MORE):
            few = few[doubtful(found.p[few], found.effective[few])]
            for samples in self.sampler.samples(flat[few], rng):
                rows = few[samples.rows]
                found[rows] = found[rows].joined(_seen(samples))
        return found

    def _weigh(self, found: Look, draws: Draws, flat: Array, rows: NDArray[np.int64]) -> None:
        for places, one in draws.weighted(flat[rows]):
            found[rows[places]] = _look(one)


def _seen(samples: Samples) -> Look:
    chances, weights = np.exp(samples.logs), samples.weights
    masses, means = np.empty((2, len(weights))), np.empty((2, *samples.logs.shape[::2]))
    for label, here in enumerate((~samples.entangled, samples.entangled)):
        kept = weights * here
        masses[label] = kept.sum(axis=1)
        means[label] = np.einsum("bk,bko->bo", kept, chances) / np.maximum(masses[label], 1e-300)[:, None]
    mean = (weights * samples.concurrence).sum(axis=1)
    between = samples.concurrence_between(0.05, 0.95)
    return _look(Weighted(masses, means, samples.effective, np.stack([mean, *between], axis=1)))


def _look(one: Weighted) -> Look:
    p = one.masses[1] / one.masses.sum(axis=0)
    separable, entangled = one.means.reshape(2, len(p), -1, 4)
    return Look(p, one.effective, information(p, entangled, separable), one.concurrence)
