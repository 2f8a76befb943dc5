"""Studies from card to table: paired states, resuming, stopping rules, and the same bits wherever a task is done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from qent_hw.experiments.study.card import load_study, parse_study
from qent_hw.experiments.study.engines import local_engine
from qent_hw.experiments.study.perform import perform
from qent_hw.experiments.study.study import run_study
from qent_hw.experiments.study.table import NAME, read_rows
from qent_hw.experiments.study.tasks import cells_of, files_of, key, needed
from tests.experiments.study.cards import QUICK, SLOW
from tests.experiments.study.test_card import small


@pytest.fixture
def quick(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def tallies(folder):
    return {name: row["tally"] for name, row in read_rows(folder / NAME).items()}


def test_a_study_leaves_a_table_figures_and_a_report(call, quick, tmp_path):
    status, out, err = call("study", quick, "--out", tmp_path / "made", "--workers", 1)
    assert (status, err) == (0, "")
    assert "special 4-basis: accuracy at" in out
    names = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*.*")}
    drawn = {
        f"figures/{name}.{kind}"
        for name in ("accuracy", "cost", "false_verdicts", "map", "rmse")
        for kind in ("png", "svg")
    }
    assert drawn | {"study.toml", "results.jsonl", "table.csv", "table.parquet", "report.html"} <= names
    table = pd.read_csv(tmp_path / "made" / "table.csv")
    assert len(table) == 8
    assert (table["n_states"] == 60).all()
    assert table["accuracy"].between(0.4, 1).all()
    assert (table["shots"] * 250e-6 <= table["qpu_s"]).all()
    own = table[table["estimator"] == "bell8"]
    assert (own["behind_accuracy"] == 0).all()
    assert (own["rmse_ratio"] == 1).all()
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "made" / "table.parquet")[["accuracy"]], table[["accuracy"]], rtol=1e-5
    )
    assert load_study(tmp_path / "made" / "study.toml") == load_study(quick)


def test_json_is_the_table_and_nothing_else(call, quick, tmp_path):
    status, out, _ = call("study", quick, "--out", tmp_path / "made", "--workers", 1, "--json")
    assert status == 0
    assert {one["estimator"] for one in json.loads(out)["cells"]} == {"bell4", "bell8"}


def test_what_is_done_is_not_done_again_and_more_states_are_added(quick, tmp_path):
    study = load_study(quick)
    run_study(study, tmp_path / "made", local_engine(1))
    before = (tmp_path / "made" / NAME).read_bytes()
    run_study(study, tmp_path / "made", local_engine(1))
    assert (tmp_path / "made" / NAME).read_bytes() == before
    larger = study.model_copy(update={"stop": study.stop.model_copy(update={"states": 80})})
    found = run_study(larger, tmp_path / "made", local_engine(1))
    assert (tmp_path / "made" / NAME).read_bytes().startswith(before)
    assert {sum(row["tally"]["n"] for row in one.rows) for one in found} == {80}


def test_a_task_gives_the_same_bits_in_any_process_and_order(quick, tmp_path):
    study = load_study(quick)
    run_study(study, tmp_path / "two", local_engine(2))
    cells = cells_of(study)
    files = files_of(cells)
    for cell in reversed(cells):
        definition = cell.definition(study, 1, 2)
        row = perform(definition, needed(definition, files))
        assert tallies(tmp_path / "two")[key(definition)] == row["tally"]


def test_estimators_see_the_same_states_and_with_the_same_settings_the_same_counts(quick, tmp_path):
    found = run_study(load_study(quick), tmp_path / "made", local_engine(1))
    truths = {
        tuple(row["tally"][name] for name in ("entangled", "true_1", "true_2"))
        for one in found
        if one.cell.case.device is None
        for row in one.rows
        if row["task"]["batch"] == 0
    }
    assert len(truths) == 1
    # a second name for an estimator is the same estimator on the same counts
    twice = parse_study(
        small(estimators=["bell8", {"name": "bell8", "label": "again"}], stop={"states": 50, "batch": 50}), "here"
    )
    one, other = run_study(twice, tmp_path / "twice", local_engine(1))
    assert one.rows == other.rows


def test_it_stops_when_the_standard_error_is_small_enough(tmp_path):
    stop = {"states": 100_000, "batch": 50, "standard_error": 0.02}
    study = parse_study(small(shots=[400, 16000], stop=stop), "here")
    found = run_study(study, tmp_path, local_engine(1))
    for one in found:
        n = sum(row["tally"]["n"] for row in one.rows)
        wrong = sum(row["tally"]["false_positive"] + row["tally"]["false_negative"] for row in one.rows)
        share = (wrong + 1) / (n + 2)
        assert np.sqrt(share * (1 - share) / n) <= 0.02
        # and not much later: with half the states it would not have been
        assert n == 50 or np.sqrt(share * (1 - share) / (n / 4)) > 0.02
    by_name = {(one.cell.chosen.label, one.cell.shots): len(one.rows) for one in found}
    assert by_name["bell4", 400] > by_name["bell8", 16000]


def test_a_killed_study_loses_at_most_the_tasks_in_hand(tmp_path):
    card, folder = tmp_path / "slow.toml", tmp_path / "made"
    card.write_text(SLOW)
    command = [
        sys.executable,
        "-m",
        "qent_hw.cli",
        "study",
        str(card),
        "--out",
        str(folder),
        "--workers",
        "2",
        "--quiet",
    ]
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(read_rows(folder / NAME)) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = (folder / NAME).read_bytes()
    kept = read_rows(folder / NAME)
    assert 3 <= len(kept) < 10
    subprocess.run(command, check=True, timeout=300)
    assert (folder / NAME).read_bytes().startswith(done[: done.rindex(b"\n") + 1])
    assert len(read_rows(folder / NAME)) == 10
    assert all(read_rows(folder / NAME)[name]["made"] == row["made"] for name, row in kept.items())


def test_the_death_of_a_local_worker_is_a_fault_that_can_be_resumed(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deadly.py").write_text(DEADLY.replace("WHERE", repr(str(tmp_path / "die"))))
    card = small(estimators=["bell4", "deadly:Deadly"], stop={"states": 40, "batch": 10})
    (tmp_path / "card.toml").write_text(as_toml(card))
    (tmp_path / "die").touch()
    status, _, err = call("study", "card.toml", "--out", "made", "--workers", 2)
    assert status == 3, err
    assert "a worker process was killed (out of memory?); what was finished is kept" in err
    status, _, _ = call("study", "card.toml", "--out", "made", "--workers", 2)
    assert status == 0
    assert len(read_rows(tmp_path / "made" / NAME)) == 8


# an estimator that takes its process with it, once
DEADLY = """
import os, signal
from pathlib import Path
from qent_hw.estimators import load_estimator

class Deadly:
    name = "deadly"
    settings = ("xa", "xb", "ya", "yb")
    def estimate(self, counts, seed):
        if Path(WHERE).exists():
            Path(WHERE).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return load_estimator("bell8", "special_four_basis", "dephasing").estimate(counts, seed)
"""


def as_toml(content):
    import tomli_w

    return tomli_w.dumps(content)


def test_two_studies_in_one_folder_at_a_time_are_refused(call, quick, tmp_path):
    from qent_hw.experiments.study.study import locked

    with locked(tmp_path / "made"):
        status, _, err = call("study", quick, "--out", tmp_path / "made")
    assert status == 2
    assert "another process is at work there" in err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"estimators": ["bell9"]},
            "case 'special_four_basis', 400 shots, bell9: estimator 'bell9' is not known; did you mean",
        ),
        ({"estimators": ["nowhere:Thing"]}, "estimator 'nowhere:Thing': cannot be imported"),
        ({"estimators": ["bell8_corrected"]}, "corrects for a device's misreadings, and none is assumed"),
        ({"estimators": ["device"]}, "is trained for a device, and none is assumed there"),
        ({"cases": [{"family": "three_basis"}]}, "'three_basis' is no file"),
        (
            {"cases": [{"family": "special_four_basis", "device": {"backend": "fake_nowhere"}}]},
            "'fake_nowhere' is not known",
        ),
        ({"cases": [{"family": "special_four_basis", "device": {"backend": "ibm_fez"}}]}, "studies are simulated"),
        (
            {
                "cases": [{"family": "special_four_basis", "injection": "twirl", "device": {"backend": "fake_manila"}}],
                "shots": [10],
            },
            "4 settings in 4 parts need at least 16",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line_before_anything_is_done(call, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.toml").write_text(as_toml(small(**changes)))
    status, out, err = call("study", "card.toml", "--out", "made")
    assert (status, out) == (2, "")
    assert message in err
    assert not (tmp_path / "made" / NAME).exists()


def test_merge_takes_in_what_another_machine_did(call, quick, tmp_path):
    half = tmp_path / "half.toml"
    half.write_text(QUICK.replace("shots = [100, 400]", "shots = [400]"))
    call("study", half, "--out", tmp_path / "there", "--workers", 1)
    status, out, _ = call("study", quick, "--out", tmp_path / "here", "--merge", tmp_path / "there", "--workers", 1)
    assert status == 0
    assert f"{tmp_path / 'there'}: 12 results taken in" in out
    there, here = tallies(tmp_path / "there"), tallies(tmp_path / "here")
    assert len(there) == 12
    assert len(here) == 24
    assert there.items() <= here.items()
