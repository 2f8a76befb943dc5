"""What a backend published of a pair is in the run's folder, and everything that simulates the device goes by it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tomli_w
from qiskit_ibm_runtime import fake_provider

from qent_hw.circuits.template import timing_grid, transpile_template
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.device_file import device_document, device_of_document
from qent_hw.hardware.device import cut_device
from qent_hw.simulation.errors import device_errors
from tests.experiments.remote.conftest import CARD


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeSherbrooke", "FakeTorino", "FakeFez"])
def test_a_device_is_the_same_after_it_was_a_file(name):
    before = cut_device(getattr(fake_provider, name)())
    after = device_of_document(json.loads(json.dumps(device_document(before))))
    assert (after.name, after.qubits, after.facts) == (before.name, before.qubits, before.facts)
    assert after.target.operation_names == before.target.operation_names
    errors, found = device_errors(before.target), device_errors(after.target)
    assert errors.gates.keys() == found.gates.keys()
    assert len(errors.gates) >= 4
    assert all(np.array_equal(errors.gates[key], found.gates[key]) for key in errors.gates)
    assert np.array_equal(errors.readout, found.readout)
    assert (errors.dt, timing_grid(before.target)) == (found.dt, timing_grid(after.target))
    for one in ("T1", "T2", "detuning", "zz"):
        assert np.array_equal(getattr(before.idle, one), getattr(after.idle, one))
    circuits = [transpile_template(device.target) for device in (before, after)]
    assert [one.operation.name for one in circuits[0]] == [one.operation.name for one in circuits[1]]
    assert circuits[0].estimate_duration(before.target) == circuits[1].estimate_duration(after.target)


def test_estimators_that_simulate_the_device_judge_its_counts(call, ibm, tmp_path):
    """And the alarm knows the device: without it, the counts of most states would not fit (misreadings of 2 to 5%)."""
    wanted = {**CARD, "shots": 1024, "estimators": ["bell8", "bayes", "likelihood"]}
    content = {**wanted, "states": {"kind": "random", "n": 60}}
    (tmp_path / "card.toml").write_text(tomli_w.dumps(content))
    assert call("run", tmp_path / "card.toml", "--yes", "--out", tmp_path / "run")[0] == 0
    comparison = json.loads((tmp_path / "run" / "comparison.json").read_text())
    assert set(comparison["estimators"]) == {"bell8", "bayes", "likelihood"}
    # of 60 states at 1%: more than 7 has a chance below 1e-6
    assert comparison["alarm"]["fired"] <= 7
    assert comparison["estimators"]["bayes"]["accuracy"] > 0.8
    estimates = pd.read_parquet(tmp_path / "run" / "estimates.parquet")
    assert estimates["fit_p"].notna().all()
    submission = folders.load(tmp_path / "run")
    assert submission.device.facts["pair_chosen"] == submission.provenance["backend"]["pair_chosen"]
