"""What a network sees of counts: averages, each linear in the frequencies, and how far the shots move what it says.

An average is a feature of Table I, pooled over all the settings that tell it, or that of one setting alone, written
`x1@xa`. For a known state both have the same value; at finite shots pooling loses something, since the single-qubit
averages of one setting scatter with its correlation and not with those of another. From the four CHSH settings it
costs a special 4-basis state's concurrence 4 to 5% of its RMSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.physics.counts import Counts, features_from_frequencies
from qent_hw.physics.settings import check_features, gives, settings_for


def averages_apart(features: Iterable[str]) -> tuple[str, ...]:
    """The averages of each of `settings_for(features)` by itself that are among the features, in their order.

    Of the eight of `bell8` they are twelve, of all fifteen 27; without single-qubit averages they are the features.
    Raises InputError for an unknown feature.
    """
    wanted = check_features(features)
    settings = settings_for(wanted)
    return tuple(
        feature if "1" not in feature else f"{feature}@{setting}"
        for feature in wanted
        for setting in settings
        if gives(setting, feature)
    )


def feature_of(average: str) -> str:
    """The feature of Table I that an average is one of: x1 for `x1@xa`."""
    return average.partition("@")[0]


def averages_from_counts(
    counts: Counts, averages: Sequence[str], assignment: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The named averages, (n_states, n_averages).

    assignment: as `physics.features_from_counts` takes it, whose values these are where the names are features. Raises
    InputError for an average that the settings do not give.
    """
    telling, worth = _weights(counts.settings, averages, assignment)
    seen = counts.values.reshape(len(counts.values), len(worth)).astype(np.float64)
    values: NDArray[np.float64] = (seen @ worth) / (counts.shots @ telling)
    return values


def standard_error(
    counts: Counts,
    averages: Sequence[str],
    slopes: NDArray[np.floating],
    assignment: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Of a function whose slopes along the averages are (n_states, n_averages), over repetitions: (n_states,).

    To first order such a function is a weighted sum of multinomial counts, whose variance is known in closed form; it
    knows that averages share shots. The outcomes' probabilities are (n + 1/2)/(N + 2) for n of N shots in a setting,
    and the variance that of N + 3 shots, as in `physics.features_from_counts`: it does not vanish where all outcomes of
    a setting were equal. Raises InputError as `averages_from_counts`.
    """
    telling, worth = _weights(counts.settings, averages, assignment)
    shots = counts.shots.astype(np.float64)
    per_count = ((slopes / (shots @ telling)) @ worth.T).reshape(counts.values.shape)
    smoothed = (counts.values + 0.5) / (shots + 2)[..., None]
    mean = np.einsum("nko,nko->nk", smoothed, per_count)
    square = np.einsum("nko,nko,nko->nk", smoothed, per_count, per_count)
    variance = shots**2 / (shots + 3) * np.maximum(square - mean**2, 0)
    error: NDArray[np.float64] = np.sqrt(variance.sum(axis=1))
    return error


def _weights(
    settings: tuple[str, ...], averages: Sequence[str], assignment: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over whose shots an average is, 0/1 (n_settings, n_averages); what outcomes add, (4 n_settings, n_averages)."""
    telling = np.zeros((len(settings), len(averages)))
    worth = np.zeros((len(settings), 4, len(averages)))
    certain = np.eye(4)[:, None]
    for column, average in enumerate(averages):
        feature, _, alone = average.partition("@")
        for k, setting in enumerate(settings):
            if gives(setting, feature) and alone in ("", setting):
                telling[k, column] = 1
                worth[k, :, column] = features_from_frequencies(certain, (setting,), (feature,))[:, 0]
        if not telling[:, column].any():
            raise InputError(f"average {average!r} cannot be computed from the settings {', '.join(settings)}")
    if assignment is not None:
        worth = np.einsum("om,koc->kmc", np.linalg.inv(assignment), worth)
    return telling, worth.reshape(4 * len(settings), len(averages))
