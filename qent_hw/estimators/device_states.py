"""A family's states as a device prepares, degrades and reads them: what a model for that device is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.circuits import Family
from qent_hw.circuits.injection import CHANNELS, delay_for
from qent_hw.estimators.drift import Spread, draw_idle, draw_readout
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
    spread
        how far the device may be from the template's errors, drawn for every state; None for not at all.
    facts
        what the model card says of it: backend, qubits, date of its properties, …; plain values for JSON.
    """

    template: DeviceTemplate
    injection: str
    timing_grid: int
    facts: Mapping[str, Any]
    spread: Spread | None = None


@dataclass(frozen=True, eq=False)
class DeviceStates:
    """A family's random states on a device: a `StateSource`.

    Labels are those of the exact state after what was injected, which for `idle` includes relaxation while waiting;
    gate and readout errors are in the features alone. A wait is chosen for a uniform p as a run chooses it, by what the
    device is modelled with; what happens then is that of the state's own draw from the spread.
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
        errors, spread = self.device.template.errors, self.device.spread
        idle = errors.idle
        own: dict[str, Any] = {}
        if spread is not None:
            own["readout"] = draw_readout(errors.readout, spread, n, rng)
        if self.device.injection != "idle":
            injected = {"channel": channel, "p": p, **own}
            return MeasuredStates(noisy_states(psi, channel, p), psi, self.device, injected)
        delay_dt = delay_for(p, idle, errors.dt, self.device.timing_grid)
        if spread is not None:
            own["idle"] = idle = draw_idle(idle, spread, n, rng)
        truth = idled_states(psi, np.multiply(delay_dt, errors.dt, dtype=np.float64), idle)
        return MeasuredStates(truth, psi, self.device, {"delay_dt": delay_dt, **own})


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
