"""Estimators: everything that turns counts into P(entangled) and a concurrence.

Predicting needs NumPy alone. Training (`.build`, `.training` and the scikit-learn classes) imports TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qent_hw.estimators.estimates import Estimates, Estimator
from qent_hw.estimators.model import Model
from qent_hw.estimators.network import Network
from qent_hw.estimators.neural import NeuralEstimator
from qent_hw.estimators.shipped import available_models, load_distinct_estimators, load_estimator, named_estimator

if TYPE_CHECKING:
    from qent_hw.estimators.sklearn import ConcurrenceRegressor, EntanglementClassifier

__all__ = [
    "ConcurrenceRegressor",
    "EntanglementClassifier",
    "Estimates",
    "Estimator",
    "Model",
    "Network",
    "NeuralEstimator",
    "available_models",
    "load_distinct_estimators",
    "load_estimator",
    "named_estimator",
]


def __getattr__(name: str) -> object:
    """The scikit-learn classes at first use (PEP 562): importing scikit-learn takes longer than predicting."""
    if name not in ("ConcurrenceRegressor", "EntanglementClassifier"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qent_hw.estimators import sklearn

    value: object = getattr(sklearn, name)
    globals()[name] = value
    return value
