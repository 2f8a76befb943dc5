"""The counts that an estimator needs, out of those that there are."""

from __future__ import annotations

from qent_hw.errors import InputError
from qent_hw.physics.counts import Counts


def needed(counts: Counts, settings: tuple[str, ...], name: str) -> Counts:
    """The counts of `settings`, in that order, for the estimator `name`.

    Raises
    ------
    InputError
        for a setting that was not measured.
    """
    have = list(counts.settings)
    if missing := [one for one in settings if one not in have]:
        raise InputError(
            f"counts: setting {', '.join(missing)} is missing and {name} needs it; measured: {', '.join(have)}"
        )
    return Counts(settings, counts.values[:, [have.index(one) for one in settings]])
