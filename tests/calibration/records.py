"""A device record to test with: nothing in it is what fake_manila publishes, and no two values are alike."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from qent_hw.calibration.record import DeviceRecord

QUBITS = (3, 4)
DT, GRID = 2 / 9 * 1e-9, 16
T1, T2 = np.array([120e-6, 70e-6]), np.array([60e-6, 40e-6])
DETUNING, ZZ = np.array([900.0, -600.0]), 400.0
# A[measured, prepared] over ++, +−, −+, −−, first sign first qubit; not a product, and no two entries alike
ASSIGNMENT = np.array(
    [
        [0.955, 0.061, 0.082, 0.011],
        [0.024, 0.921, 0.014, 0.093],
        [0.017, 0.008, 0.899, 0.052],
        [0.004, 0.010, 0.005, 0.844],
    ]
)


def content(**changes: Any) -> dict[str, Any]:
    """What the record's file holds, made `hours_ago` (0 where not said); other changes replace whole entries."""
    made = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=changes.pop("hours_ago", 0))
    return {
        "schema": 1,
        "backend": "aer:fake_manila",
        "device": "fake_manila",
        "qubits": list(QUBITS),
        "date": made.isoformat(),
        "source": "measured",
        "snapshot": "2024-05-27T15:27:23-03:00",
        "shots": 4096,
        "seed": 7,
        "dt_s": DT,
        "timing_grid_dt": GRID,
        "idle": {
            "T1_s": [{"value": one, "error": 0.02 * one} for one in T1.tolist()],
            "T2_s": [{"value": one, "error": 0.03 * one} for one in T2.tolist()],
            "detuning_hz": [{"value": one, "error": 40.0} for one in DETUNING.tolist()],
            "zz_hz": {"value": ZZ, "error": 50.0},
            "decay": "exponential",
            "evidence": "exponential fits better than gaussian, χ² lower by 120.0",
        },
        "readout": {
            "kind": "correlated",
            "assignment": ASSIGNMENT.tolist(),
            "errors": np.sqrt(ASSIGNMENT * (1 - ASSIGNMENT) / 4096).tolist(),
            "shots": 4096,
        },
        "fits": [
            {
                "name": "T1",
                "qubits": [3],
                "good": True,
                "chi2_per_dof": 1.04,
                "figures": {"T1_s": {"value": 1.2e-4, "error": 2.4e-6}},
            }
        ],
        "counts": [{"experiment": "T1", "qubits": [3], "delay_s": [0.0], "counts": [95, 4001]}],
        "versions": {"qent-hw": "0"},
    } | changes


def a_record(**changes: Any) -> DeviceRecord:
    """The record of `content`."""
    return DeviceRecord.model_validate(content(**changes))
