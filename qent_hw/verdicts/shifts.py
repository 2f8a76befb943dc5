"""What may be other than assumed: shifts of a family's states and of their measurement, and which settings see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, ncx2

from qent_hw import physics
from qent_hw.circuits import Family
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import CHANNELS, Drawn, ExactStates, FamilyStates, draw_parameters, state_source
from qent_hw.physics import ALL_SETTINGS, Counts
from qent_hw.verdicts.alarm import deviances, fit_of
from qent_hw.verdicts.decision import FALSE_ALARMS

States = NDArray[np.complex128]

COMMON = ("relaxation", "misread", "rotation_x", "general_mixed")
"""Names of those that most experiments meet."""

BLIND = 0.02
"""A chance of firing, twice that of a false alarm, up to which a shift counts as not seen."""

_LOOKED_AT = 32  # states
_MANY = 10**6  # shots of a setting, in place of infinitely many
_SEED = 20241021


@dataclass(frozen=True)
class Shift:
    """One thing that is other than assumed: a name, what it is in words, and how it changes states and readout."""

    name: str
    title: str
    draw: Callable[[Family, str, int, np.random.Generator], Drawn]


@dataclass(frozen=True)
class Misread:
    """States whose outcomes are misread: `truth` (n, 4, 4), measured with A[measured, prepared] (4, 4)."""

    truth: States
    assignment: NDArray[np.float64]

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """See `Drawn`: what is misread has no exact features here; never asked for."""
        raise NotImplementedError

    def probabilities(self, settings: Sequence[str]) -> NDArray[np.float64]:
        """See `Drawn`."""
        read: NDArray[np.float64] = ExactStates(self.truth).probabilities(settings) @ self.assignment.T
        return read


def shifts(family: Family, channel: str) -> list[Shift]:
    """Those that a family under a channel may meet, each of a size that occurs."""
    found = [
        Shift("relaxation", "the qubits relax too, T1 = 1.5 T2", _relaxed),
        Shift("misread", "2% of each qubit's outcomes are misread", _misread(0.02)),
        Shift("misread_5", "5% of each qubit's outcomes are misread", _misread(0.05)),
        Shift("rotation_z", "the first qubit is turned by 0.2 rad about z", _turned(2)),
        Shift("rotation_x", "the first qubit is turned by 0.2 rad about x", _turned(0)),
        Shift("white_noise", "5% of white noise on top", _whitened),
    ]
    if channel != "dephasing":
        found = found[1:]
    if family.name != "general_four_basis":
        found.append(Shift("other_family", "states of the general 4-basis family", _others))
    return [*found, Shift("general_mixed", "general mixed states", _mixed)]


@dataclass(frozen=True)
class Sight:
    """How well the settings of an experiment see a shift.

    power: chance, on the average over states, that the alarm fires at its false-alarm rate. extra, extra_power: the
    further setting that would raise it most, at as many shots as the others, and to what; None where all are measured.
    """

    shift: Shift
    power: float
    extra: str | None
    extra_power: float

    @property
    def blind(self) -> bool:
        """Whether the settings do not see it."""
        return self.power <= BLIND


def sights(
    family: Family, channel: str, settings: tuple[str, ...], shots: int, names: Sequence[str] | None = None
) -> list[Sight]:
    """What an experiment on an ideal device would see of each shift, or of those named: settings, with `shots` in each.

    By the non-central χ² that the deviance follows at many shots; its non-centrality is that of the exact chances of
    32 states, so powers are good to some points.
    """
    wanted = tuple(one.name for one in shifts(family, channel) if names is None or one.name in names)
    powers = _powers(family, channel, wanted, settings, shots)
    others = [one for one in ALL_SETTINGS if one not in settings]
    with_one = {one: _powers(family, channel, wanted, (*settings, one), shots) for one in others}
    found = []
    for shift in shifts(family, channel):
        if shift.name in wanted:
            power, raised = powers[shift.name], {one: with_one[one][shift.name] for one in others}
            best = max(raised, key=raised.__getitem__, default=None)
            found.append(Sight(shift, power, best, power if best is None else raised[best]))
    return found


def _powers(
    family: Family, channel: str, names: tuple[str, ...], settings: tuple[str, ...], shots: int
) -> dict[str, float]:
    far, free = _far(family, channel, names, settings)
    limit = chi2.isf(FALSE_ALARMS, free)
    mean = ncx2.sf(limit, free, np.maximum(shots * far, 1e-9)).mean(axis=1)
    return dict(zip(names, map(float, mean), strict=True))


@lru_cache(maxsize=128)
def _far(
    family: Family, channel: str, names: tuple[str, ...], settings: tuple[str, ...]
) -> tuple[NDArray[np.float64], int]:
    """Deviances by a shot in every setting (n_shifts, n), and their degrees of freedom."""
    drawn = [
        one.draw(family, channel, _LOOKED_AT, np.random.default_rng(_SEED)).probabilities(settings)[:, :, 0]
        for one in shifts(family, channel)
        if one.name in names
    ]
    expected = np.rint(_MANY * np.concatenate(drawn)).astype(np.int64)
    heights, free = fit_of(Situation(FamilyStates(family), channel, _MANY * len(settings), settings))
    found = deviances(heights, Counts(settings, expected), np.random.SeedSequence(_SEED))
    return found.reshape(len(names), _LOOKED_AT) / _MANY, free


def _relaxed(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
    values, p = draw_parameters(family, n, rng)
    rho = physics.density(family.amplitudes(values), validate=False)
    # in units of T2
    wait = -np.log1p(-np.minimum(p, 1 - 1e-9))
    return ExactStates(physics.relax(rho, wait, 1.5, 1.0, validate=False))


def _misread(chance: float) -> Callable[[Family, str, int, np.random.Generator], Drawn]:
    one = np.array([[1 - chance, chance], [chance, 1 - chance]])

    def draw(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
        return Misread(_truth(family, channel, n, rng), np.kron(one, one))

    return draw


def _turned(axis: int) -> Callable[[Family, str, int, np.random.Generator], Drawn]:
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])[axis]
    half = 0.2 / 2
    turn = np.kron(np.cos(half) * np.eye(2) - 1j * np.sin(half) * pauli, np.eye(2))

    def draw(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
        return ExactStates(turn @ _truth(family, channel, n, rng) @ turn.conj().T)

    return draw


def _whitened(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
    return ExactStates(physics.depolarize(_truth(family, channel, n, rng), 0.05, validate=False))


def _others(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
    return state_source("general_four_basis").draw(channel, n, rng)


def _mixed(family: Family, channel: str, n: int, rng: np.random.Generator) -> Drawn:
    return state_source("general_mixed").draw("none", n, rng)


def _truth(family: Family, channel: str, n: int, rng: np.random.Generator) -> States:
    values, p = draw_parameters(family, n, rng)
    return CHANNELS[channel](physics.density(family.amplitudes(values), validate=False), p, validate=False)
