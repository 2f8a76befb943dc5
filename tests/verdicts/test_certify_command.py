"""`qent-hw certify` as typed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from qent_hw.estimators.situation import measured
from qent_hw.estimators.sources import ExactStates
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS
from tests.verdicts.test_reach import werner


@pytest.fixture
def counts_file(tmp_path):
    """Counts of a singlet in white noise, entangled ("good") and separable ("bad"), in these settings."""

    def write(settings):
        drawn = ExactStates(werner([0.9, 0.2]))
        values = measured(drawn, settings, 500 * len(settings), np.random.default_rng(51)).values
        rows = [
            {"state": state, "setting": setting, **dict(zip(("n_pp", "n_pm", "n_mp", "n_mm"), seen, strict=True))}
            for state, each in zip(("good", "bad"), values, strict=True)
            for setting, seen in zip(settings, each, strict=True)
        ]
        path = tmp_path / f"{len(settings)}.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        return path

    return write


def test_a_table_and_what_it_assumes(call, counts_file):
    status, out, _ = call("certify", "--counts", counts_file(ALL_SETTINGS))
    assert status == 0
    assert [line.split()[-1] for line in out.splitlines()[1:3]] == ["certified", "no"]
    assert "nothing is misread" in out
    assert "family" not in out
    assert "warning" not in out


def test_json_is_all_there_is(call, counts_file):
    arguments = ("certify", "--counts", counts_file(ALL_SETTINGS), "--alpha", "0.001", "--json", "--seed", "4")
    status, out, _ = call(*arguments)
    assert status == 0
    found = json.loads(out)
    assert found["alpha"] == 0.001
    good, bad = found["certificates"]
    assert (good["state"], good["certified"], bad["state"], bad["certified"]) == ("good", True, "bad", False)
    assert good["p_value"] == pytest.approx(10 ** -good["log10_evidence"])
    assert bad["p_value"] == 1.0
    assert call(*arguments)[1] == out


def test_settings_that_certify_nothing_of_a_family_are_called_so(call, counts_file):
    path = counts_file(BELL_SETTINGS)
    status, out, _ = call("certify", "--counts", path, "--family", "special_four_basis")
    assert status == 0
    assert "warning: the settings xa, xb, ya, yb can certify none of" in out
    assert "the family lends power" in out
    assert "warning" not in call("certify", "--counts", path, "--family", "general_four_basis")[1]


def test_a_qubit_along_one_axis_is_warned_of_without_a_family(call, counts_file):
    _, out, _ = call("certify", "--counts", counts_file(("xa", "xb", "xz")))
    assert "warning: the settings xa, xb, xz measure a qubit along one axis alone" in out
    assert "warning" not in call("certify", "--counts", counts_file(("xa", "yb")))[1]


def test_a_record_says_how_outcomes_are_read(call, counts_file, tmp_path):
    record = tmp_path / "torino.json"
    assert call("calibrate", "--backend", "fake_torino", "--from-properties", "--out", record, "--quiet")[0] == 0
    status, out, _ = call("certify", "--counts", counts_file(ALL_SETTINGS), "--record", record)
    assert status == 0
    assert "the readout matrix is the record's" in out


def test_what_settings_can_certify(call):
    status, out, _ = call("certify", "--settings", "xa,xb,ya,yb", "--family", "special_four_basis")
    assert status == 0
    assert "xa, xb, ya, yb" in out
    assert "0.0 ±" in out
    assert "no number" in out
    status, out, _ = call("certify", "--settings", ",".join(ALL_SETTINGS), "--family", "two_basis", "--json")
    found = json.loads(out)
    assert found["addition"] is None
    assert found["reach"]["share"] > 0.98
    assert found["reach"]["median_shots"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either --counts or --settings"),
        (("--counts", "a.csv", "--settings", "zz"), "give either --counts or --settings"),
        (("--settings", "zz"), "say of which states, with --family"),
        (("--settings", "zq", "--family", "two_basis"), "setting 'zq' is unknown"),
        (("--counts", "none.csv"), "none.csv: cannot be read"),
        (("--counts", "none.csv", "--alpha", "1.5"), "alpha = 1.5: the chance of a false certificate"),
        (("--settings", "zz", "--family", "two_basis", "--channel", "loss"), "channel = 'loss': these states pass"),
        (("--settings", "zz", "--family", "two_basis", "--record", "none.json"), "none.json"),
    ],
)
def test_bad_input_ends_in_one_line(call, arguments, said):
    status, _, err = call("certify", *arguments)
    assert status == 2
    assert said in err.splitlines()[-1]
