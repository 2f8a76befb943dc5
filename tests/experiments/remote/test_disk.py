"""A place that cannot be written, and a disk that is full or gets full: said in one line, and nothing is lost.

A full disk is a limit on the size of files: it holds for root too, and is met in the middle of a file.
"""

from __future__ import annotations

import pytest

from qent_hw.experiments.remote import folder as folders
from qent_hw.hardware.dispatch import raw_path
from tests.experiments.remote.accounts import check_books
from tests.experiments.remote.processes import Desk

CARD = """
title = "a run on a full disk"
family = "special_four_basis"
seed = 7
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
COLLECT = ("collect", "run", "--wait", "--quiet")


@pytest.fixture
def desk(ibm, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD)
    return Desk(ibm, folder, tmp_path / "home")


def submit(out="run", jobs=2):
    return ("submit", "card.toml", "--out", out, "--yes", "--jobs", jobs)


def refused(ended, *words):
    """Exit status 2 and one line with all these words."""
    assert ended.status == 2, ended
    assert ended.err.startswith("qent-hw: error: ")
    assert ended.err.count("\n") == 1, ended.err
    assert all(word in ended.err for word in words), ended.err
    return True


def posts(desk):
    return len(desk.ibm.requests("POST /jobs"))


@pytest.mark.parametrize("out", ["card.toml", "card.toml/below", "/proc/none", "/dev/full/run"])
def test_a_place_that_cannot_be_written_is_found_out_before_anything_is_sent(desk, out):
    before = posts(desk)
    assert refused(desk.call(*submit(out)), f"out = '{out}'")
    assert posts(desk) == before
    assert [path.name for path in desk.folder.iterdir()] == ["card.toml"]


@pytest.mark.parametrize("largest_file", [3000, 20_000])
def test_a_full_disk_is_found_out_before_anything_is_sent(desk, largest_file):
    """The provenance, or the ledger, does not fit any more."""
    before = posts(desk)
    refused(desk.call(*submit(), largest_file=largest_file), "run", "cannot be written")
    assert posts(desk) == before
    assert [path.name for path in desk.folder.iterdir()] == ["card.toml"]
    assert desk.call(*submit(), "--dry-run").status == 0


def test_a_ledger_that_cannot_be_written_keeps_everything_from_being_sent(desk):
    assert desk.call(*submit(), "--dry-run").status == 0
    before = posts(desk)
    refused(desk.call(*submit(), largest_file=500), "ledger")
    assert posts(desk) == before
    with folders.open_ledger(desk.folder / "run") as ledger:
        assert ledger.counts() == {"planned": 2}


def test_a_disk_that_gets_full_while_sending_loses_no_job(desk):
    """What the ledger could not note any more is found at the service, and not sent again."""
    assert desk.call(*submit(jobs=8), "--dry-run").status == 0
    before = posts(desk)
    refused(desk.call(*submit(jobs=8), largest_file=50_000), "ledger", "disk")
    assert 0 < posts(desk) - before < 8
    assert desk.call(*submit(jobs=8)).status == 0
    with folders.open_ledger(desk.folder / "run") as ledger:
        assert ledger.counts() == {"sent": 8}
        assert {job.job_id for job in ledger.jobs()} == {one["id"] for one in desk.ibm.jobs(ledger.run)}
    assert posts(desk) - before == 8


def test_a_disk_that_gets_full_while_collecting_loses_nothing(desk):
    """First the ledger cannot be used, then a raw result does not fit, then the report; with room, all is there."""
    assert desk.call(*submit(jobs=1), "--shots", 24576).status == 0
    run = desk.folder / "run"
    for largest_file, said in ((20_000, "ledger"), (36_000, "raw result"), (200_000, "raw results are kept")):
        refused(desk.call(*COLLECT, largest_file=largest_file), said)
        assert not (run / "report.html").exists()
    assert desk.call(*COLLECT).status == 0
    assert check_books(desk.ibm, run) == []


def test_raw_results_that_cannot_be_kept_or_read_are_said_and_fetched_again(desk):
    run = desk.folder / "run"
    raw = run / folders.RAW

    def all_fetched():
        collecting = desk.start(*COLLECT)
        assert collecting.until(lambda: any(run.glob(f"{folders.PARTIAL}*"))), collecting.end()
        collecting.kill()
        return sorted(path.name for path in raw.iterdir()) == ["job-0.npz", "job-1.npz"]

    assert desk.call(*submit()).status == 0
    raw.rmdir()
    raw.write_text("in the way")
    refused(desk.call(*COLLECT), "raw result", "cannot be written")
    raw.unlink()
    assert all_fetched()
    whole = raw_path(raw, 1).read_bytes()
    for damaged in (b"", whole[:-1], whole[: len(whole) // 2], b"something else"):
        raw_path(raw, 1).write_bytes(damaged)
        refused(desk.call(*COLLECT), "raw result run/raw/job-1.npz: cannot be read", "remove it and collect again")
    raw_path(raw, 1).unlink()
    assert all_fetched()
    assert raw_path(raw, 1).read_bytes() == whole


def test_others_of_the_lab_can_read_what_is_in_the_folder(desk):
    """Files are as the system makes them, not for their owner alone."""
    assert desk.call(*submit()).status == 0
    collecting = desk.start(*COLLECT)
    run = desk.folder / "run"
    assert collecting.until(lambda: any(run.glob(f"{folders.PARTIAL}*"))), collecting.end()
    collecting.kill()
    modes = {str(path.relative_to(run)): path.stat().st_mode & 0o777 for path in run.rglob("*") if path.is_file()}
    assert {name for name, mode in modes.items() if mode & 0o044 != 0o044} == set()
