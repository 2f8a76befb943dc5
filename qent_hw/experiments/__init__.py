"""Runcards, running them, and comparing what was estimated with the exact truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qent_hw.experiments.run import Experiment, Run

__all__ = ["Experiment", "Run"]


def __getattr__(name: str) -> object:
    """The names of `__all__` at first use (PEP 562): they bring Qiskit with them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qent_hw.experiments import run

    return getattr(run, name)
