"""The trained networks as an estimator: counts in, estimates with intervals out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.model import Model, network_inputs
from qent_hw.physics.counts import Counts, features_from_counts

_REPLICATES = 64
# States whose replicates are held at once (64 x 128 rows of counts).
_BLOCK = 128


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

        P(entangled)'s 68% interval is a parametric bootstrap: 64 times the shots are drawn anew from the measured
        frequencies. Every state sees the same random stream, so its result depends on its own counts and the seed alone
        (up to float32 rounding). The concurrence's 90% interval comes from the model's table, see
        `qent_hw.estimators.intervals` for what it assumes. Settings come in any order and superfluous ones are ignored;
        a missing one raises InputError.
        """
        needed = self._needed(counts)
        shots = _shots_per_setting(needed)
        values, _ = features_from_counts(needed, self.model.features, self.assignment)
        p_entangled, concurrence = self.model.predict(values, shots)
        low, high = self._bootstrap(needed, shots, seed)
        c_low, c_high = self.model.intervals.interval(concurrence, shots)
        return Estimates(
            p_entangled=p_entangled,
            p_entangled_low=np.minimum(low, p_entangled),
            p_entangled_high=np.maximum(high, p_entangled),
            concurrence=concurrence,
            concurrence_low=c_low,
            concurrence_high=c_high,
            verdict=verdicts(p_entangled),
        )

    def _needed(self, counts: Counts) -> Counts:
        have = list(counts.settings)
        if missing := [s for s in self.settings if s not in have]:
            raise InputError(
                f"counts: setting {', '.join(missing)} is missing and {self.name} needs it; "
                f"measured: {', '.join(have) or 'none'}"
            )
        return Counts(self.settings, counts.values[:, [have.index(s) for s in self.settings]])

    def _bootstrap(
        self, counts: Counts, shots: NDArray[np.float64], seed: int | np.random.SeedSequence
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        n_states, n_settings, _ = counts.values.shape
        totals = counts.shots
        frequencies = counts.values / totals[..., None]
        rng = np.random.default_rng(seed)
        stream = rng.bit_generator.state
        low, high = np.empty(n_states), np.empty(n_states)
        for start in range(0, n_states, _BLOCK):
            rows = range(start, min(start + _BLOCK, n_states))
            drawn = np.empty((len(rows), _REPLICATES, n_settings, 4), np.int64)
            for i, state in enumerate(rows):
                rng.bit_generator.state = stream
                drawn[i] = rng.multinomial(totals[state], frequencies[state], size=(_REPLICATES, n_settings))
            redrawn = Counts(counts.settings, drawn.reshape(-1, n_settings, 4))
            values, _ = features_from_counts(redrawn, self.model.features, self.assignment)
            inputs = network_inputs(
                values, np.repeat(shots[rows.start : rows.stop], _REPLICATES), self.model.shot_aware
            )
            replicates = self.model.classifier.predict(inputs).reshape(len(rows), _REPLICATES)
            low[rows.start : rows.stop], high[rows.start : rows.stop] = np.quantile(replicates, (0.16, 0.84), axis=1)
        return low, high


def _shots_per_setting(counts: Counts) -> NDArray[np.float64]:
    """Shots per setting (n_states,); where settings differ, the harmonic mean, whose noise is their average noise."""
    return 1 / np.mean(1 / counts.shots, axis=1)
