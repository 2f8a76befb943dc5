"""How far the shots move what a network says: its slope along every feature, times the features' covariance.

The counts of a setting are multinomial, and every feature is an average over some of them, so a function of features
is moved, to first order, by a weighted sum of counts, whose variance is known in closed form. Features that share shots
(a correlation and the averages of the same setting) need no covariance matrix for that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qent_hw.physics.counts import Counts, features_from_frequencies


def standard_error(
    counts: Counts,
    names: Sequence[str],
    slopes: NDArray[np.floating],
    assignment: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Of a function whose slopes along the named features are (n_states, n_features), over repetitions: (n_states,).

    names, assignment: as `features_from_counts` takes them. The outcomes' probabilities are (n + 1/2)/(N + 2) for n of
    N shots in a setting, and the variance that of N + 3 shots, as there: an error does not vanish where all outcomes of
    a setting were equal. Slopes are not to be along features that the settings do not give (InputError).
    """
    n_settings, shots = len(counts.settings), counts.shots.astype(np.float64)
    telling, worth = _averages(counts.settings, tuple(names), assignment)
    # what one unit of a setting's frequency adds to the function: the setting's share of all shots that tell a feature
    pooled = slopes / (shots @ telling)
    per_count = (pooled @ worth).reshape(len(shots), n_settings, 4)
    smoothed = (counts.values + 0.5) / (shots + 2)[..., None]
    mean = np.einsum("nko,nko->nk", smoothed, per_count)
    square = np.einsum("nko,nko,nko->nk", smoothed, per_count, per_count)
    variance = shots**2 / (shots + 3) * np.maximum(square - mean**2, 0)
    error: NDArray[np.float64] = np.sqrt(variance.sum(axis=1))
    return error


def _averages(
    settings: tuple[str, ...], names: tuple[str, ...], assignment: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which settings tell a feature, 0/1 (n_settings, n_features); what each outcome is worth to it there,
    (n_features, 4 n_settings)."""
    n = len(settings)
    seen = np.eye(4 * n).reshape(4 * n, n, 4)
    shares = features_from_frequencies(seen, settings, names).reshape(n, 4, len(names))
    telling = np.any(shares != 0, axis=1)
    worth = shares * telling.sum(axis=0)
    if assignment is not None:
        worth = np.einsum("om,kof->kmf", np.linalg.inv(assignment), worth)
    return telling.astype(np.float64), worth.reshape(4 * n, len(names)).T
