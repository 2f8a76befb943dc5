"""States whose outcomes are misread, where of the device no more is known than how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.sources import Drawn, StateSource
from qent_hw.physics.counts import features_from_frequencies
from qent_hw.physics.settings import settings_for


@dataclass(frozen=True, eq=False)
class MisreadStates:
    """Those of `states` with outcomes read by assignment (4, 4), A[measured, prepared] of ++, +−, −+, −−."""

    states: StateSource
    assignment: NDArray[np.float64]

    @property
    def channels(self) -> tuple[str, ...]:
        """See `sources.StateSource`."""
        return self.states.channels

    def draw(self, channel: str, n: int, rng: np.random.Generator) -> Misread:
        """See `sources.StateSource`."""
        return Misread(self.states.draw(channel, n, rng), self.assignment)


@dataclass(frozen=True, eq=False)
class Misread:
    """n states, drawn, and how they are read: a `sources.Drawn`."""

    drawn: Drawn
    assignment: NDArray[np.float64]

    @property
    def truth(self) -> NDArray[np.complex128]:
        """See `sources.Drawn`."""
        return self.drawn.truth

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """See `sources.Drawn`."""
        settings = settings_for(names)
        return features_from_frequencies(self.probabilities(settings).mean(axis=2), settings, names)

    def probabilities(self, settings: Sequence[str]) -> NDArray[np.float64]:
        """See `sources.Drawn`."""
        read: NDArray[np.float64] = self.drawn.probabilities(settings) @ self.assignment.T
        return read
