"""The best that any model can do from a set of features: the ceiling under which the networks' curves run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from qent_hw.estimators.limits import bayes_limit


def perform(
    definition: Mapping[str, Any], tell: Callable[[float], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """`limit`, a Score: the Bayes-optimal accuracy or R² from noiseless features."""
    states = definition["states"]
    found = bayes_limit(
        states["family"],
        states["channel"],
        definition["features"],
        n=definition["n"],
        pool=definition["pool"],
        seed=definition["seed"],
    )
    tell(1.0)
    value, error = (
        (found.accuracy, found.accuracy_se) if definition["target"] == "entangled" else (found.r2, found.r2_se)
    )
    return {"limit": {"value": value, "standard_error": error, "n_states": found.n_states}}, {}


def seconds(definition: Mapping[str, Any]) -> float:
    """About how long it takes."""
    return 2e-3 * float(definition["n"])
