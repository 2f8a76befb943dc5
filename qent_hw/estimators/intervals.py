"""90% intervals for a predicted concurrence, from the errors the same model made on held-out simulated states.

This is split conformal prediction (Vovk et al. 2005; Lei et al., arXiv:1604.04173) within bins of the predicted value
and at tabulated shot counts. What it assumes: the measured state is of the model's family and channel, its parameters
and p are as likely as in training (uniform), and the shots are the only noise. Under these the interval contains the
true concurrence with 90% probability within each bin, averaged over states. Where a separable state is likely the
interval starts at 0, and where more than nine states in ten are separable it holds more than 90% of the truth: no
interval with 0 in it can hold less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError

LEVEL = 0.9
# Exact features are the limit of infinitely many shots.
SHOTS = (10.0, 25.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, np.inf)
EDGES = (0.0, 0.003, 0.01, 0.02, 0.04, 0.07, *(round(0.05 * k, 2) for k in range(2, 20)), 0.975, 1.0)
# A 5% quantile of 500 residuals is known to a fifth of that tail.
_FEWEST = 500


@dataclass(frozen=True)
class IntervalTable:
    """Quantiles of (true − predicted) concurrence.

    shots: (n_shots,) increasing shots per setting, the last inf; edges: (n_bins + 1,) of the predicted concurrence;
    offsets: (n_shots, n_bins, 2) float32, lower and upper.
    """

    shots: NDArray[np.float64]
    edges: NDArray[np.float64]
    offsets: NDArray[np.float32]

    def __post_init__(self) -> None:
        expected = (len(self.shots), len(self.edges) - 1, 2)
        if self.offsets.shape != expected or not np.isfinite(self.offsets).all():
            raise InputError(
                f"interval table: offsets of shape {self.offsets.shape}; they must be finite and {expected}"
            )
        if np.any(np.diff(self.shots) <= 0) or np.any(np.diff(self.edges) <= 0):
            raise InputError("interval table: shots and edges must increase")

    def interval(
        self, concurrence: NDArray[np.floating], shots: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end, each (n,) within [0, 1], for predicted concurrences (n,) at shots per setting (n,).

        Between tabulated shot counts the offsets are linear in 1/√shots, as the statistical error is. Fewer shots than
        the smallest tabulated count are treated as that count, and the interval is then too short.
        """
        predicted = np.asarray(concurrence, dtype=np.float64)
        n_bins = len(self.edges) - 1
        at_bin = np.clip(np.searchsorted(self.edges, predicted, side="right") - 1, 0, n_bins - 1)
        noise = np.clip(1 / np.sqrt(np.asarray(shots, dtype=np.float64)), 0, 1 / np.sqrt(self.shots[0]))
        grid = 1 / np.sqrt(self.shots[::-1])
        upper = np.clip(np.searchsorted(grid, noise), 1, len(grid) - 1)
        weight = ((noise - grid[upper - 1]) / (grid[upper] - grid[upper - 1]))[:, None]
        rows = self.offsets[::-1].astype(np.float64)
        offset = (1 - weight) * rows[upper - 1, at_bin] + weight * rows[upper, at_bin]
        low, high = predicted + offset[:, 0], predicted + offset[:, 1]
        return np.clip(low, 0, 1), np.clip(high, 0, 1)


def calibrate(
    residuals_at: Mapping[float, tuple[NDArray[np.floating], NDArray[np.floating]]],
) -> IntervalTable:
    """The table from (predicted, true) concurrences, each (n,), at each number of shots per setting.

    Bins with few states borrow from their neighbours until they have 500. Raises InputError if there are fewer in all.
    """
    shots, edges = np.array(sorted(residuals_at)), np.array(EDGES)
    offsets = np.empty((len(shots), len(edges) - 1, 2), np.float32)
    for i, level in enumerate(shots):
        predicted, true = (np.asarray(a, dtype=np.float64) for a in residuals_at[level])
        if len(predicted) < _FEWEST:
            raise InputError(f"interval table: {len(predicted)} held-out states at {level:g} shots; it needs {_FEWEST}")
        order = np.argsort(predicted, kind="stable")
        predicted, true = predicted[order], true[order]
        starts = np.searchsorted(predicted, edges)
        starts[-1] = len(predicted)
        for b in range(len(edges) - 1):
            first, last = starts[b], starts[b + 1]
            lacking = max(0, _FEWEST - (last - first))
            first, last = max(0, first - lacking), min(len(predicted), last + lacking)
            offsets[i, b] = _offsets(predicted[first:last], true[first:last], edges[b + 1])
    return IntervalTable(shots, edges, offsets)


def _offsets(predicted: NDArray[np.float64], true: NDArray[np.float64], upper_edge: float) -> tuple[float, float]:
    residual = np.sort(true - predicted)
    tail = (1 - LEVEL) / 2

    def quantile(q: float) -> float:
        return float(residual[min(len(residual) - 1, int(np.ceil(q * (len(residual) + 1))) - 1)])

    if np.mean(true <= 0) > tail:
        # Too many separable states to leave 0 out: the interval starts there and all of the allowed misses lie above.
        return -upper_edge, max(0.0, quantile(LEVEL))
    return min(0.0, quantile(tail)), max(0.0, quantile(1 - tail))
