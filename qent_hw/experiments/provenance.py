"""Where a run came from: versions, seeds, backend, date, git state. Nothing secret goes in."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import qent_hw
from qent_hw.hardware.device import Device

_PACKAGES = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy", "pandas")


def provenance(backend_name: str, device: Device, seed: int, models: dict[str, Any]) -> dict[str, Any]:
    """Everything needed to know how a run was made, ready for JSON.

    Parameters
    ----------
    models
        for each estimator, what identifies the model it used.
    """
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "seed": seed,
        "backend": {
            "name": backend_name,
            "device": device.name,
            "qubits": list(device.qubits),
            "T1_s": _finite(device.T1),
            "T2_s": _finite(device.T2),
            **device.facts,
        },
        "models": models,
        "versions": {
            "qent-hw": qent_hw.__version__,
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
        },
        "platform": platform.platform(),
        "git": _git_state(),
    }


def _finite(values: tuple[float, float]) -> list[float | None]:
    return [value if value < float("inf") else None for value in values]


def _git_state() -> dict[str, Any] | None:
    """Commit and cleanliness of the checkout this code runs from; None for an installed package."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain"], cwd=checkout, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "clean": not changes}
