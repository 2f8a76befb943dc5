"""Labelled states to train and test on: random states of some source, as features and with the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.circuits import Family
from qent_hw.errors import InputError
from qent_hw.estimators.averages import averages_from_counts, feature_of
from qent_hw.estimators.sources import (
    CHANNELS,
    NO_CHANNEL,
    Drawn,
    FamilyStates,
    GeneralMixed,
    StateSource,
    draw_parameters,
    state_source,
)
from qent_hw.physics.counts import Counts, evenly, sample_counts
from qent_hw.physics.settings import settings_for
from qent_hw.seeds import fresh_seed

__all__ = [
    "CHANNELS",
    "NO_CHANNEL",
    "GeneralMixed",
    "LabelledStates",
    "Shots",
    "Source",
    "drawn_parameters",
    "labelled_states",
    "labelled_states_at",
    "stream_labelled_states",
]

# Shots per setting: a number for all states (inf = exact features), or a range in which every state draws its own.
Shots = float | tuple[int, int]

# A fixed size: each chunk has its own seed, so it is part of what a seed means and must not follow the memory at hand.
_CHUNK = 16384


# What random states are drawn from: a family by name or path, a family, or another source such as general mixed states.
Source = str | Family | StateSource


@dataclass(frozen=True)
class LabelledStates:
    """n states: features or other averages (n, k), shots per setting (n,) float64 (inf where exact), the PPT label
    `entangled` (n,) bool and the concurrence (n,). Features and concurrence are float64 in a stream, float32 in a whole
    set."""

    features: NDArray[np.floating]
    shots: NDArray[np.float64]
    entangled: NDArray[np.bool_]
    concurrence: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice) -> LabelledStates:
        return LabelledStates(self.features[rows], self.shots[rows], self.entangled[rows], self.concurrence[rows])


def labelled_states(
    family: Source,
    channel: str,
    features: Sequence[str],
    n: int,
    seed: int | np.random.SeedSequence,
    shots: Shots = np.inf,
) -> LabelledStates:
    """`n` random states of the family after the channel, with the named features of Table I.

    features: or averages of single settings such as `x1@xa`, see `averages`, which are told apart at finite shots.
    shots: per setting; a range (low, high) draws a whole number log-uniform for every state. Features at finite shots
    are averages of sampled counts in the settings the features need. General mixed states take the channel "none" and
    no other. Raises InputError for an unknown family, channel or feature, and for shots below 1.
    """
    return labelled_states_at(family, channel, features, n, seed, [shots])[0]


def labelled_states_at(
    family: Source,
    channel: str,
    features: Sequence[str],
    n: int,
    seed: int | np.random.SeedSequence,
    shots: Sequence[Shots],
) -> list[LabelledStates]:
    """The same states measured independently with each entry of `shots`; otherwise as `labelled_states`."""
    wholes = [
        LabelledStates(
            np.empty((n, len(tuple(features))), np.float32), np.empty(n), np.empty(n, bool), np.empty(n, np.float32)
        )
        for _ in shots
    ]
    start = 0
    for parts in stream_labelled_states(family, channel, features, n, seed, shots):
        rows = slice(start, start + len(parts[0]))
        for whole, part in zip(wholes, parts, strict=True):
            for field in LabelledStates.__dataclass_fields__:
                getattr(whole, field)[rows] = getattr(part, field)
        start = rows.stop
    return wholes


def stream_labelled_states(
    family: Source,
    channel: str,
    features: Sequence[str],
    n: int,
    seed: int | np.random.SeedSequence,
    shots: Sequence[Shots] = (np.inf,),
) -> Iterator[list[LabelledStates]]:
    """The states of `labelled_states_at`, chunk after chunk, one entry for each of `shots`: any n in bounded memory."""
    names = tuple(features)
    told = tuple(dict.fromkeys(map(feature_of, names)))
    settings, places = settings_for(told), [told.index(feature_of(name)) for name in names]
    for entry in shots:
        low, high = entry if isinstance(entry, tuple) else (entry, entry)
        if not 1 <= low <= high or any(np.isfinite(end) and end != round(end) for end in (low, high)):
            raise InputError(
                f"shots: {entry!r}; must be whole numbers of at least 1 (or inf), and a range must not fall"
            )
    sampled = any(np.isfinite(entry).all() for entry in shots)
    for states, rng in _chunks(family, channel, n, seed):
        entangled = physics.is_entangled(states.truth, validate=False)
        concurrence = physics.concurrence(states.truth, validate=False)
        probabilities = states.probabilities(settings) if sampled else None
        parts = []
        for entry in shots:
            per_setting = _draw_shots(entry, len(entangled), rng)
            if probabilities is None or np.isinf(per_setting[0]):
                values = states.features(told)[:, places]
            else:
                counts = _sample(probabilities, per_setting.astype(np.int64), rng)
                values = averages_from_counts(Counts(settings, counts), names)
            parts.append(LabelledStates(values, per_setting, entangled, concurrence))
        yield parts


def drawn_parameters(
    family: Source, channel: str, n: int, seed: int | np.random.SeedSequence
) -> dict[str, NDArray[np.float64]]:
    """The family's parameters and the strength `p`, each (n,), of the states that `labelled_states` draws for the same
    arguments; without making the states. Raises InputError as there, and for a source that is no family."""
    source = state_source(family)
    if not isinstance(source, FamilyStates):
        raise InputError("family: only the states of a family have parameters")
    _check_channel(source, channel)
    draws = [draw_parameters(source.family, size, np.random.default_rng(own)) for own, size in _chunk_seeds(n, seed)]
    parts = [{**values, "p": p} for values, p in draws]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _chunks(
    family: Source, channel: str, n: int, seed: int | np.random.SeedSequence
) -> Iterator[tuple[Drawn, np.random.Generator]]:
    source = state_source(family)
    _check_channel(source, channel)
    for own, size in _chunk_seeds(n, seed):
        rng = np.random.default_rng(own)
        yield source.draw(channel, size, rng), rng


def _check_channel(source: StateSource, channel: str) -> None:
    if channel not in source.channels:
        raise InputError(f"channel: {channel!r}; it must be one of {', '.join(source.channels)}")


def _chunk_seeds(n: int, seed: int | np.random.SeedSequence) -> Iterator[tuple[np.random.SeedSequence, int]]:
    if n < 1:
        raise InputError(f"states: {n}; there must be at least 1")
    for start in range(0, n, _CHUNK):
        yield fresh_seed(seed, start // _CHUNK), min(_CHUNK, n - start)


def _sample(
    probabilities: NDArray[np.float64], shots: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Counts (n, n_settings, 4) from (n, n_settings, n_parts, 4) and shots per setting (n,)."""
    n_parts = probabilities.shape[2]
    if shots.min() < n_parts:
        raise InputError(f"shots: {shots.min()} per setting; a twirl needs at least {n_parts}, one for each sign pair")
    return sample_counts(probabilities, evenly(shots, n_parts)[:, None], rng).sum(axis=2)


def _draw_shots(shots: Shots, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if not isinstance(shots, tuple):
        return np.full(n, float(shots))
    low, high = shots
    return np.clip(np.round(np.exp(rng.uniform(np.log(low), np.log(high), n))), low, high)
