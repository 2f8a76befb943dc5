"""The command line as a user meets it: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.calibration.records import a_record

CARD = """
title = "a small run"
family = "special_four_basis"
shots = 64
[states]
kind = "points"
points = [{ theta = "pi/2", phi = "pi/2" }]
[channel]
p = [0.1, 0.9]
"""


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    return path


def python(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)


def test_run_prints_a_table_and_where_the_report_is(call, card, tmp_path):
    status, out, err = call("run", card, "--out", tmp_path / "run")
    assert (status, err) == (0, "")
    assert "bell8" in out
    assert f"report: {tmp_path}/run/report.html" in out
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_json_is_the_comparison_and_nothing_else(call, card, tmp_path):
    status, out, err = call("run", card, "--json", "--out", tmp_path / "run", "--seed", "9", "--shots", "32")
    assert (status, err) == (0, "")
    printed = json.loads(out)
    assert printed == json.loads((tmp_path / "run" / "comparison.json").read_text())
    assert (printed["schema"], printed["seed"], printed["shots"]) == (1, 9, 32)


def test_quiet_prints_nothing(call, card, tmp_path):
    assert call("run", card, "--quiet", "--out", tmp_path / "run") == (0, "", "")


def test_without_out_each_run_gets_a_folder_of_its_own(call, card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert call("run", card, "--quiet")[0] == 0
    assert len(list((tmp_path / "runs").glob("card-*"))) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "no_such_card"], "is no file"),
        (["run", "{card}", "--backend", "fake_manilla"], "did you mean 'fake_manila'"),
        (["run", "{card}", "--backend", "ibm_torino"], "give --yes, or --dry-run"),
        (["run", "{card}", "--shots", "0"], "shots = 0"),
        (["run", "{card}", "--shots", "many"], "--shots"),
        (["run", "{card}", "--seed", "-3"], "seed = -3"),
        (["run", "{card}", "--injection", "magic"], "injection.kind = 'magic'"),
        (["run", "{card}", "--injection", "idle"], "give T1_s and T2_s"),
        (["run", "{card}", "--qubits", "0"], "qubits = '0'"),
        (["run", "{card}", "--qubits", "0,4", "--backend", "fake_manila"], "coupled to 1"),
        (["run", "{card}", "--qubits", "0,1", "--backend", "fake_kyoto"], "ecr on 1,0 has the error 1"),
        (["run", "{card}", "--out", "{card}"], "not an empty folder"),
        (["run", "{card}", "--out", "{card}/below"], "cannot be written"),
        (["run", "{card}", "--out", "/proc/none"], "cannot be written"),
        (["run"], "Missing argument"),
        (["run", "{card}", "--colour"], "--colour"),
        (["fly"], "fly"),
        (["predict", "--counts", "no.csv"], "no.csv"),
        (["predict", "--counts", "{card}"], "ending '.toml' is not known"),
    ],
)
def test_bad_input_ends_in_one_line_status_2_and_nothing_written(
    call, card, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*(part.replace("{card}", str(card)) for part in arguments))
    assert (status, out) == (2, "")
    assert err.startswith("qent-hw: error: ")
    assert err.count("\n") == 1
    assert complaint in err
    written = {path.name for path in tmp_path.rglob("*")} - {"card.toml", "runs"}
    assert written == set()


@pytest.mark.parametrize("wrong", ["p = [0.1, 1.2]", "p = [nan]", 'p = "all"'])
def test_impossible_strengths_in_a_runcard(call, card, wrong):
    card.write_text(CARD.replace("p = [0.1, 0.9]", wrong))
    status, _, err = call("run", card)
    assert status == 2
    assert "channel.p" in err


def counts_table():
    rows = {"state": [0, 0, 0, 0, "b", "b", "b", "b"], "setting": ["xa", "xb", "ya", "yb"] * 2}
    table = pd.DataFrame(rows)
    for column, number in zip(("n_pp", "n_pm", "n_mp", "n_mm"), (400, 100, 100, 400), strict=True):
        table[column] = number
    return table


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_predict_from_anyones_counts(call, tmp_path, ending):
    path = tmp_path / f"counts.{ending}"
    table = counts_table().assign(state=["0"] * 4 + ["1"] * 4, theta=0.3)
    {"csv": table.to_csv, "parquet": table.to_parquet, "json": table.to_json}[ending](path)
    status, out, err = call("predict", "--counts", path, "--json")
    assert (status, err) == (0, "")
    estimates = json.loads(out)["estimates"]
    assert len(estimates) == 2
    promised = {"state", "estimator", "p_entangled", "concurrence", "concurrence_low", "concurrence_high", "verdict"}
    assert promised <= set(estimates[0])
    assert estimates[0]["p_entangled"] == estimates[1]["p_entangled"]
    assert estimates[0]["call"] in ("entangled", "separable")
    assert 0 < estimates[0]["fit_p"] <= 1
    shown = call("predict", "--counts", path)[1]
    assert "verdict" in shown
    assert "Calibrated on 20,000 simulated states" in " ".join(shown.split())


@pytest.mark.parametrize("rate", ["0", "0.5", "-1", "nan"])
def test_predict_refuses_an_error_rate_that_is_none(call, tmp_path, rate):
    path = tmp_path / "counts.csv"
    counts_table().assign(state=["0"] * 4 + ["1"] * 4).to_csv(path)
    status, out, err = call("predict", "--counts", path, "--error-rate", rate)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "below 0.5" in err


def test_predict_agrees_with_the_run_that_made_the_counts(call, card, tmp_path):
    call("run", card, "--quiet", "--out", tmp_path / "run")
    status, out, _ = call("predict", "--counts", tmp_path / "run" / "counts.parquet", "--json")
    ours = pd.read_parquet(tmp_path / "run" / "estimates.parquet").query("estimator == 'bell8'")
    theirs = pd.DataFrame(json.loads(out)["estimates"])
    assert status == 0
    assert np.allclose(ours["concurrence"], theirs["concurrence"])
    assert list(ours["verdict"]) == list(theirs["verdict"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda table: table.drop(columns="n_mp"), "column 'n_mp' is missing"),
        (lambda table: table.iloc[:-1], "has 0 rows for setting yb"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "has 2 rows for setting xa"),
        (lambda table: table.assign(n_pp=-1), "n_pp = -1"),
        (lambda table: table.assign(n_pp=1.5), "n_pp = 1.5"),
        (lambda table: table.assign(n_pp="lots"), "n_pp = lots"),
        (lambda table: table.assign(n_pp=0, n_pm=0, n_mp=0, n_mm=0), "shot"),
        (lambda table: table.assign(setting="xq"), "xq"),
        (lambda table: table[table["setting"] != "xa"], "xa"),
        (lambda table: table.iloc[:0], "no rows"),
    ],
)
def test_predict_refuses_wrong_counts_in_one_line(call, tmp_path, change, complaint):
    path = tmp_path / "counts.csv"
    table = counts_table()
    if change(table)["setting"].eq("xq").any():
        table = table.drop_duplicates("state")
    change(table).to_csv(path, index=False)
    status, out, err = call("predict", "--counts", path)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert complaint in err


def test_lists_and_bench(call, tmp_path):
    assert "special_four_basis" in call("families")[1]
    assert "fake_torino" in call("backends")[1].split()
    assert "2024-05-27" in call("backends", "fake_manila")[1]
    assert call("backends", "fake_manilla")[0] == 2
    assert call("init", tmp_path / "bench")[0] == 0
    assert (tmp_path / "bench" / "circuits" / "two_basis.qasm").is_file()
    assert call("init", tmp_path / "bench")[0] == 2
    assert call("--version")[1].strip()


def test_run_never_imports_tensorflow(card, tmp_path):
    code = (
        "import sys; from qent_hw import cli\n"
        "sys.argv = ['qent-hw', 'run', sys.argv[1], '--quiet', '--out', sys.argv[2]]\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n    assert stop.code == 0, stop.code\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'sklearn')])"
    )
    done = python(code, str(card), str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from qent_hw import cli; sys.argv = ['qent-hw', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'qiskit', 'pandas', 'pydantic', 'matplotlib', 'tensorflow'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = python(code)
    assert done.stderr.strip() == "[]"
    assert "predict" in done.stdout


def test_interrupt_is_one_line_and_status_130(call, card, monkeypatch):
    from qent_hw.experiments.run import Experiment

    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Experiment, "run", interrupted)
    status, out, err = call("run", card)
    assert (status, out, err) == (130, "", "qent-hw: error: interrupted; nothing was written\n")


def test_real_process_ends_with_the_status(tmp_path):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "qent_hw.cli", "run", "nowhere"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("qent-hw: error: ")
    assert "Traceback" not in done.stderr


def test_train_for_a_device_writes_a_model_that_says_so(call, tmp_path):
    out = tmp_path / "mine.npz"
    asked = ("train", "--family", "two_basis", "--features", "bell4", "--states", 1000, "--epochs", 1, "--out", out)
    status, printed, _ = call(
        *asked, "--backend", "fake_manila", "--qubits", "3,4", "--injection", "idle", "--shots", "256"
    )
    assert status == 0
    assert f"model: {out}" in printed
    device = json.loads(out.with_suffix(".json").read_text())["device"]
    assert (device["backend"], device["qubits"], device["injection"]) == ("fake_manila", [3, 4], "idle")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--backend", "fake_manilla"), "did you mean 'fake_manila'"),
        (("--backend", "fake_manila", "--qubits", "0,4"), "no two-qubit gate"),
        (("--injection", "twirl"), "backend"),
        (("--backend", "ibm_torino"), "ibm_torino"),
        (("--backend", "fake_manila", "--injection", "wait"), "injection = 'wait': use one of noise-model"),
        (("--backend", "fake_manila", "--drift", "2"), "drift = 2: a relative spread between 0 and 1"),
        (("--backend", "fake_manila", "--readout", "mild"), "readout = 'mild': use plain or twirled"),
        (("--backend", "fake_manila", "--settings", "xa,zz"), "features and settings: give one of them"),
        (("--budget", "0"), "--budget"),
        (("--budget", "500"), "budget: is for --settings"),
        (("--patience", "0"), "--patience"),
        (("--recipe", "best"), "recipe = 'best': use one of paper, recommended"),
        (("--shots", "many"), "shots = 'many': write ideal"),
        (("--states", "10"), "states = 10: at least 1,000"),
        (("--channel", "loss"), "channel = 'loss'"),
        (("--record", "nowhere.json"), "record nowhere.json: cannot be read"),
        (("--record", "{record}"), "30.0 hours old, more than 24"),
        (("--record", "{record}", "--max-age", "0"), "record: max_age_h = 0"),
        (("--record", "{record}", "--max-age", "-1"), "record: max_age_h = -1"),
        (("--record", "{record}", "--stale-ok", "--qubits", "1,2"), "not 1,2; use --qubits 3,4"),
        (("--record", "{record}", "--stale-ok", "--backend", "fake_lima", "--qubits", "3,4"), "and this is fake_lima"),
        (("--stale-ok",), "record: file is missing"),
    ],
)
def test_train_for_a_device_that_cannot_be_is_one_line(call, tmp_path, monkeypatch, options, complaint):
    record = tmp_path / "old" / "record.json"
    a_record(hours_ago=30).save(record)
    monkeypatch.chdir(tmp_path)
    given = (one.replace("{record}", str(record)) for one in options)
    status, out, err = call("train", "--family", "two_basis", "--features", "bell4", "--out", "mine.npz", *given)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert complaint in err
    assert [one.name for one in tmp_path.iterdir()] == ["old"]


def test_train_by_a_record_takes_its_device_and_qubits(call, tmp_path):
    record, out = tmp_path / "record.json", tmp_path / "mine.npz"
    a_record().save(record)
    status, _, _ = call(
        "train", "--family", "two_basis", "--settings", "xa,yb", "--states", 1000, "--epochs", 1, "--budget", "600",
        "--injection", "idle", "--record", record, "--out", out,
    )  # fmt: skip
    assert status == 0
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["device"]["device"] == "fake_manila"
    assert card["device"]["qubits"] == [3, 4]
    assert card["device"]["record"]["source"] == "measured"
    assert card["device"]["drift"] == 0.1
    assert card["training_shots_per_setting"] == 300
    assert card["settings"] == ["xa", "yb"]
