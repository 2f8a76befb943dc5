"""Draws from the prior, shared by all observations, and the few of them that stand for an observation's posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.fisher_scoring import FLOOR, Array
from qent_hw.estimators.limits_posterior import effective_samples
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.thinning import thinned

ENOUGH = 256
"""Effective samples from which prior draws alone do."""

_RUN = 1 << 14  # draws that are looked at together
_FIRST = 2 * _RUN
_DRAWN = 1 << 16  # states in memory at once
_NEGLIGIBLE = 1e-9  # share of the weight


@dataclass(frozen=True)
class Chosen:
    """Of b observations: draws (b, k), places in the pool, with weights (b, k), each row summing to one, and their
    effective number (b,); `enough` (b,), whether that will do, the rest being worthless where it will not. `first`
    (m,), the draws that were looked at first, and their log-likelihoods (b, m)."""

    draws: NDArray[np.int64]
    weights: Array
    effective: Array
    enough: NDArray[np.bool_]
    first: NDArray[np.int64]
    likelihood: NDArray[np.float32]


@dataclass(frozen=True)
class PriorPool:
    """points (pool, d), or (pool, 0) of a source without a cube; logs (pool, n_classes), log-probabilities of the
    classes of outcomes; concurrence and labels, `entangled` (pool,), filled in as they are asked for: until then the
    concurrence is no number."""

    source: Source
    points: Array
    logs: NDArray[np.float32]
    concurrence: Array
    entangled: NDArray[np.bool_]

    @classmethod
    def of(
        cls, source: Source, settings: tuple[str, ...], classes: Array, size: int, rng: np.random.Generator
    ) -> PriorPool:
        """`size` draws; classes: (4 n_settings, n_classes), which outcomes are told apart."""
        points = np.empty((size, source.dimension or 0))
        logs = np.empty((size, classes.shape[1]), np.float32)
        concurrence, entangled = np.full(size, np.nan), np.zeros(size, bool)
        for start in range(0, size, _DRAWN):
            part = slice(start, min(start + _DRAWN, size))
            n, rho = part.stop - start, None
            if source.dimension is None:
                _, rho = source.draw(n, rng)
                entangled[part] = physics.is_entangled(rho, validate=False)
                concurrence[part] = physics.concurrence(rho, validate=False)
            else:
                points[part] = rng.random((n, source.dimension))
            chances = source.chances(points[part], rho, settings).reshape(n, -1) @ classes
            logs[part] = np.log(np.maximum(chances, FLOOR))
        return cls(source, points, logs, concurrence, entangled)

    def labels(self, draws: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Array]:
        """Labels and concurrences of draws, in their shape."""
        asked = np.zeros(len(self.logs), bool)
        asked[draws.ravel()] = True
        new = np.flatnonzero(asked & np.isnan(self.concurrence))
        if len(new):
            rho = self.source.states(self.points[new])
            self.entangled[new] = physics.is_entangled(rho, validate=False)
            self.concurrence[new] = physics.concurrence(rho, validate=False)
        return self.entangled[draws], self.concurrence[draws]

    def choose(self, counts: Array, kept: int, rng: np.random.Generator) -> Chosen:
        """`kept` draws of the pool for each of the observations counts (b, n_classes).

        They stand for the shortest run of draws that holds enough effective samples; where the whole pool will not, and
        the states could be led to the posterior, little time is spent on it. Every call begins elsewhere, so that
        the errors of different observations average out.
        """
        size, b = len(self.logs), len(counts)
        order = (int(rng.integers(size)) + np.arange(size)) % size
        first = min(_FIRST, size)
        seen = np.empty((b, size), np.float32)
        draws, weights, enough = np.zeros((b, kept), np.int64), np.full((b, kept), 1 / kept), np.zeros(b, bool)
        top, total, square = np.full(b, -np.inf, np.float32), np.zeros(b), np.zeros(b)
        open_ = np.arange(b)
        for start in range(0, size, _RUN):
            stop = min(start + _RUN, size)
            new = counts[open_].astype(np.float32) @ self.logs[order[start:stop]].T
            seen[open_, start:stop] = new
            higher = np.maximum(top[open_], new.max(axis=1))
            relative, faded = np.exp(new - higher[:, None]), np.exp(top[open_] - higher)
            total[open_] = total[open_] * faded + relative.sum(axis=1)
            square[open_] = square[open_] * faded**2 + np.einsum("bk,bk->b", relative, relative)
            top[open_] = higher
            effective = total[open_] ** 2 / square[open_]
            done = effective >= ENOUGH
            if stop == size and self.source.dimension is None:
                done[:] = True
            for i in open_[done]:
                enough[i] = True
                draws[i], weights[i] = _standing_for(seen[i, :stop], top[i], order, kept, rng)
            left = ~done
            if self.source.dimension is not None and stop >= first:
                left &= effective * size >= ENOUGH * stop
            open_ = open_[left]
            if not len(open_):
                break
        worth = np.where(enough, effective_samples(weights), 0.0)
        return Chosen(draws, weights, worth, enough, order[:first], seen[:, :first])


def _standing_for(
    likelihood: NDArray[np.float32], top: np.float32, order: NDArray[np.int64], kept: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Array]:
    """Draws (kept,) and their weights, of the first of `order` whose log-likelihoods these are."""
    relative = np.exp(likelihood - top)
    place = np.flatnonzero(relative > _NEGLIGIBLE * relative.sum())
    if len(place) < kept:
        # some that weigh nothing, to make up the number
        place = np.union1d(place, np.arange(kept))
    chosen, weights = thinned(relative[place].astype(np.float64), kept, rng)
    return order[place[chosen]], weights / weights.sum()
