"""docs/device-models.md: paired differences, and a page that says what its numbers say."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qent_hw.experiments.devices.page import devices_page
from qent_hw.experiments.devices.runs import _behind


def estimates(name, verdicts, concurrence):
    n = len(verdicts)
    truth = np.linspace(0, 0.9, n)
    return pd.DataFrame(
        {
            "state": np.arange(n),
            "estimator": name,
            "call": verdicts,
            "concurrence": concurrence,
            "true_entangled": truth > 0,
            "true_concurrence": truth,
        }
    )


def test_how_far_behind_is_paired():
    n = 10
    truth = np.linspace(0, 0.9, n)
    right = np.where(truth > 0, "entangled", "separable")
    wrong_once = right.copy()
    wrong_once[3] = "separable"
    run = SimpleNamespace(
        estimates=pd.concat([estimates("device", wrong_once, truth + 0.1), estimates("bayes", right, truth)])
    )
    found = _behind(run, "device")
    assert found["behind_accuracy"] == pytest.approx(0.1)
    assert found["behind_accuracy_se"] == pytest.approx(np.sqrt(0.1 * 0.9 / n))
    assert found["behind_r2"] == pytest.approx(0.01 / truth.var())
    assert found["behind_r2_se"] == pytest.approx(0, abs=1e-12)


def score(value):
    return {"value": value, "standard_error": 0.001, "n_states": 100}


def test_the_page_tells_the_largest_gap_and_the_gain():
    figures = {"accuracy": 0.97, "accuracy_se": 0.003, "r2": 0.995, "r2_se": 0.0005}
    row = {
        "device": "fake_manila",
        "qubits": [4, 3],
        "T1_s": [1e-4, 2e-4],
        "T2_s": [4e-5, 5e-5],
        "settings": ["xa", "yb"],
        "shots": 4096,
        "n_states": 2000,
        "share_entangled": 0.35,
        "estimators": {
            name: figures
            | {"behind_accuracy": gap, "behind_accuracy_se": 0.002, "behind_r2": gap / 10, "behind_r2_se": 0.0001}
            for name, gap in (("bell8", 0.05), ("device", 0.004), ("bayes", 0.0))
        },
    }
    other = row | {"device": "fake_torino", "estimators": {**row["estimators"], "device": row["estimators"]["bell8"]}}
    drift = {
        "device": "fake_torino",
        "settings": ["xa"],
        "shots": 100,
        "n_states": 1000,
        "trained": 0.1,
        "tested": {"0": {"accuracy": score(0.98)}, "0.2": {"accuracy": score(0.96)}},
    }
    readout = {
        "device": "fake_torino",
        "qubits": [0, 1],
        "read_right": 0.8,
        "trained with them": {"accuracy": score(0.98), "r2": score(0.99)},
        "corrected": {"accuracy": score(0.975), "r2": score(0.98)},
    }
    page = devices_page({"run-a": row, "run-b": other, "drift-0.1": drift, "readout-bad": readout})
    assert "at most 5.0 ± 0.2 points of accuracy and 0.0050 ± 0.0001 of R²" in page
    assert "| `bayes`, the best these counts allow | 97.0 ± 0.3% | – | 0.9950 ± 0.0005 | – |" in page
    assert "| 10% | 98.00 ± 0.10 | 96.00 ± 0.10 |" in page
    assert "gains +0.50 ± 0.14 points on qubits 0 and 1" in page
    assert "\n\n**fake_torino**" in page
