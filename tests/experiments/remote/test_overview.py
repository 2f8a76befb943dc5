"""What `jobs` prints of a run: whole lines, however narrow the terminal and however long the notes."""

from __future__ import annotations

from pathlib import Path

from qent_hw.experiments.remote.overview import RunRow, run_lines
from qent_hw.hardware.ledger import Job


def test_a_line_for_the_run_and_one_for_each_job():
    long = "Error code 1517; " + 20 * "and so on, "
    jobs = (
        (Job(0, 1, "t-0-1", "done", "d0", ""), "done"),
        (Job(1, 2, "t-1-2", "sent", "d1", ""), "running"),
        (Job(2, 1, "t-2-1", "planned", None, ""), "planned"),
        (Job(3, 3, "t-3-3", "failed", "d3", long), "failed"),
    )
    assert list(run_lines(RunRow(Path("runs/a"), "ibm_x", False, jobs, 0))) == [
        "runs/a on ibm_x",
        "  job 0  done     d0",
        "  job 1  running  d1  attempt 2",
        "  job 2  planned  –",
        f"  job 3  failed   d3  attempt 3, {long}".rstrip(),
    ]


def test_report_and_duplicates_are_said_of_the_run():
    jobs = ((Job(0, 1, "t-0-1", "done", "d0", ""), "done"),)
    heads = [next(run_lines(RunRow(Path("a"), "ibm_x", True, jobs, number))) for number in (0, 1, 2)]
    assert heads == [
        "a on ibm_x: report written",
        "a on ibm_x: report written, 1 duplicate at the service",
        "a on ibm_x: report written, 2 duplicates at the service",
    ]
