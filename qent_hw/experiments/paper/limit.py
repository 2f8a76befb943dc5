"""The best that any model can do from a set of features: the ceiling under which the networks' curves run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from qent_hw.estimators.limits import bayes_limit


def perform(
    definition: Mapping[str, Any], tell: Callable[[float], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """`entangled` and `concurrence`, a Score each: the Bayes-optimal accuracy and R² from noiseless features."""
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
    return {
        "entangled": {"value": found.accuracy, "standard_error": found.accuracy_se, "n_states": found.n_states},
        "concurrence": {"value": found.r2, "standard_error": found.r2_se, "n_states": found.n_states},
    }, {}


def seconds(definition: Mapping[str, Any]) -> float:
    """About how long it takes."""
    return float(definition["n"]) * (1e-3 + 4e-5 * len(definition["features"]))
