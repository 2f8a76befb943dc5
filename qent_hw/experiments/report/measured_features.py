"""The measured features of a run beside the exact ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qent_hw.physics import FEATURE_SETS, FEATURES, features, features_from_counts
from qent_hw.physics.settings import gives

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

# below this variance of the sum of outcomes a binomial is too skewed to be held against a normal law
_LEAST_VARIANCE = 9.0


@dataclass(frozen=True)
class MeasuredFeatures:
    """Features of n states, each array (n, k).

    Attributes
    ----------
    names
        k names of Table I.
    values, errors
        measured, with standard errors.
    exact
        of the exact state.
    pulls
        (measured − exact) in units of the exact standard error √((1 − m²)/N) of N shots; NaN where (1 − m²)·N < 9, as
        the law of so few differing outcomes is far from normal.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    exact: NDArray[np.float64]
    pulls: NDArray[np.float64]


def measured_features(run: Run) -> MeasuredFeatures:
    """The eight features of `bell8`, as far as the settings of `run` give them; all that they give, if that is none."""
    counts = run.measured
    given = [feature for feature in FEATURES if any(gives(setting, feature) for setting in counts.settings)]
    names = tuple(feature for feature in FEATURE_SETS["bell8"] if feature in given) or tuple(given)
    values, errors = features_from_counts(counts, names)
    exact = features(run.plan.truth)[:, [FEATURES.index(name) for name in names]]
    tells = np.array([[gives(setting, name) for name in names] for setting in counts.settings])
    shots = counts.shots @ tells
    # rounding can take an exact ±1 a little beyond
    variance = np.maximum(1 - exact**2, 0.0)
    fit = variance * shots >= _LEAST_VARIANCE
    pulls = np.full_like(values, np.nan)
    pulls[fit] = (values - exact)[fit] / np.sqrt(variance / shots)[fit]
    return MeasuredFeatures(names, values, errors, exact, pulls)


@dataclass(frozen=True)
class PullSummary:
    """The pulls of one feature over `n` states: mean and standard deviation with their standard errors."""

    feature: str
    n: int
    mean: float
    mean_se: float
    std: float
    std_se: float


def summarise_pulls(measured: MeasuredFeatures) -> list[PullSummary]:
    """One summary per feature that has at least two pulls; shot noise alone gives mean 0 and standard deviation 1."""
    summaries = []
    for name, column in zip(measured.names, measured.pulls.T, strict=True):
        pulls = column[np.isfinite(column)]
        if len(pulls) > 1:
            std = float(pulls.std(ddof=1))
            root_n = float(np.sqrt(len(pulls)))
            std_se = std / float(np.sqrt(2 * (len(pulls) - 1)))
            summaries.append(PullSummary(name, len(pulls), float(pulls.mean()), std / root_n, std, std_se))
    return summaries
