"""Where labelled states come from: a family's states after a channel, general mixed states, or whatever else can draw
states and say how they are measured.

A family's parameters are uniform on their ranges and p ~ U[0, 1] (arXiv:2410.21504v2, Sec. III). General mixed states
(Sec. III.C) stand beside the families: they pass through no channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.circuits import Family, load_family
from qent_hw.physics.settings import FEATURES
from qent_hw.physics.spectra import singular_value_spectrum
from qent_hw.physics.states import Spectrum

# Both qubits get the same p ("global dephasing", Eq. 4-6; depolarizing, Eq. 13).
CHANNELS: dict[str, Callable[..., NDArray[np.complex128]]] = {
    "dephasing": physics.dephase,
    "depolarizing": physics.depolarize,
}

# General mixed states as a source by name, beside the families; and their channel: they are mixed from the start.
GENERAL_MIXED, NO_CHANNEL = "general_mixed", "none"


class Drawn(Protocol):
    """n states, and what measuring them gives."""

    @property
    def truth(self) -> NDArray[np.complex128]:
        """(n, 4, 4) the exact states, which decide the labels."""
        ...

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(n, n_features) what infinitely many shots give."""
        ...

    def probabilities(self, settings: Sequence[str]) -> NDArray[np.float64]:
        """(n, n_settings, n_parts, 4) of ++, +−, −+, −−; a setting's shots are shared out evenly among its parts."""
        ...


class StateSource(Protocol):
    """What draws states."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that its states can pass through."""
        ...

    def draw(self, channel: str, n: int, rng: np.random.Generator) -> Drawn:
        """`n` random states after the channel; the rest of the generator's stream may sample their counts."""
        ...


@dataclass(frozen=True)
class ExactStates:
    """States measured without any error: the features and outcomes are those of the truth, (n, 4, 4)."""

    truth: NDArray[np.complex128]

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """See `Drawn`."""
        return physics.features(self.truth, validate=False)[:, [FEATURES.index(name) for name in names]]

    def probabilities(self, settings: Sequence[str]) -> NDArray[np.float64]:
        """See `Drawn`."""
        return physics.outcome_probabilities(self.truth, settings, validate=False)[:, :, None]


@dataclass(frozen=True)
class FamilyStates:
    """A family's random states."""

    family: Family

    @property
    def channels(self) -> tuple[str, ...]:
        """See `StateSource`."""
        return tuple(CHANNELS)

    def draw(self, channel: str, n: int, rng: np.random.Generator) -> ExactStates:
        """See `StateSource`."""
        values, p = draw_parameters(self.family, n, rng)
        # made by our own circuit, so that nothing is left to validate
        rho = physics.density(self.family.amplitudes(values), validate=False)
        return ExactStates(CHANNELS[channel](rho, p, validate=False))


@dataclass(frozen=True)
class GeneralMixed:
    """General two-qubit mixed states ρ = U Λ U† (Sec. III.C): Haar-random U, eigenvalues drawn by `spectrum`."""

    spectrum: Spectrum

    @property
    def channels(self) -> tuple[str, ...]:
        """See `StateSource`."""
        return (NO_CHANNEL,)

    def draw(self, channel: str, n: int, rng: np.random.Generator) -> ExactStates:
        """See `StateSource`."""
        # A seed of their own for the states: they must not share the random numbers that sample their counts.
        (seed,) = cast(np.random.SeedSequence, rng.bit_generator.seed_seq).spawn(1)
        return ExactStates(physics.random_mixed(n, self.spectrum, seed))


def state_source(source: str | Family | StateSource) -> StateSource:
    """A family, by its name or path, as a source of its states; a source as it is.

    "general_mixed" names general mixed states of the spectrum law that the figures of general mixed states are made
    with, see `physics.spectra`. Raises InputError for an unknown family.
    """
    if source == GENERAL_MIXED:
        return GeneralMixed(singular_value_spectrum())
    family = load_family(source) if isinstance(source, str) else source
    return FamilyStates(family) if isinstance(family, Family) else family


def source_name(source: str) -> str:
    """What models of a source of states call it: the name that its family gives itself. Raises InputError as above."""
    return source if source == GENERAL_MIXED else load_family(source).name


def draw_parameters(
    family: Family, n: int, rng: np.random.Generator
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The family's parameters by name, and the strength p, of `n` random states, each (n,)."""
    return family.draw(n, rng), rng.uniform(size=n)
