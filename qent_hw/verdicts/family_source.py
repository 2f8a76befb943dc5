"""States that may have been measured, as certificates ask of them: how likely the outcomes of settings are in each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.limits_source import Source, source_of
from qent_hw.estimators.sources import FamilyStates, StateSource


def family_source(states: StateSource, channel: str, assignment: NDArray[np.float64] | None = None) -> Source:
    """States after the channel, ideal, or on the device that they are of.

    assignment: (4, 4) A[measured, prepared] of ++, +−, −+, −−, where of a device no more is known than how it reads.

    Raises
    ------
    InputError
        for a channel that these states do not pass through.
    """
    if channel not in states.channels:
        raise InputError(f"channel = {channel!r}: these states pass through {' or '.join(states.channels)}")
    if isinstance(states, DeviceStates):
        found = source_of(states, channel)
    elif isinstance(states, FamilyStates):
        found = source_of(states.family, channel)
    else:
        found = source_of(lambda n, rng: states.draw(channel, n, rng).truth, None)
    return found if assignment is None else _misread(found, assignment)


def _misread(source: Source, assignment: NDArray[np.float64]) -> Source:
    def chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        read: NDArray[np.float64] = source.chances(points, rho, settings) @ assignment.T
        return read

    def read(
        chance: NDArray[np.float64], slope: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        n, outcomes, d = slope.shape
        by_setting = assignment @ slope.reshape(n, -1, 4, d)
        return (chance.reshape(n, -1, 4) @ assignment.T).reshape(n, outcomes), by_setting.reshape(n, outcomes, d)

    return replace(
        source,
        chances=chances,
        slopes=lambda points, settings: read(*source.slopes(points, settings)),
        steering=lambda points, settings: read(*source.steering(points, settings)),
    )
