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
from qent_hw.estimators.pure_chances import POLAR, Polar, PureChances
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
    (points, settings) -> the chances as (n, 4 n_settings) and their derivatives (n, 4 n_settings, dimension); steering:
    the same with derivatives that may be those of like states, where these are faster; goes_round: (dimension,), which
    coordinates are angles, 0 and 1 making the same state.
    """

    dimension: int | None
    states: Callable[[NDArray[np.float64]], NDArray[np.complex128]]
    draw: Callable[[int, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.complex128]]]
    chances: Chances
    slopes: Slopes
    steering: Slopes
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
    prepared = _Prepared.of(load_family(source) if isinstance(source, str) else source)

    def states(points: NDArray[np.float64]) -> NDArray[np.complex128]:
        # made by our own family, so that nothing is left to validate
        rho = physics.density(prepared.amplitudes(points[:, :-1]), validate=False)
        return CHANNELS[channel](rho, points[:, -1], validate=False)

    if prepared.polar is None:
        return _of_cube(prepared.dimension, states, _read_rightly(states))
    pure = PureChances(prepared.polar, prepared.low, prepared.span, channel)

    def chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        return pure.values(points, settings).reshape(len(points), len(settings), 4)

    return _of_cube(prepared.dimension, states, chances, pure.slopes)


@dataclass(frozen=True)
class _Prepared:
    """What a family prepares: angles from coordinates, amplitudes from angles; of a shipped one, the polar form."""

    low: NDArray[np.float64]
    span: NDArray[np.float64]
    of_angles: Callable[[NDArray[np.float64]], NDArray[np.complex128]]
    polar: Polar | None

    @classmethod
    def of(cls, family: Family) -> _Prepared:
        names = [parameter.name for parameter in family.parameters]
        low = np.array([parameter.low for parameter in family.parameters])
        span = np.array([parameter.high for parameter in family.parameters]) - low
        if family.name in _CLOSED_FORMS and load_family(family.name).source == family.source:
            closed = _CLOSED_FORMS[family.name]
            return cls(low, span, lambda angles: closed(**dict(zip(names, angles, strict=True))), POLAR[family.name])
        return cls(low, span, lambda angles: family.amplitudes(dict(zip(names, angles, strict=True))), None)

    @property
    def dimension(self) -> int:
        """Coordinates: the angles, and the strength."""
        return len(self.low) + 1

    def amplitudes(self, coordinates: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(n, 4) of coordinates (n, k)."""
        return self.of_angles((self.low + coordinates * self.span).T)


def _of_cube(
    dimension: int,
    states: Callable[[NDArray[np.float64]], NDArray[np.complex128]],
    chances: Chances,
    slopes: Slopes | None = None,
    steering: Slopes | None = None,
) -> Source:
    def draw(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
        points = rng.random((n, dimension))
        return points, states(points)

    exact = slopes or _differences(chances)
    return Source(dimension, states, draw, chances, exact, steering or exact, _angles(states, dimension))


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

    none = np.empty(0, bool)
    return Source(None, _no_points, drawn, _read_rightly(_no_points), _no_points, _no_points, none)


def _of_device(source: DeviceStates, channel: str) -> Source:
    """A family on a device. A wait is not rounded to the timing grid here, so that everything is smooth in p."""
    prepared, device = _Prepared.of(source.family), source.device
    errors = device.template.errors
    like = source_of(source.family, channel)

    def waits(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return errors.idle.wait_for(np.minimum(p, LARGEST_IDLE_STRENGTH))

    def states(points: NDArray[np.float64]) -> NDArray[np.complex128]:
        rho, p = physics.density(prepared.amplitudes(points[:, :-1]), validate=False), points[:, -1]
        if device.injection == "idle":
            return physics.idled(rho, waits(p), errors.idle)
        return CHANNELS[channel](rho, p, validate=False)

    def chances(
        points: NDArray[np.float64], rho: NDArray[np.complex128] | None, settings: tuple[str, ...]
    ) -> NDArray[np.float64]:
        psi, p = prepared.amplitudes(points[:, :-1]), points[:, -1]
        injected: dict[str, Any] = {"channel": channel, "p": p}
        if device.injection == "idle":
            injected = {"delay_dt": waits(p) / errors.dt}
        return device_probabilities(device.template, psi, settings, device.injection, **injected).mean(axis=2)

    def steering(
        points: NDArray[np.float64], settings: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        return chances(points, None, settings).reshape(len(points), -1), like.slopes(points, settings)[1]

    return _of_cube(prepared.dimension, states, chances, steering=steering)
