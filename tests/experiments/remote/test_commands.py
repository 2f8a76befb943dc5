"""The commands as a person types them: price before sending, one clear line, and a documented exit status."""

from __future__ import annotations

import json

import pytest
import tomli_w

from tests.experiments.remote.conftest import CARD


@pytest.fixture
def card(ibm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(tomli_w.dumps(CARD))
    return str(path)


def posted(ibm):
    return ibm.requests("POST /jobs")


def test_price_plan_and_pair_are_shown_and_a_dry_run_sends_nothing(call, card, ibm, tmp_path):
    before = len(posted(ibm))
    status, out, _ = call("submit", card, "--out", "run", "--dry-run", "--jobs", "2")
    assert status == 0
    for said in ("qubits 4,3", "QPU seconds", "2 s × 2 jobs", "600.0 QPU seconds left", "nothing was sent"):
        assert said in out
    assert len(posted(ibm)) == before
    # the same call without it sends what was planned
    status, out, _ = call("submit", card, "--out", "run", "--yes")
    assert status == 0
    assert len(posted(ibm)) == before + 2
    assert "qent-hw collect run --wait" in out


def test_submit_jobs_collect(call, card, ibm, tmp_path):
    assert call("submit", card, "--out", "runs/a", "--yes")[0] == 0
    status, out, _ = call("jobs", "--json")
    (run,) = json.loads(out)["runs"]
    assert status == 0
    assert run["run"] == "runs/a"
    assert run["jobs"][0]["id"] in {one["id"] for one in ibm.jobs()}
    status, out, _ = call("collect", "runs/a", "--wait", "--json")
    assert status == 0
    assert json.loads(out) == json.loads((tmp_path / "runs/a/comparison.json").read_text())
    assert json.loads(call("jobs", "runs/a", "--json")[1])["runs"][0]["finished"] is True


def test_run_is_submit_and_wait(call, card, ibm):
    status, out, _ = call("run", card, "--out", "run", "--yes", "--json", "--batch")
    assert status == 0
    comparison = json.loads(out)
    assert (comparison["backend"], comparison["qubits"]) == ("ibm_loopback", [4, 3])
    assert ibm.jobs()[-1]["session_id"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("submit", "small.toml"), "no terminal to ask on; give --yes"),
        (("submit", "small.toml", "--yes", "--max-qpu-seconds", "1"), "max-qpu-seconds = 1: the jobs need about"),
        (("submit", "small.toml", "--yes", "--injection", "noise-model"), "use --injection twirl"),
        (("submit", "small.toml", "--yes", "--backend", "aer"), "takes no jobs"),
        (("submit", "small.toml", "--yes", "--backend", "ibm_lopback"), "it has: ibm_loopback"),
        (("submit", "small.toml", "--yes", "--qubits", "0,4"), "no two-qubit gate"),
        (("submit", "small.toml", "--yes", "--shots", "10"), "multiple of 4"),
        (("submit", "nowhere.toml", "--yes"), "is no file"),
        (("collect", "nowhere"), "there is no such folder"),
        (("collect", "."), "there is none; is this the folder of a run"),
        (("cancel", "."), "there is none; is this the folder of a run"),
        (("jobs", "nowhere"), "there is no such folder"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_sent_or_written(call, card, ibm, tmp_path, arguments, complaint):
    before = len(posted(ibm))
    extra = ("--out", "run") if arguments[0] == "submit" else ()
    status, _, err = call(*arguments, *extra)
    assert status == 2
    assert complaint in err
    assert len(posted(ibm)) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.toml"]


def test_a_plan_without_enough_time_left_is_not_spent(call, card, ibm, tmp_path):
    ibm.settings(consumed_s=599.0)
    status, _, err = call("submit", card, "--out", "run", "--yes")
    assert (status, "the plan has 1.0 s left" in err) == (2, True)
    ibm.settings(limit_s=None)
    assert "no limit is reported" in call("submit", card, "--out", "run", "--yes", "--dry-run")[1]


def test_another_run_is_not_mixed_in(call, card):
    assert call("submit", card, "--out", "run", "--dry-run")[0] == 0
    status, _, err = call("submit", card, "--out", "run", "--yes", "--shots", "128")
    assert status == 2
    assert "holds a run with another shots" in err


def test_cancel(call, card, ibm):
    ibm.fate(queue_s=1e6, times=None)
    assert call("submit", card, "--out", "run", "--yes", "--jobs", "2")[0] == 0
    status, out, _ = call("cancel", "run")
    assert (status, "2 cancelled" in out) == (0, True)
    assert {one["status"] for one in ibm.jobs()[-2:]} == {"Cancelled"}
    status, _, err = call("collect", "run")
    assert (status, "is cancelled" in err) == (3, True)


def test_collecting_too_early_says_what_is_missing(call, card, ibm):
    ibm.fate(queue_s=1e6)
    assert call("submit", card, "--out", "run", "--yes")[0] == 0
    status, _, err = call("collect", "run")
    assert (status, "not complete yet (1 sent)" in err) == (3, True)
    ibm.release()
    assert call("collect", "run", "--wait", "--quiet")[:2] == (0, "")


def test_a_network_fault_ends_in_one_line_and_the_run_can_be_gone_on_with(call, card, ibm, monkeypatch):
    monkeypatch.setenv("QENT_HW_TIMEOUT_S", "3")
    assert call("submit", card, "--out", "run", "--dry-run")[0] == 0
    ibm.fault("POST /jobs", "status", status=429, times=None)
    status, _, err = call("submit", card, "--out", "run", "--yes")
    assert (status, "slow down (429)" in err) == (3, True)
    assert "nothing is lost, to go on: qent-hw collect run --wait" in err
    ibm.clear()
    ibm.fate(queue_s=1e6)
    status, _, err = call("collect", "run")
    assert (status, "not complete yet (1 sent)" in err) == (3, True)


def test_without_an_account_jobs_are_those_of_the_ledger(call, card, monkeypatch):
    assert call("submit", card, "--out", "runs/a", "--dry-run")[0] == 0
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE", "QISKIT_IBM_URL", "QISKIT_IBM_CHANNEL"):
        monkeypatch.delenv(name)
    status, out, err = call("jobs", "--json")
    assert status == 0
    assert json.loads(out)["live"] is False
    assert "no IBM account" in err
    status, _, err = call("collect", "runs/a")
    assert (status, "no IBM account" in err) == (2, True)
