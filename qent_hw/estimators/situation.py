"""What an estimator may know of an experiment before it sees counts: the states, how they are measured, the shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates, TrainingDevice
from qent_hw.estimators.sources import Drawn, StateSource
from qent_hw.physics.counts import Counts, evenly, sample_counts
from qent_hw.physics.settings import BELL_SETTINGS


@dataclass(frozen=True, eq=False)
class Situation:
    """An experiment as an estimator is made for it.

    Attributes
    ----------
    states
        what the states are drawn from, and with it the device if one is assumed.
    channel
        that they pass through.
    shots
        of one state, over all settings together.
    settings
        for estimators that can do with any; others measure what they need.
    """

    states: StateSource
    channel: str
    shots: int
    settings: tuple[str, ...] = BELL_SETTINGS

    @property
    def device(self) -> TrainingDevice | None:
        """The device that is assumed; None where nothing errs."""
        return self.states.device if isinstance(self.states, DeviceStates) else None

    @property
    def assignment(self) -> NDArray[np.float64] | None:
        """A[measured, prepared] (4, 4) of ++, +−, −+, −−; None where nothing is taken to be misread."""
        return None if self.device is None else self.device.template.errors.readout


def shared_out(shots: int, settings: tuple[str, ...]) -> NDArray[np.int64]:
    """Shots of each setting (n_settings,), adding up to `shots`: what does not divide goes to the first.

    Raises
    ------
    InputError
        for fewer shots than settings.
    """
    if shots < len(settings):
        raise InputError(f"shots = {shots}: {len(settings)} settings need at least as many")
    return evenly(shots, len(settings))


def measured(drawn: Drawn, settings: tuple[str, ...], shots: int, rng: np.random.Generator) -> Counts:
    """Counts of `drawn` states, each with `shots` shared out among the settings, and evenly among a setting's parts.

    Raises
    ------
    InputError
        for too few shots.
    """
    probabilities = drawn.probabilities(settings)
    n_parts = probabilities.shape[2]
    per_setting = shared_out(shots, settings)
    if per_setting.min() < n_parts:
        least = len(settings) * n_parts
        raise InputError(f"shots = {shots}: {len(settings)} settings in {n_parts} parts need at least {least}")
    return Counts(settings, sample_counts(probabilities, evenly(per_setting, n_parts), rng).sum(axis=2))
