"""Several commands at work on one run at the same time do no harm."""

from __future__ import annotations

import time

import pytest

from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote import sending
from tests.experiments.remote.accounts import check_books
from tests.experiments.remote.processes import Desk, requests_held

CARD = """
title = "a run that several work on"
family = "special_four_basis"
seed = 6
shots = 64
estimators = ["bell8"]
[states]
kind = "points"
points = [{ theta = "pi/2", phi = "pi/3" }]
[channel]
p = [0.2, 0.6]
[injection]
kind = "twirl"
[backend]
name = "ibm_loopback"
qubits = [0, 1]
"""
SUBMIT = ("submit", "card.toml", "--out", "run", "--yes", "--jobs", 4)
COLLECT = ("collect", "run", "--wait", "--quiet")


@pytest.fixture
def desk(ibm, tmp_path):
    (tmp_path / "card.toml").write_text(CARD)
    return Desk(ibm, tmp_path, tmp_path / "home")


def posts(ibm, before):
    return len(ibm.requests("POST /jobs")) - before


def test_two_submit_and_two_collect_at_once(desk):
    """The run was planned before, so that all four find it; each waits for its turn, and nothing is sent twice."""
    before = len(desk.ibm.requests("POST /jobs"))
    assert desk.call(*SUBMIT, "--dry-run").status == 0
    running = [desk.start(*command) for command in (SUBMIT, SUBMIT, COLLECT, COLLECT)]
    ended = [one.end() for one in running]
    # one that waited too long for its turn, or found nothing approved yet, says so and has harmed nothing
    assert {one.status for one in ended[:2]} <= {0, 3}, ended
    assert {one.status for one in ended[2:]} <= {0, 2, 3}, ended
    assert all(one.err.count("\n") == (one.status != 0) for one in ended), ended
    if not any(one.status == 0 for one in ended[2:]):
        assert desk.call(*COLLECT).status == 0
    assert check_books(desk.ibm, desk.folder / "run") == []
    assert posts(desk.ibm, before) == 4


def test_two_submit_a_new_run_at_once(desk):
    """One of them makes the folder; the other finds it, or is told that it is there."""
    before = len(desk.ibm.requests("POST /jobs"))
    first, second = (desk.start(*SUBMIT) for _ in range(2))
    ended = sorted((first.end(), second.end()), key=lambda one: one.status)
    assert ended[0].status == 0
    assert ended[1].status in (0, 2, 3), ended
    assert ended[1].err.count("\n") == (ended[1].status != 0)
    with folders.open_ledger(desk.folder / "run") as ledger:
        assert ledger.counts() == {"sent": 4}
        assert {job.job_id for job in ledger.jobs()} == {one["id"] for one in desk.ibm.jobs(ledger.run)}
    assert posts(desk.ibm, before) == 4
    assert [path.name for path in desk.folder.iterdir() if path.is_dir()] in (["run", "home"], ["home", "run"])


def test_collecting_waits_for_a_submission_and_takes_over_when_that_dies(desk):
    """While a submission waits for an answer, collecting asks for no job; when it is killed, its orphan is adopted."""
    desk.ibm.fault("POST /jobs", "silence", after=True, skip=1)
    asked, held = len(desk.ibm.requests("GET /jobs")), requests_held(desk.ibm)
    submitting = desk.start(*SUBMIT)
    assert submitting.until(lambda: requests_held(desk.ibm) > held), submitting.end()
    assert len(desk.ibm.requests("GET /jobs")) == asked + 1
    connected = len(desk.ibm.requests("GET /backends"))
    collecting = desk.start(*COLLECT)
    assert collecting.until(lambda: len(desk.ibm.requests("GET /backends")) > connected)
    time.sleep(0.3)
    assert len(desk.ibm.requests("GET /jobs")) == asked + 1
    assert collecting.process.is_alive()
    submitting.kill()
    desk.ibm.clear()
    assert collecting.end().status == 0
    assert check_books(desk.ibm, desk.folder / "run") == []
    with folders.open_ledger(desk.folder / "run") as ledger:
        (sent,) = [entry for entry in ledger.history() if (entry.number, entry.what) == (1, "sent")]
        assert "found at the service" in sent.note


def test_collecting_that_began_before_the_submission_was_approved_sends_the_rest(desk):
    """What the ledger says of the run is read under its lock, not while waiting for it."""
    assert desk.call(*SUBMIT, "--dry-run").status == 0
    before, connected = len(desk.ibm.requests("POST /jobs")), len(desk.ibm.requests("GET /backends"))
    run = desk.folder / "run"
    with folders.lock(run), folders.open_ledger(run) as ledger:
        collecting = desk.start(*COLLECT)
        assert collecting.until(lambda: len(desk.ibm.requests("GET /backends")) > connected)
        time.sleep(0.3)
        sending.approve(ledger, "job", None)
    assert collecting.until(lambda: posts(desk.ibm, before) == 4), collecting.end()
    collecting.kill()
