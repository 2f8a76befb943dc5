"""Tomography as an estimator: the state from all nine settings, and the sign of its partial transpose.

No family is assumed. What it costs is a bias: counts of a separable state near the border of the entangled ones, or of
the border of the states, are often matched best by an entangled one, so that at few shots most states are called so
(field-notes 5). `tuning` moves the threshold to where it is best for given states and shots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.estimates import Estimates
from qent_hw.estimators.needed import needed
from qent_hw.estimators.tomography_born import Chances, Reconstruction, outcome_chances
from qent_hw.estimators.tomography_errors import ppt_estimates
from qent_hw.estimators.tomography_linear import linear_states
from qent_hw.estimators.tomography_mle import most_likely_states
from qent_hw.physics.counts import Counts
from qent_hw.physics.settings import ALL_SETTINGS

METHODS: Mapping[str, Callable[[NDArray[np.int64], Chances], Reconstruction]] = {
    "linear": linear_states,
    "mle": most_likely_states,
}
_IN_WORDS = {
    "linear": "Linear tomography (least squares, closest state)",
    "mle": "Tomography by maximum likelihood over all states",
}
_BLOCK = 1024  # states in the processor's cache at a time


@dataclass(frozen=True, eq=False)
class TomographyEstimator:
    """Estimates by reconstructing the state; `name` is what they are reported under, `method` one of METHODS.

    assignment: (4, 4) A[measured, prepared] of ++, +−, −+, −−, of which the measurement operators are made; None where
    nothing is misread.

    Raises
    ------
    InputError
        for an unknown method, and an assignment that `outcome_chances` does not take.
    """

    name: str = "tomography_mle"
    method: str = "mle"
    assignment: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"tomography method {self.method!r} is unknown: must be one of {', '.join(METHODS)}")
        outcome_chances(self.assignment)

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs: all nine."""
        return ALL_SETTINGS

    @property
    def card(self) -> Mapping[str, Any]:
        """What it assumes, as a model card says it."""
        readout = "misreadings as given" if self.assignment is not None else "no misreadings"
        return {
            "title": _IN_WORDS[self.method],
            "assumes": f"Any two-qubit state, the same in every shot; {readout}. At few shots it is biased towards "
            "entangled: a verdict is no proof.",
        }

    def reconstruct(self, counts: Counts) -> Reconstruction:
        """The density matrices that the method makes of the counts. Raises InputError where a setting is missing."""
        values = needed(counts, self.settings, self.name).values
        method, chances = METHODS[self.method], outcome_chances(self.assignment)
        parts = [method(values[at : at + _BLOCK], chances) for at in range(0, len(values), _BLOCK)]
        return Reconstruction(
            np.concatenate([one.averages for one in parts] or [np.empty((0, 15))]),
            np.concatenate([one.covariance for one in parts] or [np.empty((0, 15, 15))]),
        )

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates`, and `ppt_estimates` for what they are.

        The verdict is that of plain PPT on the reconstructed state. The seed draws the clouds of the concurrence's
        intervals. Shots may differ between states and settings.

        Raises
        ------
        InputError
            where a setting is missing.
        """
        return ppt_estimates(self.reconstruct(counts), seed)
