"""Measurement settings and the features they give: the names of Table I.

A setting `xa` measures qubit 1 along x and qubit 2 along a. A feature is an average over outcomes ±1: `xa` is the
correlation <x⊗a>, `x1` the average <x⊗1> of qubit 1 alone, `1a` that of qubit 2. First letter = qubit 1 = left in
|ab>.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import acos, atan2, sqrt
from types import MappingProxyType

from qent_hw.errors import InputError

AXES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "x": (1.0, 0.0, 0.0),
        "y": (0.0, 1.0, 0.0),
        "z": (0.0, 0.0, 1.0),
        "a": (1 / sqrt(2), 1 / sqrt(2), 0.0),
        "b": (-1 / sqrt(2), 1 / sqrt(2), 0.0),
    }
)
"""Unit vectors on the Bloch sphere. Qubit 1 is measured along x, y, z; qubit 2 along a = (x+y)/√2, b = (-x+y)/√2, z."""

QUBIT_1_AXES = ("x", "y", "z")
QUBIT_2_AXES = ("a", "b", "z")

BELL_SETTINGS = ("xa", "xb", "ya", "yb")
"""The four CHSH settings."""

ALL_SETTINGS = ("xa", "xb", "ya", "yb", "xz", "yz", "za", "zb", "zz")
"""All nine, in the order of Table I."""

FEATURES = (*ALL_SETTINGS, "x1", "y1", "z1", "1a", "1b", "1z")
"""All fifteen, in the order of Table I."""

FEATURE_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bell4": BELL_SETTINGS,
        "bell8": (*BELL_SETTINGS, "x1", "y1", "1a", "1b"),
        "corr9": ALL_SETTINGS,
        "tomo15": FEATURES,
    }
)
"""bell4: the paper's Bell-like features. bell8: with the averages the same four circuits give for free. corr9: all
correlations. tomo15: all of Table I."""


def check_settings(settings: Iterable[str]) -> tuple[str, ...]:
    """The settings as a tuple; InputError for none, a repeated one, or an unknown one (naming the nearest valid)."""
    return _check_names("setting", settings, ALL_SETTINGS)


def check_features(features: Iterable[str]) -> tuple[str, ...]:
    """The features as a tuple; InputError for none, a repeated one, or an unknown one (naming the nearest valid)."""
    return _check_names("feature", features, FEATURES)


def gives(setting: str, feature: str) -> bool:
    """Whether counts of this setting determine this feature: each letter equal, or 1 in the feature."""
    return all(wanted in ("1", axis) for axis, wanted in zip(setting, feature, strict=True))


def settings_for(features: Iterable[str]) -> tuple[str, ...]:
    """The fewest settings, in the order of ALL_SETTINGS, from which all the features can be computed.

    A correlation needs its own setting; the average of one qubit comes free with any setting that has its axis.
    Among equally few settings, the first in that order. Raises InputError for an unknown feature.
    """
    wanted = check_features(features)
    for size in range(1, len(ALL_SETTINGS)):
        for chosen in combinations(ALL_SETTINGS, size):
            if all(any(gives(setting, feature) for setting in chosen) for feature in wanted):
                return chosen
    return ALL_SETTINGS


def features_of(settings: Iterable[str]) -> tuple[str, ...]:
    """Every feature that counts of these settings give, in the order of FEATURES. Raises InputError as above."""
    measured = check_settings(settings)
    return tuple(feature for feature in FEATURES if any(gives(setting, feature) for setting in measured))


def feature_set_name(features: Iterable[str]) -> str:
    """What these features are called in FEATURE_SETS, or their names with commas between."""
    wanted = check_features(features)
    return next((name for name, known in FEATURE_SETS.items() if known == wanted), ",".join(wanted))


def axis_angles(axis: str) -> tuple[float, float]:
    """(polar, azimuth) of an axis in radians; z has azimuth 0. Raises InputError for an unknown axis."""
    if axis not in AXES:
        raise InputError(f"axis {axis!r} is unknown: must be one of {', '.join(AXES)}")
    x, y, z = AXES[axis]
    return acos(z), atan2(y, x)


def _check_names(kind: str, names: Iterable[str], valid: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InputError(f"{kind}s = {names!r} is one string: give a list, such as [{names!r}]")
    checked = tuple(names)
    if not checked:
        raise InputError(f"no {kind} given: must be some of {', '.join(valid)}")
    for name in checked:
        if name not in valid:
            raise InputError(
                f"{kind} {name!r} is unknown: did you mean {_nearest(name, valid)!r}? ({', '.join(valid)})"
            )
    for name in checked:
        if checked.count(name) > 1:
            raise InputError(f"{kind} {name!r} is given {checked.count(name)} times: name each once")
    return checked


def _nearest(name: object, valid: tuple[str, ...]) -> str:
    """The valid name that shares most letters in place, then most letters at all (so `ax` gives `xa`)."""
    letters = str(name).lower()

    def likeness(candidate: str) -> tuple[int, int]:
        in_place = sum(a == b for a, b in zip(candidate, letters, strict=False))
        return len(set(candidate) & set(letters)), in_place

    return max(valid, key=likeness)
