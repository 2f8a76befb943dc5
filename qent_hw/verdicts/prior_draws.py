"""Draws from the prior in an order that makes posterior averages over either label two matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.prior_pool import PriorPool

Array: TypeAlias = NDArray[np.float64]

# weights in memory at once
_WEIGHTS = 1 << 22
# draws of neighbouring concurrence that are told apart no further
_GROUP = 128


@dataclass(frozen=True)
class Weighted:
    """Posterior averages for b observations: the weights of separable and of entangled draws, masses (2, b); the mean
    chances of outcomes over either, means (2, b, n_outcomes); Kish's effective number of draws (b,); the concurrence's
    mean and the bounds of its middle 90%, (b, 3)."""

    masses: Array
    means: Array
    effective: Array
    concurrence: Array


@dataclass(frozen=True)
class Draws:
    """Draws in the order of their concurrence (pool,), the first `n_separable` of them separable: the chances of
    outcomes (pool, n_outcomes), and their logarithms, logs (n_outcomes, pool); all float32."""

    logs: NDArray[np.float32]
    chances: NDArray[np.float32]
    concurrence: NDArray[np.float32]
    n_separable: int

    @classmethod
    def of(cls, prior: PriorPool, size: int) -> Draws:
        """The first `size` draws of the prior."""
        entangled, concurrence = prior.labels(np.arange(size))
        order = np.lexsort((concurrence, entangled))
        logs = prior.logs[:size][order]
        in_order = concurrence[order].astype(np.float32)
        return cls(np.ascontiguousarray(logs.T), np.exp(logs), in_order, int((~entangled).sum()))

    def weighted(self, counts: Array) -> Iterator[tuple[slice, Weighted]]:
        """Averages for counts (n, n_outcomes), some observations at a time: their places among the n, and what is
        found of them."""
        size = max(1, _WEIGHTS // len(self.concurrence))
        for start in range(0, len(counts), size):
            places = slice(start, min(start + size, len(counts)))
            yield places, self._weighted(counts[places])

    def _weighted(self, counts: Array) -> Weighted:
        weights = counts.astype(np.float32) @ self.logs
        weights -= weights.max(axis=1, keepdims=True)
        np.exp(weights, out=weights)
        masses, means = np.empty((2, len(counts))), np.empty((2, *counts.shape))
        for label, part in enumerate((slice(0, self.n_separable), slice(self.n_separable, None))):
            masses[label] = weights[:, part].sum(axis=1, dtype=np.float64)
            means[label] = weights[:, part] @ self.chances[part] / np.maximum(masses[label], 1e-300)[:, None]
        total = masses.sum(axis=0)
        effective = total**2 / np.einsum("bk,bk->b", weights, weights)
        mean = (weights @ self.concurrence) / total
        return Weighted(masses, means, effective, np.stack([mean, *self._between(weights, total)], axis=1))

    def _between(self, weights: NDArray[np.float32], total: Array) -> list[NDArray[np.float32]]:
        """The 5% and 95% quantiles of the concurrence, to a group of draws."""
        starts = np.arange(0, len(self.concurrence), _GROUP)
        reached = np.add.reduceat(weights, starts, axis=1).cumsum(axis=1, dtype=np.float64)
        middle = self.concurrence[np.minimum(starts + _GROUP // 2, len(self.concurrence) - 1)]
        places = [(reached < level * total[:, None]).sum(axis=1) for level in (0.05, 0.95)]
        return [middle[np.minimum(place, len(middle) - 1)] for place in places]
