"""Derivatives by differences, of functions on the unit cube."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_DIFFERENCE = 1e-6


def jacobian(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]], points: NDArray[np.float64], here: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Slopes (m, n_values, d) of `value`, (m, d) -> (m, n_values), at points of the unit cube, staying inside it."""
    columns = []
    for axis in range(points.shape[1]):
        shifted = points.copy()
        step = np.where(points[:, axis] > 0.5, -_DIFFERENCE, _DIFFERENCE)
        shifted[:, axis] += step
        columns.append((value(shifted) - here) / step[:, None])
    return np.stack(columns, axis=-1)
