"""Do the counts fit what a verdict assumes? A goodness-of-fit test of the family and the device.

The statistic is the deviance, twice the logarithm by which the best conceivable chances of the outcomes make the counts
more likely than the best state of the family does (for general mixed states: the best of all states). With many shots
it is χ² distributed (Wilks), but not near the edges of a family or with few shots, so what it is when all is as assumed
is read off simulated experiments: the p-value is the rank among these, right at any number of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.catalogue import make_estimator
from qent_hw.estimators.likelihood import LikelihoodEstimator
from qent_hw.estimators.needed import needed
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import GeneralMixed
from qent_hw.physics import Counts
from qent_hw.verdicts.separable_fit import best_of_all, chances_of

Heights = Callable[[Counts, np.random.SeedSequence], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Alarm:
    """heights: the log-likelihood of the best state, as assumed, for counts; null: (n_null,) in increasing order, the
    deviances of simulated experiments; free: how many more averages are measured than the family has parameters."""

    heights: Heights
    settings: tuple[str, ...]
    null: NDArray[np.float64]
    free: int

    def p_values(self, counts: Counts, seed: np.random.SeedSequence) -> NDArray[np.float64]:
        """(n,) of the states of `counts`: how often a deviance as large comes about when all is as assumed."""
        found = deviances(self.heights, counts, seed)
        # one that equals a simulated one counts as no larger
        beyond = len(self.null) - np.searchsorted(self.null, found - 1e-9, side="left")
        p: NDArray[np.float64] = (1 + beyond) / (1 + len(self.null))
        return p


def fit_of(situation: Situation) -> tuple[Heights, int]:
    """What finds the best state for counts of a situation, and how many averages are measured beyond those that its
    parameters can be fitted to.

    Raises
    ------
    InputError
        for states that can only be drawn.
    """
    settings = situation.settings
    averages = 3 * len(settings)
    if isinstance(situation.states, GeneralMixed):
        chances = chances_of(settings, situation.assignment)
        # every setting of an axis measures that axis's average again
        told = len({axis for setting in settings for axis in enumerate(setting)}) + len(settings)
        return lambda counts, _: best_of_all(needed(counts, settings, "alarm").values, chances).value, averages - told
    estimator = make_estimator("likelihood", situation)
    assert isinstance(estimator, LikelihoodEstimator)
    return estimator.heights, averages - (estimator.source.dimension or 0)


def alarm_of(situation: Situation, null: Counts, seed: np.random.SeedSequence) -> Alarm:
    """The alarm for a situation; null: counts of simulated experiments of it, see `calibration.rehearse`.

    Raises
    ------
    InputError
        for states that can only be drawn, and where a setting is missing.
    """
    heights, free = fit_of(situation)
    return Alarm(heights, situation.settings, np.sort(deviances(heights, null, seed)), free)


def deviances(heights: Heights, counts: Counts, seed: np.random.SeedSequence) -> NDArray[np.float64]:
    """(n,) deviances of the states of `counts`."""
    values = counts.values.astype(float)
    shots = values.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(values > 0, values * np.log(values / shots), 0.0).sum(axis=(1, 2))
    found: NDArray[np.float64] = 2 * (best - heights(counts, seed))
    return np.maximum(found, 0.0)
