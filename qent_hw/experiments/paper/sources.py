"""What states a task draws from, as plain data: a family after a channel, or general mixed states with a spectrum law.

`{"family": "two_basis", "channel": "depolarizing"}` or `{"spectrum": {"law": "dirichlet", "alpha": 0.88}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qent_hw.errors import InputError
from qent_hw.estimators.data import NO_CHANNEL, GeneralMixed, Source
from qent_hw.physics import dirichlet_spectrum
from qent_hw.physics.spectra import powers_of_uniforms_spectrum, singular_value_spectrum
from qent_hw.physics.states import Spectrum


@dataclass(frozen=True)
class Law:
    """A law of the general mixed states' spectrum: how it is made from a card's arguments, and what it is in words."""

    make: Callable[..., Spectrum]
    words: str


SPECTRUM_LAWS: Mapping[str, Law] = {
    "dirichlet": Law(dirichlet_spectrum, "the four eigenvalues follow a Dirichlet law"),
    "singular_values": Law(
        singular_value_spectrum,
        "the four eigenvalues are normalised powers of the singular values of a Gaussian matrix, real 4×4 unless said",
    ),
    "powers_of_uniforms": Law(
        powers_of_uniforms_spectrum, "the four eigenvalues are powers of uniform random numbers, normalised"
    ),
}
"""Laws by the name a card gives them; the card's other entries are arguments."""


def spectrum(entry: Mapping[str, Any]) -> Spectrum:
    """The law that `{law = NAME, …}` means; raises InputError for an unknown law or wrong arguments."""
    arguments = dict(entry)
    law = arguments.pop("law", None)
    if law not in SPECTRUM_LAWS:
        raise InputError(f"spectrum: law is {law!r}; it must be one of {', '.join(SPECTRUM_LAWS)}")
    try:
        return SPECTRUM_LAWS[law].make(**arguments)
    except TypeError as error:
        raise InputError(f"spectrum: {error}") from None


def law_text(entry: Mapping[str, Any]) -> str:
    """An entry as a call: "dirichlet(alpha = 0.88)"."""
    arguments = ", ".join(f"{name} = {value}" for name, value in entry.items() if name != "law")
    return f"{entry['law']}({arguments})"


def source(plain: Mapping[str, Any]) -> tuple[Source, str]:
    """(family or general mixed states, channel) for `labelled_states`; raises InputError for an unknown law."""
    if "spectrum" in plain:
        return GeneralMixed(spectrum(plain["spectrum"])), NO_CHANNEL
    return plain["family"], plain["channel"]
