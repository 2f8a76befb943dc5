"""The feature sets of the figures: the first k of Table I, and named ones with what they cost in circuits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qent_hw.errors import InputError
from qent_hw.physics.settings import FEATURE_SETS, FEATURES

TABLE = "table"

NAMED: Mapping[str, tuple[str, ...]] = {**FEATURE_SETS, "two_settings": ("xa", "yb", "x1", "y1", "1a", "1b")}
"""The feature sets of the models, and two settings with the single-qubit averages that come with them."""


def feature_sets(wanted: str | Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Label -> features: for "table" the first 1, 2, … 15 of Table I, labelled "1", "2", …; otherwise named sets.

    Raises InputError for an unknown name.
    """
    if wanted == TABLE:
        return {str(k): FEATURES[:k] for k in range(1, len(FEATURES) + 1)}
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in NAMED:
            raise InputError(f"features: {name!r}; it must be {TABLE!r} or a list of {', '.join(NAMED)}")
    return {name: NAMED[name] for name in names}
