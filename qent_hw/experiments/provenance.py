"""Where a run came from: versions, seeds, backend, date, git state. Nothing secret goes in."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import qent_hw
from qent_hw.hardware.device import Device
from qent_hw.physics import IdleChannel

_PACKAGES = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy", "pandas")


def provenance(backend_name: str, device: Device, seed: int, models: dict[str, Any]) -> dict[str, Any]:
    """Everything needed to know how a run was made, ready for JSON.

    Parameters
    ----------
    models
        for each estimator, what identifies the model it used.
    """
    where = origin()
    return {
        "date": where.pop("date"),
        "seed": seed,
        "backend": {
            "name": backend_name,
            "device": device.name,
            "qubits": list(device.qubits),
            **idle_facts(device.idle),
            **device.facts,
        },
        "models": models,
        **where,
    }


def origin() -> dict[str, Any]:
    """Date, versions, platform and git state."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {
            "qent-hw": qent_hw.__version__,
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
        },
        "platform": platform.platform(),
        "git": _git_state(),
    }


def idle_facts(idle: IdleChannel) -> dict[str, Any]:
    """What two qubits do while they wait, as plain values for JSON; see `idle_of`."""
    facts: dict[str, Any] = {"T1_s": _finite(idle.T1), "T2_s": _finite(idle.T2)}
    if idle.law != "exponential":
        facts["decay"] = idle.law
    if idle.turns:
        facts |= {"detuning_hz": idle.detuning.tolist(), "zz_hz": float(idle.zz)}
    return facts


def idle_of(facts: Mapping[str, Any]) -> IdleChannel:
    """The channel that `idle_facts` has told."""
    T1, T2 = ([math.inf if value is None else value for value in facts[key]] for key in ("T1_s", "T2_s"))
    detuning, zz = facts.get("detuning_hz", (0.0, 0.0)), facts.get("zz_hz", 0.0)
    return IdleChannel(np.array(T1), np.array(T2), np.array(detuning), np.array(zz), facts.get("decay", "exponential"))


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    # JSON has no infinity
    return [value if value < float("inf") else None for value in values.tolist()]


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
