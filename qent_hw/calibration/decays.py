"""The decays that the standard experiments measure: their curves, and the points in a record that they run through.

All have one form: after a wait t the share of an outcome is

    base + amplitude · exp(−(t/T)^exponent) · cos(2π · frequency · t + phase)

of outcome − in T1 and Ramsey experiments, of + in an echo's; only Ramsey's turns. So T is where a decay is at 1/e.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.calibration.record import Fit

RELAXATION = "T1"
RAMSEY = "T2* (Ramsey)"
HAHN = "T2 echo (Hahn)"


@dataclass(frozen=True, eq=False)
class Points:
    """Waits (n,) in seconds, the shares (n,) of the outcome after them, and one standard error."""

    wait_s: NDArray[np.float64]
    share: NDArray[np.float64]
    error: NDArray[np.float64]


def decay_curve(
    wait_s: NDArray[np.float64],
    time_s: float,
    amplitude: float,
    base: float,
    frequency_hz: float = 0.0,
    phase_rad: float = 0.0,
    exponent: float = 1.0,
) -> NDArray[np.float64]:
    """The share of the outcome after waits (n,), see the module."""
    turned = np.cos(2 * np.pi * frequency_hz * wait_s + phase_rad)
    share: NDArray[np.float64] = base + amplitude * np.exp(-((wait_s / time_s) ** exponent)) * turned
    return share


def curve_of(fit: Fit, wait_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share that a fit of a decay gives for waits (n,); `Fit.figures` must not be empty."""
    named = {name: figure.value for name, figure in fit.figures.items() if name != "detuning_hz"}
    time_s = named.pop("T1_s" if fit.name == RELAXATION else "T2_s")
    return decay_curve(wait_s, time_s, **named)


def points_of(fit: Fit, rows: Sequence[Mapping[str, Any]]) -> Points | None:
    """The points of a decay's fit among a record's counts; None where there are none."""
    waits, hits, shots = [], [], []
    for row in rows:
        if row["experiment"] != fit.name or fit.qubits[0] not in row["qubits"]:
            continue
        place = row["qubits"].index(fit.qubits[0])
        # one axis of two outcomes for each qubit
        counts = np.reshape(row["counts"], (2,) * len(row["qubits"]))
        own = np.moveaxis(counts, place, 0).reshape(2, -1).sum(axis=1)
        waits.append(row["delay_s"][place])
        hits.append(own[0 if fit.name == HAHN else 1])
        shots.append(own.sum())
    if not waits:
        return None
    n, total = np.array(hits, dtype=np.float64), np.array(shots, dtype=np.float64)
    # Jeffreys' posterior: a share that was never seen has an error too
    mean = (n + 0.5) / (total + 1)
    return Points(np.array(waits, dtype=np.float64), n / total, np.sqrt(mean * (1 - mean) / (total + 2)))
