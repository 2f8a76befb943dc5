"""The ledger: every move is dated, on disk before the next step, and only along the ways there are."""

from __future__ import annotations

import datetime
import sqlite3

import pytest

from qent_hw.errors import InputError
from qent_hw.hardware.ledger import FILE, Ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / FILE, "run-a", 3, {"backend": "ibm_x"}) as one:
        yield one


def test_jobs_are_planned_under_tags_of_their_own(ledger):
    jobs = ledger.jobs()
    assert [job.number for job in jobs] == [0, 1, 2]
    assert {job.state for job in jobs} == {"planned"}
    assert len({job.tag for job in jobs}) == 3
    assert all(job.tag.startswith(ledger.run) for job in jobs)
    assert ledger.about["backend"] == "ibm_x"


def test_moves_are_seen_by_others_at_once_and_dated(ledger):
    job = ledger.move(ledger.jobs()[0], "sending")
    with Ledger(ledger.path) as other:
        assert other.jobs("sending") == [job]
        sent = other.move(job, "sent", job_id="id-1")
    assert ledger.jobs("sent") == [sent]
    ledger.move(sent, "done")
    entries = [one for one in ledger.history() if one.number == 0]
    assert [one.what for one in entries] == ["planned", "sending", "sent", "done"]
    times = [datetime.datetime.fromisoformat(one.at) for one in entries]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)
    assert ledger.counts() == {"planned": 2, "done": 1}


def test_a_new_attempt_has_a_new_tag_and_no_id(ledger):
    job = ledger.move(ledger.move(ledger.jobs()[1], "sending"), "sent", job_id="id-1")
    again = ledger.move(ledger.move(job, "failed", note="interrupted"), "planned", note="again")
    assert again.attempt == 2
    assert again.tag != job.tag
    assert again.job_id is None
    # while one that was never stored is sent again under the tag under which it will be looked for
    other = ledger.move(ledger.jobs()[2], "sending")
    assert ledger.move(other, "planned").tag == other.tag


def test_there_is_no_way_around_sending(ledger):
    with pytest.raises(ValueError, match="no way from planned to done"):
        ledger.move(ledger.jobs()[0], "done")


def test_a_job_that_another_process_moved_is_not_moved_twice(ledger):
    job = ledger.jobs()[0]
    with Ledger(ledger.path) as other:
        other.move(job, "sending")
    with pytest.raises(InputError, match="another process is at work on job 0"):
        ledger.move(job, "sending")
    assert [one.what for one in ledger.history() if one.number == 0] == ["planned", "sending"]


def test_it_survives_the_end_of_a_process_in_mid_transaction(ledger):
    torn = sqlite3.connect(ledger.path, isolation_level=None)
    torn.execute("BEGIN IMMEDIATE")
    torn.execute("UPDATE jobs SET state = 'done'")
    torn.close()
    assert ledger.counts() == {"planned": 3}


def test_it_is_in_wal_mode(ledger):
    with sqlite3.connect(ledger.path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("content", [None, b"this is no database at all, but some text of sufficient length"])
def test_what_is_no_ledger_is_refused_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="ledger") as caught:
        Ledger(tmp_path / FILE)
    assert "\n" not in str(caught.value)
