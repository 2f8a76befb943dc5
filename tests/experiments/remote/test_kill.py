"""A run whose commands are killed at any moment is finished all the same: nothing is lost, nothing is run twice.

Counted at the service. Killed is with SIGKILL, in lock-step with the service (which holds an answer back until the
process is dead), while the ledger cannot be written, and at random. ``make nightly`` kills ten times as often.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest

from qent_hw.experiments.remote import folder as folders
from qent_hw.hardware import ledger as ledgers
from qent_hw.hardware.dispatch import raw_path
from tests.experiments.remote.accounts import check_books
from tests.experiments.remote.processes import Desk, requests_held
from tests.ibm_server import serve

NIGHTLY = bool(os.environ.get("QENT_HW_NIGHTLY"))
KILLS = 200 if NIGHTLY else 20
# the nightly kills are others every night
SEED = None if NIGHTLY else 1

CARD = """
title = "a run that is killed"
family = "special_four_basis"
seed = 5
shots = 64
estimators = ["bell8"]
[states]
kind = "points"
points = [{ theta = "pi/2", phi = "pi/3" }]
[channel]
p = [0.1, 0.4, 0.7]
[injection]
kind = "twirl"
[backend]
name = "ibm_loopback"
qubits = [1, 2]
"""
JOBS = 12
SUBMIT = ("submit", "card.toml", "--out", "run", "--yes", "--jobs", JOBS)
COLLECT = ("collect", "run", "--wait", "--quiet")


@contextmanager
def new_desk(folder):
    """A place to work at, with a service that nothing else uses."""
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text(CARD)
    with serve() as ibm:
        yield Desk(ibm, folder, folder.with_name(f"{folder.name}-home"))


@pytest.fixture
def desk(tmp_path):
    with new_desk(tmp_path / "desk") as one:
        yield one


@contextmanager
def held(desk, command, endpoint, does="silence", **fault):
    """A command of which the service holds a request, in silence or in the middle of its answer."""
    desk.ibm.fault(endpoint, does, **fault)
    running = desk.start(*command)
    before = requests_held(desk.ibm)
    assert running.until(lambda: requests_held(desk.ibm) > before), running.end()
    yield running
    assert running.kill().status == -9
    desk.ibm.clear()


def kill_held(desk, command, endpoint, does="silence", **fault):
    """Kill a command while the service holds a request of it."""
    with held(desk, command, endpoint, does, **fault):
        pass


def kill_before_it_is_noted(desk, command, endpoint, seen, **fault):
    """Hold a request, keep the command from writing into its ledger, let it go on until `seen()`, and kill it there:
    what the service told it is nowhere written down."""
    with (
        held(desk, command, endpoint, **fault) as running,
        closing(sqlite3.connect(desk.folder / "run" / ledgers.FILE, isolation_level=None)) as ledger,
    ):
        ledger.execute("BEGIN IMMEDIATE")
        desk.ibm.clear()
        assert running.until(seen), running.end()
        assert running.kill().status == -9


def states(desk):
    with folders.open_ledger(desk.folder / "run") as ledger:
        return [job.state for job in ledger.jobs()]


def finish(desk):
    """Take the run up as a person would, and look into its books; the duplicates."""
    assert desk.call(*SUBMIT).status == 0
    ended = desk.call(*COLLECT)
    assert ended.status == 0, ended
    return check_books(desk.ibm, desk.folder / "run")


def test_killed_in_lock_step_with_the_service(desk):
    """One run is killed ten times, in every step between two writes to its ledger."""
    run, ibm = desk.folder / "run", desk.ibm
    kill_held(desk, SUBMIT, "POST /jobs")
    assert (len(ibm.jobs()), states(desk)) == (0, ["sending"] + ["planned"] * 11)
    kill_held(desk, SUBMIT, "POST /jobs", after=True, skip=1)
    assert (len(ibm.jobs()), states(desk)) == (2, ["sent", "sending"] + ["planned"] * 10)
    kill_held(desk, COLLECT, "GET /jobs")
    assert (len(ibm.jobs()), states(desk)) == (2, ["sent", "sending"] + ["planned"] * 10)
    kill_held(desk, SUBMIT, "POST /jobs", "half")
    assert (len(ibm.jobs()), states(desk)) == (3, ["sent", "sent", "sending"] + ["planned"] * 9)
    kill_before_it_is_noted(desk, COLLECT, "GET /instances/usage", lambda: len(ibm.jobs()) == 4)
    assert (len(ibm.jobs()), states(desk)) == (4, ["sent"] * 3 + ["sending"] + ["planned"] * 8)
    kill_held(desk, SUBMIT, "GET /jobs", skip=1)
    assert (len(ibm.jobs()), states(desk)) == (12, ["sent"] * 12)
    kill_held(desk, COLLECT, "GET /jobs/{id}/results", skip=1)
    assert states(desk) == ["done"] + ["sent"] * 11
    kill_held(desk, COLLECT, "GET /jobs/{id}/results", "half")
    assert states(desk) == ["done"] + ["sent"] * 11
    kept = raw_path(run / folders.RAW, 2)
    kill_before_it_is_noted(desk, COLLECT, "GET /jobs/{id}/results", kept.is_file, skip=1)
    assert states(desk) == ["done"] * 2 + ["sent"] * 10
    reporting = desk.start(*COLLECT)
    assert reporting.until(lambda: writing(run)), reporting.end()
    assert reporting.kill().status == -9
    assert states(desk) == ["done"] * 12
    assert not (run / "report.html").exists()
    # as a process leaves it that is killed while it writes a result
    (run / folders.RAW / ".job-3.npz.x1y2z3").write_bytes(b"half of it")
    assert finish(desk) == []
    assert len(ibm.jobs()) == JOBS
    # what was half written is cleared away
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == [".lock"]
    assert {path.name for path in (run / folders.RAW).iterdir()} == {f"job-{number}.npz" for number in range(JOBS)}


def test_a_folder_that_a_killed_submission_left_half_made_is_no_run(desk):
    assert desk.call(*SUBMIT, "--dry-run").status == 0
    shutil.copytree(desk.folder / "run", desk.folder / ".run.x1y2z3")
    listed = json.loads(desk.call("jobs", ".", "--json").out)
    assert [one["run"] for one in listed["runs"]] == ["run"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_while_a_duplicate_is_cancelled(desk, after):
    """The client's own retry stores a job twice; killed before and after the service cancels it, it is reported."""
    ibm = desk.ibm
    ibm.settings(state={"ibm_loopback": False})
    ibm.fault("POST /jobs", "status", status=503, after=True)
    kill_held(desk, SUBMIT, "POST /jobs/{id}/cancel", after=after)
    stored = ibm.jobs()
    assert len(stored) == JOBS + 1
    assert [one["status"] for one in stored].count("Cancelled") == after
    assert desk.call(*SUBMIT).status == 0
    with folders.open_ledger(desk.folder / "run") as ledger:
        (duplicate,) = [entry for entry in ledger.history() if entry.what == "duplicate"]
        ours = {job.job_id for job in ledger.jobs("sent")}
    assert duplicate.note == "cancelled"
    assert [one["id"] for one in ibm.jobs() if one["status"] == "Cancelled"] == [duplicate.job_id]
    assert ours | {duplicate.job_id} == {one["id"] for one in stored}
    assert len(ours) == JOBS


def test_killed_at_random(tmp_path):
    """Two kills in three hit between two requests or within one, the third comes by the clock, from start to report."""
    seeds = np.random.SeedSequence(SEED)
    rng = np.random.default_rng(seeds)
    kills = runs = 0
    try:
        seconds = undisturbed(tmp_path)
        while kills < KILLS:
            runs += 1
            with new_desk(tmp_path / f"{runs}") as desk:
                kills += kill_until_collected(desk, rng, seconds, KILLS - kills)
                if kills == KILLS:
                    finish(desk)
                check_books(desk.ibm, desk.folder / "run")
    except AssertionError as error:
        error.add_note(f"run {runs}, after {kills} kills drawn from {seeds}")
        raise


def undisturbed(tmp_path):
    """How many seconds each command takes."""
    taken = {}
    with new_desk(tmp_path / "undisturbed") as desk:
        for command in (SUBMIT, COLLECT):
            start = time.monotonic()
            ended = desk.call(*command)
            taken[command] = time.monotonic() - start
            assert ended.status == 0, ended
        assert check_books(desk.ibm, desk.folder / "run") == []
    return taken


def kill_until_collected(desk, rng, seconds, most):
    """Take one run up until all is collected, its commands killed up to so many times; how many times that was."""
    run = desk.folder / "run"
    kills = 0
    while kills < most and not (run.exists() and set(states(desk)) == {"done"}):
        sent = run.exists() and not {"planned", "sending"} & set(states(desk))
        command = COLLECT if sent or (run.exists() and rng.random() < 0.5) else SUBMIT
        if rng.random() < 1 / 3:
            running = desk.start(*command)
            time.sleep(rng.uniform(0, seconds[command]))
        else:
            # a run's first job is sent by the 14th request, by the 9th where it is taken up again; each makes about 5
            skip = int(rng.integers(2, 20)) + 8 * (not run.exists())
            desk.ibm.fault("*", "silence", after=bool(rng.random() < 0.5), skip=skip)
            before = requests_held(desk.ibm)
            running = desk.start(*command)
            # what asks no more is killed while it begins to write the report
            running.until(lambda before=before: requests_held(desk.ibm) > before or writing(run))
        ended = running.kill()
        desk.ibm.clear()
        # it may have ended by itself before; a run that was killed before its consent was noted waits for that
        assert ended.status in (-9, 0) or "planned and not sent" in ended.err, ended
        kills += ended.status == -9
    return kills


def writing(run):
    """Whether a collecting has come to the report."""
    return any(run.glob(f"{folders.PARTIAL}*"))
