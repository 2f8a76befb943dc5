"""How many independent samples a population is worth that has come down from few draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def effective_by_lineage(
    weights: Array, ancestors: NDArray[np.int64], values: Sequence[NDArray[np.bool_] | Array]
) -> Array:
    """The effective number (b,) of samples for the mean of whichever of `values` (b, k) is known worst.

    weights (b, k), each row summing to one; ancestors (b, k), from 0 to k - 1, the draw that a sample descends from.
    Samples of one descent are counted as they are: alike or not. The variance of a weighted mean is the sum of squares
    of what each descent adds to it (Lee and Whiteley, Biometrika 105, 609 (2018)), and the effective number is the
    posterior variance over that. Variances of few descents are themselves known badly, so that of ν (effective)
    descents no more than ν² samples are believed. A value that does not vary is left out.
    """
    b, k = weights.shape
    places = (ancestors + k * np.arange(b)[:, None]).ravel()

    def by_descent(terms: Array) -> Array:
        return np.bincount(places, terms.ravel(), minlength=b * k).reshape(b, k).astype(np.float64, copy=False)

    descents = 1 / (by_descent(weights) ** 2).sum(axis=1)
    found = np.minimum(descents**2, k)
    for value in values:
        away = value - (weights * value).sum(axis=1, keepdims=True)
        variance = (weights * away**2).sum(axis=1)
        of_mean = (by_descent(weights * away) ** 2).sum(axis=1) * descents / np.maximum(descents - 1, 0.1)
        varies = variance > 1e-18 * np.abs(value).max(axis=1).astype(np.float64) ** 2
        found = np.where(varies, np.minimum(found, variance / np.maximum(of_mean, 1e-300)), found)
    return found
