"""The books of a run: what the service stored and ran, against what the ledger says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from qent_hw.experiments.remote import folder as folders
from tests.ibm_server import Handle

COUNTS = ["n_pp", "n_pm", "n_mp", "n_mm"]


def check_books(ibm: Handle, folder: Path) -> list[str]:
    """Every planned job of a collected run has one result, of a job that ran once; the duplicates, all reported.

    Counted at the service: each job that it stored under the run's name is either the ledger's or a duplicate that the
    ledger reports, and each job of the ledger's is there.
    """
    with folders.open_ledger(folder) as ledger:
        run, jobs, history = ledger.run, ledger.jobs(), ledger.history()
    stored = {one["id"]: one for one in ibm.jobs(run)}
    assert {job.state for job in jobs} == {"done"}, jobs
    ours = {job.job_id for job in jobs}
    assert len(ours) == len(jobs), jobs
    duplicates = {entry.job_id for entry in history if entry.what == "duplicate"}
    assert ours.isdisjoint(duplicates)
    assert ours | duplicates == set(stored), f"not in the ledger: {set(stored) - ours - duplicates}"
    for job in jobs:
        at_service = stored[job.job_id]
        assert (at_service["status"], at_service["executions"]) == ("Completed", 1)
        assert job.tag in at_service["tags"]
        assert [entry.what for entry in history if entry.number == job.number].count("done") == 1
    submission = folders.load(folder)
    counts = submission.counts(folders.load_bits(folder, submission)).values
    asked = np.zeros(counts.shape[:2], int)
    for one in submission.rounds:
        asked[one.states] += one.shots
    assert (counts.sum(axis=-1) == asked).all()
    if (folder / "report.html").exists():
        reported = pd.read_parquet(folder / "counts.parquet")[COUNTS].to_numpy()
        assert (reported == counts.reshape(-1, 4)).all()
    return sorted(duplicates)
