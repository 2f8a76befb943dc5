"""Counts: what a backend returns, how they are sampled, and the features they give with their standard errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError
from qent_hw.physics.batches import first_index, subscript
from qent_hw.physics.settings import ALL_SETTINGS, check_features, check_settings, gives

_PROBABILITY_TOLERANCE = 1e-8
# The value of a feature at the outcomes ++, +-, -+, --.
_SIGNS = {
    "correlation": np.array([1, -1, -1, 1]),
    "qubit 1": np.array([1, 1, -1, -1]),
    "qubit 2": np.array([1, -1, 1, -1]),
}


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each outcome was seen: `values` (n_states, n_settings, 4) int64, outcomes ++, +-, -+, --.

    The first sign is qubit 1; the second axis follows `settings`. The array is copied and made read-only. Raises
    InputError for an unknown or repeated setting, a shape that does not fit, values that are no non-negative whole
    numbers, and a state and setting without a single shot.
    """

    settings: tuple[str, ...]
    values: NDArray[np.int64]

    def __post_init__(self) -> None:
        settings = check_settings(self.settings)
        values = _whole_numbers("counts", self.values)
        if values.ndim != 3 or values.shape[1:] != (len(settings), 4):
            raise InputError(
                f"counts have shape {values.shape}: must be (n_states, {len(settings)}, 4) for these settings"
            )
        negative = values < 0
        if negative.any():
            index = first_index(negative)
            raise InputError(f"{subscript('counts', index)} = {values[index]}: must be 0 or more")
        empty = values.sum(axis=-1) == 0
        if empty.any():
            state, k = first_index(empty)
            raise InputError(f"counts of state {state}, setting {settings[k]!r} hold no shot: must hold at least one")
        values.flags.writeable = False
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "values", values)

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of every state and setting, (n_states, n_settings)."""
        return self.values.sum(axis=-1)


def evenly(shots: ArrayLike, n_parts: int) -> NDArray[np.int64]:
    """Whole numbers of shots (...) shared out over parts -> (..., n_parts): what does not divide goes to the first."""
    whole = np.asarray(shots, dtype=np.int64)[..., None]
    return whole // n_parts + (np.arange(n_parts) < whole % n_parts)


def sample_counts(probabilities: ArrayLike, shots: ArrayLike, rng: np.random.Generator) -> NDArray[np.int64]:
    """Multinomial counts: probabilities (..., 4) and shots that broadcast against (...) -> (..., 4) int64.

    With (n_states, n_settings, 4) from `outcome_probabilities`, shots may be one number, (n_settings,), (n_states,
    1) or (n_states, n_settings). Rounding errors of the probabilities (up to 1e-8 below zero or off a sum of one)
    are cleared. Raises InputError naming a probability or a shot number that is out of range.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] != 4:
        raise InputError(f"probabilities have shape {p.shape}: must be (..., 4)")
    total = p.sum(axis=-1)
    bad = ~((p >= -_PROBABILITY_TOLERANCE).all(axis=-1) & (np.abs(total - 1) <= _PROBABILITY_TOLERANCE))
    if bad.any():
        index = first_index(bad)
        raise InputError(
            f"{subscript('probabilities', index)} = {p[index].tolist()}: must be non-negative with sum one"
        )
    number = _whole_numbers("shots", shots)
    few = number < 1
    if few.any():
        index = first_index(few)
        raise InputError(f"{subscript('shots', index)} = {number[index]}: must be 1 or more")
    try:
        number = np.broadcast_to(number, p.shape[:-1])
    except ValueError:
        raise InputError(f"shots have shape {number.shape}: must broadcast against {p.shape[:-1]}") from None
    p = np.maximum(p, 0.0)
    return rng.multinomial(number, p / p.sum(axis=-1, keepdims=True))


def features_from_counts(
    counts: Counts, names: Iterable[str], assignment: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(values, standard errors) of the named features, each (n_states, n_features).

    Without an assignment a value m is the plain average of outcomes ±1 over all N shots that tell: those of its own
    setting for a correlation, and for a single-qubit average those of every measured setting with that axis, pooled.
    The standard error is √((1 - m'²)/(N + 3)) with m' = m N/(N + 2): the standard deviation of m after N shots under a
    uniform prior (Laplace's rule of succession). It is √((1 - m²)/N) for many shots, and stays near 2/N where all
    outcomes were equal instead of claiming certainty. Features computed from the same shots have correlated errors.

    assignment: (4, 4) probabilities A[measured, prepared] of outcomes ++, +-, -+, --, whose columns sum to one. The
    features are then those of the quasi-probabilities A⁻¹ (counts / N), which may be negative: unbiased, with the
    errors that A⁻¹ makes larger, and not confined to [-1, 1]. The error of A itself is not in them.

    Raises InputError naming an unknown feature, or one that these settings do not give and the settings that would.
    """
    wanted = check_features(names)
    values = np.empty((len(counts.values), len(wanted)))
    errors = np.empty_like(values)
    for column, feature in enumerate(wanted):
        pooled = counts.values[:, _telling(counts.settings, feature)].sum(axis=1)
        shots = pooled.sum(axis=-1)
        worth = _signs(feature) if assignment is None else np.linalg.solve(assignment.T, _signs(feature))
        values[:, column] = (pooled @ worth) / shots
        smoothed = (pooled + 0.5) / (shots + 2)[:, None]
        errors[:, column] = np.sqrt((smoothed @ worth**2 - (smoothed @ worth) ** 2) / (shots + 3))
    return values, errors


def features_from_frequencies(
    frequencies: ArrayLike, settings: Iterable[str], names: Iterable[str]
) -> NDArray[np.float64]:
    """The named features of outcome frequencies or probabilities (n_states, n_settings, 4): (n_states, n_features).

    As `features_from_counts` with equally many shots in each setting. Raises InputError as there.
    """
    measured, wanted = check_settings(settings), check_features(names)
    shares = np.asarray(frequencies, dtype=np.float64)
    values = np.empty((len(shares), len(wanted)))
    for column, feature in enumerate(wanted):
        values[:, column] = shares[:, _telling(measured, feature)].mean(axis=1) @ _signs(feature)
    return values


def _telling(settings: tuple[str, ...], feature: str) -> list[int]:
    """Which of the settings give the feature; raises InputError if none does, naming those that would."""
    telling = [k for k, setting in enumerate(settings) if gives(setting, feature)]
    if not telling:
        would = " or ".join(setting for setting in ALL_SETTINGS if gives(setting, feature))
        raise InputError(
            f"feature {feature!r} cannot be computed from the settings {', '.join(settings)}: it needs {would}"
        )
    return telling


def _signs(feature: str) -> NDArray[np.int64]:
    if feature[1] == "1":
        return _SIGNS["qubit 1"]
    return _SIGNS["qubit 2"] if feature[0] == "1" else _SIGNS["correlation"]


def _whole_numbers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """A fresh int64 array, from integers or from floats that hold whole numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} must be whole numbers, got {array.dtype}")
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    bad = whole != array
    if np.any(bad):
        index = first_index(np.asarray(bad))
        raise InputError(f"{subscript(name, index)} = {array[index]}: must be a whole number")
    return whole
