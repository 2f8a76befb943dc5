"""The trained networks as an estimator: counts in, estimates with intervals out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.averages import averages_from_counts, standard_error
from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.model import Model
from qent_hw.estimators.needed import needed
from qent_hw.estimators.network import logistic
from qent_hw.physics.counts import Counts


@dataclass(frozen=True)
class NeuralEstimator:
    """Estimates by a trained `Model`; `name` is what they are reported under.

    assignment: (4, 4) A[measured, prepared] of ++, +−, −+, −−, by which the features are corrected for misreadings; for
    a model that was trained without them.

    The verdict is model-based: it holds for states of the model's family and channel. It proves nothing about others.
    """

    name: str
    model: Model
    assignment: NDArray[np.float64] | None = None

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs."""
        return self.model.settings

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates`.

        P(entangled)'s 68% interval is one standard error of its logit to both sides, to first order: the network's
        slopes times the features' covariance at the measured frequencies, see `averages`. The concurrence's 90%
        interval comes from the model's table, see `qent_hw.estimators.intervals` for what it assumes. Nothing is drawn,
        so that the seed changes nothing. Settings come in any order and superfluous ones are ignored; a missing one
        raises InputError.
        """
        used = needed(counts, self.settings, self.name)
        shots = _shots_per_setting(used)
        values = averages_from_counts(used, self.model.averages, self.assignment)
        logit, slopes, concurrence = self.model.predict_with_slopes(values, shots)
        error = standard_error(used, self.model.averages, slopes, self.assignment)
        p_entangled = logistic(logit)
        c_low, c_high = self.model.intervals.interval(concurrence, shots)
        return Estimates(
            p_entangled=p_entangled,
            p_entangled_low=logistic(logit - error),
            p_entangled_high=logistic(logit + error),
            concurrence=concurrence,
            concurrence_low=c_low,
            concurrence_high=c_high,
            verdict=verdicts(p_entangled),
        )


def _shots_per_setting(counts: Counts) -> NDArray[np.float64]:
    """Shots per setting (n_states,); where settings differ, the harmonic mean, whose noise is their average noise."""
    return 1 / np.mean(1 / counts.shots, axis=1)
