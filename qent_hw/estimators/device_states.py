"""A family's states as a device prepares, degrades and reads them: what a model for that device is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.circuits import Family
from qent_hw.circuits.injection import CHANNELS, delay_for
from qent_hw.estimators.sources import draw_parameters
from qent_hw.physics.counts import features_from_frequencies
from qent_hw.physics.settings import settings_for
from qent_hw.simulation import idled_states, noisy_states
from qent_hw.simulation.device import DeviceTemplate, device_probabilities


@dataclass(frozen=True, eq=False)
class TrainingDevice:
    """A device to train for.

    Attributes
    ----------
    template
        the transpiled template with the device's errors.
    injection
        how noise gets in: ``noise-model``, ``idle`` or ``twirl``.
    timing_grid
        dt that a wait must be a multiple of.
    facts
        what the model card says of it: backend, qubits, date of its properties, …; plain values for JSON.
    """

    template: DeviceTemplate
    injection: str
    timing_grid: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class DeviceStates:
    """A family's random states on a device: a `StateSource`.

    Labels are those of the exact state after what was injected, which for `idle` includes relaxation while waiting;
    gate and readout errors are in the features alone. A wait is chosen for a uniform p as a run chooses it.
    """

    family: Family
    device: TrainingDevice

    @property
    def channels(self) -> tuple[str, ...]:
        """See `StateSource`."""
        return CHANNELS if self.device.injection == "noise-model" else ("dephasing",)

    def draw(self, channel: str, n: int, rng: np.random.Generator) -> MeasuredStates:
        """See `StateSource`."""
        values, p = draw_parameters(self.family, n, rng)
        psi = self.family.amplitudes(values)
        if self.device.injection != "idle":
            return MeasuredStates(noisy_states(psi, channel, p), psi, self.device, {"channel": channel, "p": p})
        errors = self.device.template.errors
        delay_dt = delay_for(p, errors.idle, errors.dt, self.device.timing_grid)
        truth = idled_states(psi, np.multiply(delay_dt, errors.dt, dtype=np.float64), errors.idle)
        return MeasuredStates(truth, psi, self.device, {"delay_dt": delay_dt})


@dataclass(frozen=True, eq=False)
class MeasuredStates:
    """n states on a device, drawn: `truth` (n, 4, 4), the prepared `psi` (n, 4) and what is injected into each."""

    truth: NDArray[np.complex128]
    psi: NDArray[np.complex128]
    device: TrainingDevice
    injected: Mapping[str, Any] = field(repr=False)

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """See `sources.Drawn`."""
        settings = settings_for(names)
        return features_from_frequencies(self.probabilities(settings).mean(axis=2), settings, names)

    def probabilities(self, settings: Sequence[str]) -> NDArray[np.float64]:
        """See `sources.Drawn`."""
        return device_probabilities(
            self.device.template, self.psi, tuple(settings), self.device.injection, **self.injected
        )
