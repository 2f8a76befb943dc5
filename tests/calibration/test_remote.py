"""Calibrating at IBM's stand-in: through jobs that are sent once, whatever stops the call."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chi2

from qent_hw.calibration.remote import forget, measure_remote, prepare_remote
from qent_hw.errors import BackendError, InputError
from qent_hw.hardware.ibm.service import Patience, connect
from qent_hw.hardware.ledger import FILE, Ledger

PATIENCE = Patience(call_s=20, transfer_s=60, tries=3, backoff_s=0.05)
SHOTS = 1000
FALSE_ALARM = 1e-6


def prepared(tmp_path, **changes):
    asked = {"name": "ibm_loopback", "qubits": None, "shots": SHOTS} | changes
    return prepare_remote(tmp_path / "jobs", connect(PATIENCE), **asked)


def test_a_stopped_calibration_goes_on_and_is_sent_once(ibm, tmp_path):
    asked = prepared(tmp_path)
    assert not asked.is_begun
    assert asked.cost.total_s > 0
    # a call that has no time to wait leaves everything in its folder
    with pytest.raises(BackendError, match="the same call goes on"):
        measure_remote(asked, connect(PATIENCE), wait_s=0)
    again = prepared(tmp_path)
    assert again.is_begun
    told = []
    record = measure_remote(again, connect(PATIENCE), wait_s=120, told=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(asked.jobs), len(asked.jobs))
    with Ledger(tmp_path / "jobs" / FILE) as ledger:
        assert len(ibm.jobs(ledger.run)) == len(asked.jobs)

    idle = asked.device.idle
    figures = [*record.idle.T1_s, *record.idle.T2_s, *record.idle.detuning_hz, record.idle.zz_hz]
    pulls = [(one.value - true) / one.error for one, true in zip(figures, [*idle.T1, *idle.T2, 0, 0, 0], strict=True)]
    assert np.sum(np.square(pulls)) < chi2.isf(FALSE_ALARM, len(pulls))
    assert record.backend == record.device == "ibm_loopback"
    assert record.qubits == list(asked.device.qubits)
    assert not record.bad_fits
    forget(again)
    assert not (tmp_path / "jobs").exists()


def test_a_folder_belongs_to_one_calibration(ibm, tmp_path):
    with pytest.raises(BackendError):
        measure_remote(prepared(tmp_path), connect(PATIENCE), wait_s=0)
    with pytest.raises(InputError, match="shots = 1000"):
        prepared(tmp_path, shots=2000)
    about = tmp_path / "jobs" / "calibration.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"backend": "ibm_other"}))
    with pytest.raises(InputError, match="backend = ibm_other"):
        prepared(tmp_path)


def test_a_failed_job_is_told_and_can_be_sent_again(ibm, tmp_path):
    ibm.fate(ends="Failed", reason="the circuits are not in the ISA", times=1)
    with pytest.raises(BackendError, match="the same call sends it once more"):
        measure_remote(prepared(tmp_path), connect(PATIENCE), wait_s=60)
    record = measure_remote(prepared(tmp_path), connect(PATIENCE), wait_s=120)
    assert record.shots == SHOTS
