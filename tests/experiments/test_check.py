"""`qent-hw check`: thresholds, exit status and JUnit XML."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from qent_hw.experiments.check import Finding, findings

CARD = """
title = "a small check"
family = "special_four_basis"
shots = 256
[states]
kind = "random"
n = 200
[channel]
p = [0.1, 0.5, 0.9]
"""


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    return path


def test_thresholds_that_hold_end_with_0(call, card):
    status, out, err = call("check", card, "--min-accuracy", 0.5, "--min-r2", 0.3)
    assert (status, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()] == [["holds", "bell4:"]] * 2 + [["holds", "bell8:"]] * 2


def test_a_threshold_that_is_missed_ends_with_4_and_says_by_what(call, card, tmp_path):
    status, out, err = call("check", card, "--min-accuracy", 0.5, "--min-r2", 0.9999, "--junit", tmp_path / "found.xml")
    assert status == 4
    assert "MISSED  bell8: R² 0." in out
    assert err.startswith("qent-hw: error: bell4: R² 0.")
    assert err.endswith("is below 0.9999, and 1 more\n")
    root = ElementTree.parse(tmp_path / "found.xml").getroot()
    assert root.attrib["tests"] == "4"
    assert root.attrib["failures"] == "2"
    failures = {case.attrib["name"]: case.find("failure") for case in root.iter("testcase")}
    assert failures["bell8 accuracy >= 0.5"] is None
    assert "is below 0.9999" in failures["bell8 r2 >= 0.9999"].attrib["message"]
    assert {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}["n_states"] == "200"


def test_it_runs_on_a_fake_device(call, card):
    status, out, _ = call("check", card, "--min-accuracy", 0.5, "--backend", "fake_manila", "--estimator", "bell8")
    assert status == 0
    assert out.startswith("holds   bell8: accuracy")


def test_one_estimator_can_be_asked_alone_and_the_run_kept(call, card, tmp_path):
    status, out, _ = call(
        "check", card, "--min-accuracy", 0.6, "--estimator", "bell8", "--out", tmp_path / "run", "--json"
    )
    assert status == 0
    printed = json.loads(out)
    assert printed["holds"] is True
    assert [(one["estimator"], one["metric"]) for one in printed["findings"]] == [("bell8", "accuracy")]
    kept = json.loads((tmp_path / "run" / "comparison.json").read_text())
    assert printed["findings"][0]["value"] == kept["estimators"]["bell8"]["accuracy"]
    again = call("check", tmp_path / "run", "--min-accuracy", 0.999, "--estimator", "bell8")
    assert again[0] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "check: say what is asked for, with --min-accuracy or --min-r2"),
        (["--min-accuracy", 95], "min-accuracy = 95: accuracy is between 0 and 1; ask for such as 0.9"),
        (["--min-accuracy", "nan"], "min-accuracy = nan: accuracy is between 0 and 1"),
        (["--min-r2", 0.5, "--estimator", "bell9"], "estimator 'bell9': this run has bell4, bell8"),
        (["--min-r2", 0.5, "--junit", "/nowhere/at/all.xml"], "junit = '/nowhere/at/all.xml': the folder"),
        (["--min-r2", 0.5, "--backend", "fake_manilla"], "did you mean 'fake_manila'"),
    ],
)
def test_bad_usage_is_one_line(call, card, options, message):
    status, out, err = call("check", card, *options)
    assert (status, out) == (2, "")
    assert message in err


def test_a_folder_without_a_run_and_options_for_a_finished_one(call, card, tmp_path):
    assert "no folder of a finished run" in call("check", tmp_path, "--min-r2", 0)[2]
    assert "is finished; options" in call("check", tmp_path, "--min-r2", 0, "--shots", 5)[2]


def test_a_study_is_no_runcard(call):
    status, _, err = call("check", "shot_noise", "--min-r2", 0)
    assert status == 2
    assert "is a study of many experiments; use qent-hw study" in err


def test_r2_that_is_not_defined_does_not_hold():
    comparison = {"estimators": {"bell8": {"r2": None, "r2_se": None}}}
    (found,) = findings(comparison, {"r2": 0.0})
    assert found == Finding("bell8", "r2", None, None, 0.0)
    assert not found.holds
    assert "not defined" in str(found)
