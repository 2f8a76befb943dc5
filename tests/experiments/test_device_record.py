"""A run with a device record goes by it: truth, waits, readout, the model trained for it, the folder, the report."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from qent_hw import Experiment
from qent_hw.circuits.readout_twirl import twirled
from qent_hw.errors import InputError
from qent_hw.estimators import load_estimator
from qent_hw.estimators.averages import averages_from_counts
from qent_hw.experiments import specialise
from qent_hw.experiments.report.text import assumptions
from qent_hw.experiments.runcard import load_runcard, parse_runcard, record_choice
from qent_hw.physics import concurrence, density, idled, is_entangled, special_four_basis
from tests.calibration.records import ASSIGNMENT, DT, GRID, T1, T2, a_record, content

CARD = {
    "title": "by a record",
    "family": "special_four_basis",
    "seed": 3,
    "shots": 256,
    "states": {"kind": "random", "n": 24},
    "channel": {"p": [0.2, 0.5, 0.8]},
    "injection": {"kind": "idle"},
    "backend": {"name": "aer:fake_manila"},
}
BAD = {"name": "joint idle", "qubits": [3, 4], "good": False, "remark": "neither law describes this wait"}


@pytest.fixture
def record():
    return a_record(hours_ago=1)


@pytest.fixture
def file(tmp_path, record):
    path = tmp_path / "mine.json"
    record.save(path)
    return path


def run(record=None, **changes):
    return Experiment(parse_runcard({**CARD, **changes}, "test")).run(record=record)


def test_waits_strengths_and_truth_are_those_of_the_record(file, record):
    made = run(file)
    assert made.provenance["backend"]["qubits"] == [3, 4]
    first = made.counts.drop_duplicates("state")
    strengths = np.sort(first["p1"].unique()), np.sort(first["p2"].unique())
    # (1−p)² = exp(−τ/T2 of one − τ/T2 of the other), on the record's grid
    tau_s = np.array(
        [round(-2 * np.log(1 - p) / (1 / T2).sum() / (GRID * DT)) * GRID * DT for p in CARD["channel"]["p"]]
    )
    np.testing.assert_allclose(np.sort(first["tau_s"].unique()), tau_s, rtol=1e-9)
    np.testing.assert_allclose(strengths, 1 - np.exp(-tau_s / T2[:, None]), rtol=1e-9)
    prepared = density(special_four_basis(first["theta"].to_numpy(), first["phi"].to_numpy()))
    truth = idled(prepared, first["tau_s"].to_numpy(), record.idle.channel)
    np.testing.assert_allclose(made.plan.truth, truth, atol=1e-12)
    rows = made.estimates[made.estimates["estimator"] == "bell8"]
    assert rows["true_concurrence"].to_numpy() == pytest.approx(concurrence(truth), abs=1e-9)
    assert np.array_equal(rows["true_entangled"], is_entangled(truth))
    # what the device publishes would have given others
    published = run(backend={"name": "aer:fake_manila", "qubits": [3, 4]})
    assert np.all(np.abs(published.counts["tau_s"] / made.counts["tau_s"] - 1) > 0.02)
    assert np.abs(published.plan.truth - truth).max() > 0.02


@pytest.mark.parametrize("readout", ["plain", "twirled"])
def test_features_corrected_for_the_records_readout_stand_beside_the_others(file, readout):
    made = run(file, readout=readout, injection={"kind": "noise-model"})
    assert list(made.comparison["estimators"]) == ["bell4", "bell8", "bell4_corrected", "bell8_corrected"]
    assert sorted(made.counts["p"].unique()) == CARD["channel"]["p"]
    assignment = ASSIGNMENT if readout == "plain" else twirled(ASSIGNMENT)
    shares = made.measured.values / 256 @ np.linalg.inv(assignment).T
    for name in ("bell4", "bell8"):
        model = load_estimator(name, "special_four_basis", "dephasing").model
        plain = averages_from_counts(made.measured, model.averages)
        correlations = shares[:, :4] @ [1, -1, -1, 1]
        corrected = averages_from_counts(made.measured, model.averages, assignment)
        np.testing.assert_allclose(corrected[:, :4], correlations, atol=1e-12)
        for called, values in ((name, plain), (f"{name}_corrected", corrected)):
            p_entangled, found = model.predict(values, np.full(24, 256.0))
            rows = made.estimates[made.estimates["estimator"] == called]
            np.testing.assert_allclose(rows["concurrence"], found, atol=1e-6)
            # calibrated, which keeps the order
            order = np.argsort(p_entangled + 1e-3 * found)
            assert (np.diff(rows["p_entangled"].to_numpy()[order]) > -1e-6).all()


def test_without_a_record_nothing_is_corrected():
    made = run(injection={"kind": "noise-model"})
    assert list(made.comparison["estimators"]) == ["bell4", "bell8"]
    assert "record" not in made.provenance["backend"]


def test_the_report_and_the_provenance_tell_of_the_record(file, record):
    made = run({"file": str(file), "stale_ok": True})
    told = made.provenance["backend"]["record"]
    assert told == record.facts()
    assert made.provenance["backend"]["T1_s"] == T1.tolist()
    assert made.provenance["backend"]["detuning_hz"] == [900.0, -600.0]
    assert "The device is known by a record." in made.report
    assert (
        "T1, T2, detuning and ZZ of truth and waits, and the readout errors, are those of the record measured on"
        in (made.report)
    )
    assert record.date.isoformat(timespec="seconds").replace("T", " ") in made.report
    assert "corrects the features of bell4_corrected, bell8_corrected" in made.report
    assert "Its age was not asked about (stale_ok)." in made.report


def test_bad_fits_that_are_put_up_with_are_told(tmp_path):
    path = tmp_path / "bad.json"
    a_record(fits=[BAD]).save(path)
    with pytest.raises(InputError, match="the fit of joint idle on qubit 3,4 is bad"):
        run(path)
    made = run({"file": str(path), "bad_fit_ok": True})
    assert "in spite of bad fits (joint idle: neither law describes this wait)" in str(assumptions(made))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"backend": {"name": "aer:fake_manila", "qubits": [1, 2]}},
            "qubits 3,4 of fake_manila, not 1,2; use --qubits",
        ),
        ({"backend": {"name": "aer:fake_lima"}}, "the record is of fake_manila, and this is fake_lima"),
        (
            {"backend": {"name": "aer"}, "injection": {"kind": "noise-model"}},
            "the record is of qubits 3,4 of fake_manila",
        ),
    ],
)
def test_a_record_of_something_else_is_refused(file, changes, said):
    with pytest.raises(InputError, match=said):
        run(file, **changes)


# the model for a record


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Models of a second, in a folder of its own."""
    whole = specialise.device_blueprint

    def smaller(*arguments, **options):
        blueprint = whole(*arguments, **options, n=4000)
        short = replace(blueprint.classifier, hidden=(16,), squares=(), epochs=2)
        return replace(blueprint, classifier=short, regressor=short, n_intervals=2000, n_test=2000)

    monkeypatch.setattr(specialise, "device_blueprint", smaller)
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def test_a_model_for_the_record_is_trained_once_and_goes_into_the_folder(file, small, tmp_path, record):
    stages = []
    experiment = Experiment(parse_runcard({**CARD, "estimators": ["bell8", "device"]}, "test"))

    def with_model(path):
        return experiment.run(record=path, training=lambda what, share, remark: stages.append(what))

    made = with_model(file)
    assert list(made.comparison["estimators"]) == ["bell8", "device", "bell8_corrected"]
    assert stages
    (kept,) = (small / "runs" / "models").glob("device-*.npz")
    card = made.provenance["models"]["device"]
    assert card["device"]["record"] == record.facts()
    assert card["device"]["T1_s"] == T1.tolist()
    assert card["device"]["drift"] == 0.1
    assert card["training_shots_per_setting"] == 256
    assert "device was trained for this device." in made.report

    # the same question finds it again; another record is another question
    stages.clear()
    again = with_model(file)
    assert stages == []
    pd.testing.assert_frame_equal(again.estimates, made.estimates, check_exact=True)
    idle = content()["idle"]
    idle["T1_s"][0]["value"] *= 1.1
    a_record(hours_ago=1, idle=idle, date=content(hours_ago=1)["date"]).save(tmp_path / "other.json")
    with_model(tmp_path / "other.json")
    assert len(list(kept.parent.glob("device-*.npz"))) == 2

    # the folder holds what it takes to run it anywhere
    folder = made.save(small / "run")
    assert {"mine.json", kept.name} <= {path.name for path in folder.iterdir()}
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    shutil.rmtree(small / "runs")
    file.unlink()
    rerun = Experiment.load(moved / "runcard.toml").run()
    pd.testing.assert_frame_equal(rerun.counts, made.counts, check_exact=True)
    pd.testing.assert_frame_equal(
        rerun.estimates[rerun.estimates["estimator"] == "device"].reset_index(drop=True),
        made.estimates[made.estimates["estimator"] == "device"].reset_index(drop=True),
        check_exact=False,
    )
    assert not (small / "runs").exists()


# the command line


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(
        """
        title = "by a record"
        family = "special_four_basis"
        shots = 64
        states = { kind = "random", n = 4 }
        channel = { p = [0.3] }
        injection = { kind = "idle" }
        backend = { name = "aer:fake_manila" }
        """
    )
    return path


def test_a_stale_record_ends_in_status_2_and_nothing_is_written(call, card, tmp_path, monkeypatch):
    path = tmp_path / "old.json"
    a_record(hours_ago=30).save(path)
    monkeypatch.chdir(tmp_path)
    before = {one.name for one in tmp_path.iterdir()}
    asked = ("run", card, "--record", path, "--out", "made")
    status, out, err = call(*asked)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"record {path}: 30.0 hours old, more than 24" in err
    assert {one.name for one in tmp_path.iterdir()} == before
    assert call(*asked, "--max-age", "29.5")[0] == 2
    assert call(*asked, "--stale-ok", "--quiet") == (0, "", "")
    assert {"old.json", "report.html"} <= {one.name for one in (tmp_path / "made").iterdir()}
    written = load_runcard(tmp_path / "made" / "runcard.toml")
    assert (written.record.stale_ok, written.record.max_age_h) == (True, 24)
    assert json.loads((tmp_path / "made" / "provenance.json").read_text())["backend"]["record"]["source"] == "measured"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--record", "nowhere.json"), "record nowhere.json: cannot be read: No such file"),
        (("--record", "{card}"), "record.file = "),
        (("--max-age", "5"), "record.file is missing"),
        (("--record", "{file}", "--max-age", "0"), "record.max_age_h = 0.0: Input should be greater than 0"),
        (("--record", "{file}", "--qubits", "1,2"), "use --qubits 3,4"),
        (("--record", "{file}", "--backend", "aer:fake_lima"), "the record is of fake_manila, and this is fake_lima"),
    ],
)
def test_bad_options_about_a_record_are_one_line(call, card, file, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(
        "run",
        card,
        "--out",
        "made",
        *(one.replace("{card}", str(card)).replace("{file}", str(file)) for one in options),
    )
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (tmp_path / "made").exists()


def test_a_record_beside_its_runcard_is_found_from_anywhere(card, tmp_path, monkeypatch, record):
    record.save(tmp_path / "beside.json")
    card.write_text(card.read_text() + '\n[record]\nfile = "beside.json"\n')
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    assert Experiment.load(card).run().provenance["backend"]["record"] == record.facts()


def test_choices_about_a_record_are_checked_as_in_a_runcard():
    choice = record_choice({"file": "a.json", "max_age_h": 3})
    assert (choice.trust.max_age_h, choice.trust.stale_ok, choice.trust.bad_fit_ok) == (3, False, False)
    for entries, said in (
        ({}, "record: file is missing"),
        ({"file": "a.txt"}, "record: file = 'a.txt': a record ends in .json"),
        ({"file": "a.json", "max_age_h": float("nan")}, "record: max_age_h = nan"),
    ):
        with pytest.raises(InputError, match=said):
            record_choice(entries)


def test_what_a_backend_publishes_makes_a_record_that_changes_no_truth(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ("calibrate", "--backend", "aer:fake_manila", "--qubits", "3,4", "--from-properties", "--out", "a/b.json")
    status, out, err = call(*asked)
    assert (status, err) == (0, "")
    assert "record: a/b.json" in out
    assert (tmp_path / "a" / "b.html").stat().st_size > 5000
    by_record = run(tmp_path / "a" / "b.json")
    without = run(backend={"name": "aer:fake_manila", "qubits": [3, 4]})
    np.testing.assert_array_equal(by_record.plan.truth, without.plan.truth)
    pd.testing.assert_frame_equal(by_record.counts, without.counts, check_exact=True)
    assert "taken from what the backend publishes" in str(assumptions(by_record))
