"""Maximum likelihood over all density matrices, many states at once; see `interior_point`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.interior_point import ALL_STATES, climb
from qent_hw.estimators.tomography_born import Chances, Reconstruction, smoothed
from qent_hw.estimators.tomography_linear import linear_states

GAP = 1e-6
"""By how much the log-likelihood may be short of the largest: a thousandth of a standard deviation."""

_INWARD = 2.0  # over √shots: share of the maximally mixed state in the start


def most_likely_states(counts: NDArray[np.int64], chances: Chances) -> Reconstruction:
    """The density matrices that make the counts (n, 9, 4) of ALL_SETTINGS most likely, to GAP in log-likelihood.

    The covariance is the inverse of the Fisher information at their (smoothed) chances.
    """
    per_outcome = np.repeat(counts.sum(axis=-1), 4, axis=1).astype(np.float64)
    seen = counts.reshape(-1, 36).astype(np.float64)
    drawn_in = np.minimum(0.5, _INWARD / np.sqrt(seen.sum(axis=1)))[:, None]
    start = linear_states(counts, chances).averages * (1 - drawn_in)
    averages = climb(seen, start, chances, ALL_STATES, GAP).averages
    information = ((per_outcome + 3) / smoothed(np.maximum(chances(averages), 0), per_outcome)) @ chances.squares
    covariance = np.linalg.inv(information.reshape(-1, 15, 15))
    return Reconstruction(averages, (covariance + covariance.swapaxes(1, 2)) / 2)
