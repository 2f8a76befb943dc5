"""Each fake device calibrated, and the runcard `device_models` run on it with the record, in two sets of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qent_hw.calibration.calibrate import calibrate
from qent_hw.calibration.record import read_record
from qent_hw.experiments.run import Experiment, Run
from qent_hw.experiments.runcard import load_runcard
from qent_hw.hardware import resolve_backend

DEVICES = ("fake_manila", "fake_torino", "fake_sherbrooke", "fake_marrakesh")
# 16,384 shots in all, or the next below that divide
SETTINGS: dict[str, tuple[tuple[str, ...], int]] = {
    "four": (("xa", "xb", "ya", "yb"), 4096),
    "five": (("xa", "yb", "xz", "za", "zz"), 3276),
}


def device_row(device: str, which: str, folder: Path, *, n: int | None = None) -> dict[str, Any]:
    """Calibrate, run, and tell how every estimator did; plain values for JSON.

    n: states, in place of the runcard's. The record is kept in `folder`, and made anew when older than a day.
    """
    record = folder / f"{device}.json"
    if not record.is_file() or read_record(record).age_h > 20:
        calibrate(resolve_backend(device, injection="idle")).save(record)
    settings, shots = SETTINGS[which]
    overrides: dict[str, Any] = {"settings": list(settings), "shots": shots, "backend.name": device}
    if which != "four":
        overrides["estimators"] = ["device", "bayes"]
    if n is not None:
        overrides["states.n"] = n
    run = Experiment(load_runcard("device_models", **overrides)).run(record=record)
    backend = run.provenance["backend"]
    return {
        "device": device,
        "qubits": backend["qubits"],
        "T1_s": backend["T1_s"],
        "T2_s": backend["T2_s"],
        "settings": list(settings),
        "shots": shots,
        "n_states": run.comparison["n_states"],
        "share_entangled": run.comparison["share_entangled"],
        "estimators": {
            name: {key: figures[key] for key in ("accuracy", "accuracy_se", "r2", "r2_se")} | _behind(run, name)
            for name, figures in run.comparison["estimators"].items()
        },
    }


def _behind(run: Run, name: str) -> dict[str, float]:
    """How far an estimator is behind `bayes` on the same states, with the standard error of the paired difference."""
    ours, best = (_one(run.estimates, each) for each in (name, "bayes"))
    truth, entangled = best["true_concurrence"].to_numpy(), best["true_entangled"].to_numpy()

    def right(table: pd.DataFrame) -> NDArray[np.float64]:
        verdicts: NDArray[np.float64] = ((table["call"] == "entangled").to_numpy() == entangled).astype(np.float64)
        return verdicts

    gap = right(best) - right(ours)
    squares = [(table["concurrence"].to_numpy() - truth) ** 2 for table in (ours, best)]
    worse = (squares[0] - squares[1]) / truth.var()
    root_n = np.sqrt(len(truth))
    return {
        "behind_accuracy": float(gap.mean()),
        "behind_accuracy_se": float(gap.std() / root_n),
        "behind_r2": float(worse.mean()),
        "behind_r2_se": float(worse.std() / root_n),
    }


def _one(estimates: pd.DataFrame, name: str) -> pd.DataFrame:
    return estimates[estimates["estimator"] == name].sort_values("state")
