"""Posterior samples given noiseless features: nearest neighbours, moved onto the fibre where the source allows it.

The states that share a state's features form a fibre. Random states whose features lie nearby scatter around it; a few
Gauss-Newton steps of least length put each of them on it, which leaves an error of second order in their distance.
States that can only be drawn stay where they are, and their distance is what limits the result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.differences import jacobian
from qent_hw.estimators.limits_posterior import Posterior
from qent_hw.estimators.limits_source import Source

_STEPS = 4
_LONGEST = 0.05
_DAMPING = 1e-9
_ARRIVED = 1e-6
# Test states at a time: with their neighbours, some megabytes, which stay in the cache.
_ROWS = 128


def exact_posterior(
    source: Source, columns: list[int], n: int, pool: int, neighbours: int, seed: np.random.SeedSequence
) -> list[Posterior]:
    """Posteriors of n test states from `pool` random states, and, as the second entry, from a quarter of them.

    columns: the features seen, as indices into FEATURES. Memory: 32 bytes a pool state for the features of bell4, more
    in proportion for more of them. The second posterior shows how far the first still is from a pool without end.
    """
    from scipy.spatial import cKDTree

    test_rng, pool_rng = (np.random.default_rng(s) for s in seed.spawn(2))
    _, truth = source.draw(n, test_rng)
    wanted = physics.features(truth, validate=False)[:, columns]
    true_entangled = physics.is_entangled(truth, validate=False)
    true_concurrence = physics.concurrence(truth, validate=False)
    points, seen, entangled, concurrence = _pool(source, columns, pool, pool_rng)
    posteriors = []
    for size in (pool, pool // 4):
        _, index = cKDTree(seen[:size]).query(wanted, k=neighbours)
        # Sorted by distance, every second sample would be nearer than its partner: the pool's own order is random.
        index = np.sort(index, axis=1)
        if source.dimension is None:
            labels, values = entangled[index], concurrence[index].astype(np.float64)
            weights = np.ones(index.shape)
        else:
            labels, values, there = np.empty(index.shape, bool), np.empty(index.shape), np.empty(index.shape, bool)
            for start in range(0, n, _ROWS):
                rows = slice(start, start + _ROWS)
                aim = np.repeat(wanted[rows], neighbours, axis=0)
                moved, left = _onto_fibre(source, columns, points[index[rows]].reshape(len(aim), -1), aim)
                rho = source.states(moved)
                there[rows] = left.reshape(-1, neighbours) < _ARRIVED
                labels[rows] = physics.is_entangled(rho, validate=False).reshape(-1, neighbours)
                values[rows] = physics.concurrence(rho, validate=False).reshape(-1, neighbours)
            # Near a fold of the map a neighbour may have no way to the fibre: it then is no state with these features.
            weights = np.where(there.any(axis=1, keepdims=True), there, True).astype(np.float64)
        weights /= weights.sum(axis=1, keepdims=True)
        posteriors.append(Posterior(weights, labels, values, true_entangled, true_concurrence))
    return posteriors


def _pool(
    source: Source, columns: list[int], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float32]]:
    """Points, features and, where states cannot be moved, labels and concurrences of `size` random states."""
    parts = []
    for start in range(0, size, 16 * _ROWS):
        points, rho = source.draw(min(16 * _ROWS, size - start), rng)
        kept = rho if source.dimension is None else rho[:0]
        parts.append(
            (
                points,
                physics.features(rho, validate=False)[:, columns],
                physics.is_entangled(kept, validate=False),
                physics.concurrence(kept, validate=False).astype(np.float32),
            )
        )
    points, seen, entangled, concurrence = (np.concatenate(column) for column in zip(*parts, strict=True))
    return points, seen, entangled, concurrence


def _onto_fibre(
    source: Source, columns: list[int], points: NDArray[np.float64], aim: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (m, d) moved, each by the shortest way, to where the features are `aim` (m, n_features); and how far the
    features (m,) still are from there."""

    def value(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return physics.features(source.states(at), validate=False)[:, columns]

    here = value(points)
    for _ in range(_STEPS):
        missing = aim - here
        open_ = np.flatnonzero((missing**2).sum(axis=1) > 1e-20)
        if not len(open_):
            break
        slope = jacobian(value, points[open_], here[open_])
        square = slope.swapaxes(-1, -2) @ slope + _DAMPING * np.eye(points.shape[1])
        step = np.linalg.solve(square, slope.swapaxes(-1, -2) @ missing[open_, :, None])[..., 0]
        step *= np.minimum(1, _LONGEST / np.maximum(np.linalg.norm(step, axis=1), 1e-300))[:, None]
        moved = np.clip(points[open_] + step, 0, 1)
        there = value(moved)
        nearer = ((aim[open_] - there) ** 2).sum(axis=1) < (missing[open_] ** 2).sum(axis=1)
        points[open_[nearer]], here[open_[nearer]] = moved[nearer], there[nearer]
    return points, np.sqrt(((aim - here) ** 2).sum(axis=1))
