"""Where the states of a limit come from: a map from the unit cube to density matrices, or a function that draws them.

A family under a channel is a smooth map of a few uniform numbers. Whoever knows that map can move a state so that it
fits an observation better; from states that are merely drawn one can only pick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.circuits import Family, load_family
from qent_hw.circuits.injection import LARGEST_IDLE_STRENGTH
from qent_hw.errors import InputError
from qent_hw.estimators.data import CHANNELS
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.differences import jacobian
from qent_hw.estimators.pure_chances import POLAR, PureChances
from qent_hw.simulation.device import device_probabilities

Draw = Callable[[int, np.random.Generator], NDArray[np.complex128]]
"""Draws n states: (n, rng) -> (n, 4, 4), e.g. `lambda n, rng: random_mixed(n, spectrum, int(rng.integers(2**63)))`."""

Chances = Callable[[NDArray[np.float64], NDArray[np.complex128] | None, tuple[str, ...]], NDArray[np.float64]]
Slopes = Callable[[NDArray[np.float64], tuple[str, ...]], tuple[NDArray[np.float64], NDArray[np.floating]]]

# The closed forms are several times faster than running the circuit; tests elsewhere hold the two equal.
_CLOSED_FORMS: dict[str, Callable[..., NDArray[np.complex128]]] = {
    "two_basis": physics.two_basis,
    "special_four_basis": physics.special_four_basis,
    "general_four_basis": physics.general_four_basis,
}


@dataclass(frozen=True)
class Source:
    """States with their prior.

    dimension: how many uniform numbers make a state, or None if states can only be drawn; states: points (n, dimension)
    of the unit cube -> (n, 4, 4); draw: (n, rng) -> (points (n, dimension), states), the points (n, 0) without a cube;
    chances: (points, their states or None, settings) -> (n, n_settings, 4), how likely each outcome is; slopes:
    (points, settings) -> the chances as (n, 4 n_settings) and their derivatives (n, 4 n_settings, dimension);
    goes_round: (dimension,), which coordinates are angles, 0 and 1 making the same state.
    """

    dimension: int | None
    states: Callable[[NDArray[np.float64]], NDArray[np.complex128]]
    draw: Callable[[int, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.complex128]]]
    chances: Chances
    slopes: Slopes
    goes_round: NDArray[np.bool_]


def source_of(source: str | Family | DeviceStates | Draw, channel: str | None) -> Source:
    """A family under a channel with p ~ U[0, 1] (arXiv:2410.21504v2, Sec. III), ideal or on a device, or states drawn
    by a function.

    Raises InputError for an unknown family or channel, and for a channel beside a function (whose states are final).
    """
    if isinstance(source, DeviceStates):
        if channel not in source.channels:
            raise InputError(f"channel: {channel!r}; on this device it must be one of {', '.join(source.channels)}")
        return _of_device(source, channel)
    if not isinstance(source, str | Family):
        if channel is not None:
            raise InputError(f"channel: {channel!r}; must be None for states drawn by a function, which are final")
        return _drawn(source)
    if channel not in CHANNELS:
        raise InputError(f"channel: {channel!r}; it must be one of {', '.join(CHANNELS)}")
    family, apply = load_family(source) if isinstance(source, str) else source, CHANNELS[channel]
    names = [parameter.name for parameter in family.parameters]
    low = np.array([parameter.low for parameter in family.parameters])
    span = np.array([parameter.high for parameter in family.parameters]) - low
    closed = _CLOSED_FORMS.get(source) if isinstance(source, str) else None

    def states(points: NDArray[np.float64]) -> NDArray[np.complex128]:
        values = dict(zip(names, (low + points[:, :-1] * span).T, strict=True))
        psi = closed(**values) if closed is not None else family.amplitudes(values)
        # made by our own family, so that nothing is left to validate
        return apply(physics.density(psi, validate=False), points[:, -1], validate=False)

    def draw(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
        points = rng.random((n, len(names) + 1))
        return points, states(points)

    chances = _read_rightly(states)
    round_ = _angles(states, len(names) + 1)
    if closed is None:
        return Source(len(names) + 1, states, draw, chances, _differences(chances), round_)
    pure = PureChances(POLAR[family.name], low, span, channel)

    def pure_chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        return pure.values(points, settings).reshape(len(points), len(settings), 4)

    return Source(len(names) + 1, states, draw, pure_chances, pure.slopes, round_)


def _differences(chances: Chances) -> Slopes:
    def slopes(
        points: NDArray[np.float64], settings: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        def flat(at: NDArray[np.float64]) -> NDArray[np.float64]:
            return chances(at, None, settings).reshape(len(at), -1)

        here = flat(points)
        return here, jacobian(flat, points, here)

    return slopes


def _read_rightly(states: Callable[[NDArray[np.float64]], NDArray[np.complex128]]) -> Chances:
    """How likely each outcome is where nothing errs."""

    def chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        return physics.outcome_probabilities(states(points) if rho is None else rho, settings, validate=False)

    return chances


def _angles(states: Callable[[NDArray[np.float64]], NDArray[np.complex128]], dimension: int) -> NDArray[np.bool_]:
    """Which coordinates make the same state at either end, wherever the others are: tried at a few points."""
    points = np.random.default_rng(0).random((8, dimension))
    found = np.empty(dimension, bool)
    for axis in range(dimension):
        low, high = points.copy(), points.copy()
        low[:, axis], high[:, axis] = 0, 1
        found[axis] = np.allclose(states(low), states(high), rtol=0, atol=1e-9)
    return found


def _no_points(*_: Any) -> Any:
    raise InputError("states drawn by a function cannot be made from points")


def _drawn(draw: Draw) -> Source:
    def drawn(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
        return np.empty((n, 0)), draw(n, rng)

    return Source(None, _no_points, drawn, _read_rightly(_no_points), _no_points, np.empty(0, bool))


def _of_device(source: DeviceStates, channel: str) -> Source:
    """A family on a device. A wait is not rounded to the timing grid here, so that everything is smooth in p."""
    family, device = source.family, source.device
    errors = device.template.errors
    low = np.array([parameter.low for parameter in family.parameters])
    span = np.array([parameter.high for parameter in family.parameters]) - low
    names = [parameter.name for parameter in family.parameters]

    def prepared(points: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        return family.amplitudes(dict(zip(names, (low + points[:, :-1] * span).T, strict=True))), points[:, -1]

    def waits(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return errors.idle.wait_for(np.minimum(p, LARGEST_IDLE_STRENGTH))

    def states(points: NDArray[np.float64]) -> NDArray[np.complex128]:
        psi, p = prepared(points)
        if device.injection == "idle":
            return physics.idled(physics.density(psi, validate=False), waits(p), errors.idle)
        return CHANNELS[channel](physics.density(psi, validate=False), p, validate=False)

    def chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        psi, p = prepared(points)
        injected: dict[str, Any] = {"channel": channel, "p": p}
        if device.injection == "idle":
            injected = {"delay_dt": waits(p) / errors.dt}
        return device_probabilities(device.template, psi, settings, device.injection, **injected).mean(axis=2)

    def draw(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
        points = rng.random((n, len(names) + 1))
        return points, states(points)

    return Source(len(names) + 1, states, draw, chances, _differences(chances), _angles(states, len(names) + 1))
