"""When does a two-qubit state lose its entanglement? Specialised models for one circuit on one device.

Importing this package loads nothing heavy: the names below are imported from their modules at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qent_hw.estimators import ConcurrenceRegressor, EntanglementClassifier
    from qent_hw.experiments import Experiment

__all__ = ["ConcurrenceRegressor", "EntanglementClassifier", "Experiment", "__version__"]

__version__ = "0.1.0"

_HOME = {
    "ConcurrenceRegressor": "qent_hw.estimators",
    "EntanglementClassifier": "qent_hw.estimators",
    "Experiment": "qent_hw.experiments",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module at first use (PEP 562) and keep it, so that this runs once per name."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
