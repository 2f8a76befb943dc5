"""From jobs at the service to a finished run: fetch what is ready, go on with what broke off, write the report."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qent_hw.errors import BackendError, InputError
from qent_hw.experiments.chosen_estimators import load_estimators, situation_of
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.rounds import decided_so_far, next_round
from qent_hw.experiments.remote.sending import Told, close_batch, send
from qent_hw.experiments.remote.submission import Submission, settled_record
from qent_hw.experiments.run import Run, conclude
from qent_hw.experiments.run_folder import write_files
from qent_hw.hardware.dispatch import cancel_all, fetch_ready, note_usage, reconcile
from qent_hw.hardware.ibm.faults import ServiceError
from qent_hw.hardware.ibm.service import Service
from qent_hw.hardware.ledger import CANCELLED, DUPLICATE, Ledger
from qent_hw.physics import Counts

_FIRST_POLL_S, _LONGEST_POLL_S = 2.0, 30.0


def collect(
    path: Path,
    service: Service,
    *,
    wait_s: float = 0.0,
    again: bool = False,
    told: Told = lambda done, total: None,
    waiting: Callable[[str], None] = lambda why: None,
    looking: Callable[[int, int], None] = lambda number, n: None,
) -> Run | None:
    """Fetch what is ready (see `fetch`), and finish the run when everything is there; None while something is missing.

    An adaptive run goes on with its next round where one is complete; `looking`: see `decided_so_far`.

    Raises
    ------
    InputError, BackendError
        as `fetch` does.
    """
    end = time.monotonic() + wait_s
    with folders.lock(path):
        folders.clear(path)
        while fetch(path, service, wait_s=end - time.monotonic(), again=again, told=told, waiting=waiting):
            again = False
            if not _goes_on(path, service, looking):
                return finish(path)
        return None


def _goes_on(path: Path, service: Service, looking: Callable[[int, int], None]) -> bool:
    """Whether there is a further round, which is planned then."""
    submission = folders.load(path)
    if submission.runcard.adaptive is None:
        return False
    with folders.open_ledger(path) as ledger:
        submission = _measured(submission, ledger)
        decided = decided_so_far(path, submission, looking)
        if next_round(path, submission, ledger, decided):
            return True
        close_batch(submission, ledger, service)
        return False


def _ends_before(submission: Submission, ledger: Ledger) -> bool:
    """Whether an adaptive run was cancelled in its last round, so that it ends with the one before."""
    if submission.runcard.adaptive is None or CANCELLED not in ledger.about or len(submission.rounds) == 1:
        return False
    last = submission.ends[-2]
    states = [job.state for job in ledger.jobs()]
    lost = {"cancelled", "failed"} & set(states[last:])
    return bool(lost) and set(states[:last]) == {"done"} and "sent" not in states[last:]


def _measured(submission: Submission, ledger: Ledger) -> Submission:
    """With the rounds that were measured to their end."""
    return submission.first_rounds(len(submission.rounds) - 1) if _ends_before(submission, ledger) else submission


def fetch(
    path: Path,
    service: Service,
    *,
    wait_s: float = 0.0,
    again: bool = False,
    told: Told = lambda done, total: None,
    waiting: Callable[[str], None] = lambda why: None,
) -> bool:
    """Fetch what is ready; whether everything is there now, or was before the run was cancelled. Needs the run's lock.

    What is planned and was approved is sent too, so that a submission that broke off goes on.

    Parameters
    ----------
    wait_s
        how long to wait for the rest; network faults meanwhile are waited out.
    again
        send failed and cancelled jobs once more.
    told
        called with (jobs done, jobs in all).
    waiting
        called with each fault that is waited out.

    Raises
    ------
    InputError
        if the folder is none of a remote run, cannot be written, or nothing of it was ever to be sent.
    BackendError
        if a job has failed for good or was cancelled, a result stays wrong, or the service cannot be asked; what has
        been fetched is kept.
    """
    with folders.open_ledger(path) as ledger:
        submission = folders.load(path)
        folders.enter_jobs(path, submission, ledger)
        if "approved" not in ledger.about:
            raise InputError(f"run {str(path)!r}: was planned and not sent; to send it: qent-hw submit … --out {path}")
        if again:
            ledger.forget(CANCELLED)
            for job in ledger.jobs("failed", "cancelled"):
                ledger.move(job, "planned", note="sent once more, as asked")
        _until_done(path, submission, ledger, service, time.monotonic() + wait_s, told, waiting)
        complete = _ends_before(submission, ledger)
        if not complete:
            _raise_for_lost(path, ledger)
            complete = len(ledger.jobs("done")) == len(submission.jobs)
        if complete:
            note_usage(ledger, service)
        return complete


def finish(path: Path) -> Run:
    """Estimate, compare and write the same files as a local run has, from the raw results in the folder.

    Raises
    ------
    InputError
        if a raw result is missing or cannot be read, or the folder cannot be written.
    """
    whole = folders.load(path)
    with folders.open_ledger(path) as ledger:
        submission = _measured(whole, ledger)
        what_ran = {
            "jobs": _jobs_of(ledger)[: len(submission.jobs)],
            "duplicates": _duplicates_of(ledger),
            "qpu_seconds": _seconds_of(whole, ledger),
        }
    decided = None
    if submission.runcard.adaptive is None:
        measured = submission.counts(folders.load_bits(path, submission))
    else:
        decided = decided_so_far(path, submission)
        measured = Counts(tuple(submission.runcard.settings), decided.counts)
    record = settled_record(submission)
    estimators = load_estimators(submission.runcard, submission.plan, record, submission.device)
    run = conclude(
        submission.runcard,
        submission.plan,
        estimators,
        measured,
        submission.circuit,
        submission.provenance | what_ran,
        situation_of(submission.runcard, submission.plan, record, submission.device),
        decided,
    )
    _put(run, path)
    return run


def _until_done(
    path: Path,
    submission: Submission,
    ledger: Ledger,
    service: Service,
    end: float,
    told: Told,
    waiting: Callable[[str], None],
) -> None:
    """Send, fetch and wait until nothing more can come, or the time is over."""
    pause = _FIRST_POLL_S
    total = len(submission.jobs)

    def progress() -> None:
        told(len(ledger.jobs("done")), total)

    reconciled = False
    while True:
        trouble: BackendError | None = None
        try:
            # sending begins with this itself
            if not reconciled and not ledger.jobs("planned", "sending"):
                reconcile(ledger, service)
            reconciled = True
            _once(path, submission, ledger, service, progress)
        except BackendError as error:
            if isinstance(error, ServiceError) and error.fault.kind in ("account", "rejected"):
                if error.fault.kind == "account" or not ledger.jobs("failed"):
                    raise
                raise BackendError(f"{error}; to send it once more: qent-hw collect {path} --again") from error
            trouble = error
        progress()
        open_jobs = ledger.jobs("planned", "sending", "sent")
        left = end - time.monotonic()
        if left <= 0 or not open_jobs:
            if trouble is not None:
                raise trouble
            return
        if trouble is not None:
            waiting(str(trouble))
        time.sleep(min(pause * (1 + np.random.default_rng().uniform(0, 0.25)), left))
        pause = min(2 * pause, _LONGEST_POLL_S)


def _once(path: Path, submission: Submission, ledger: Ledger, service: Service, progress: Callable[[], None]) -> None:
    refused: ServiceError | InputError | None = None
    if ledger.jobs("planned", "sending"):
        try:
            if CANCELLED in ledger.about:
                cancel_all(ledger, service)
            else:
                send(path, submission, ledger, service, lambda sent, total: None)
        except InputError as error:
            refused = error
        except ServiceError as error:
            if error.fault.kind != "full":
                raise
            refused = error
    fetch_ready(ledger, service, path / folders.RAW, submission.shipment, lambda job: progress())
    if refused is not None and not ledger.jobs("sent"):
        raise refused


def _raise_for_lost(path: Path, ledger: Ledger) -> None:
    lost = ledger.jobs("failed", "cancelled")
    if not lost:
        return
    first = lost[0]
    more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
    why = f": {first.note}" if first.note else ""
    raise BackendError(
        f"run {str(path)!r}: job {first.number} is {first.state}{more}{why}; "
        f"the others are kept; to send it once more: qent-hw collect {path} --again"
    )


def _seconds_of(submission: Submission, ledger: Ledger) -> dict[str, float | None]:
    """QPU seconds: what the jobs are charged for (None where that is not known of each attempt) and were thought to
    take; and of an adaptive run what had been expected."""
    found = {"charged": ledger.used_s(), "estimated": submission.cost.total_s}
    one = submission.forecast
    return (
        found if one is None else found | {"expected": one.seconds, "expected_sd": one.seconds_sd, "most": one.most_s}
    )


def _jobs_of(ledger: Ledger) -> list[dict[str, Any]]:
    """Which job gave which part of the data, and when its result was kept."""
    done = {entry.number: entry.at for entry in ledger.history() if entry.what == "done"}
    return [
        {"number": job.number, "id": job.job_id, "attempt": job.attempt, "fetched": done[job.number]}
        for job in ledger.jobs("done")
    ]


def _duplicates_of(ledger: Ledger) -> list[dict[str, Any]]:
    """Jobs that the service had stored more than once, and what became of them."""
    return [
        {"number": entry.number, "id": entry.job_id, "outcome": entry.note}
        for entry in ledger.history()
        if entry.what == DUPLICATE
    ]


def _put(run: Run, path: Path) -> None:
    """Write the run's files beside their places and move each there, the report last."""
    try:
        with tempfile.TemporaryDirectory(prefix=folders.PARTIAL, dir=path) as name:
            partial = Path(name)
            write_files(partial, run)
            for source in sorted(partial.iterdir(), key=lambda one: one.name == "report.html"):
                target = path / source.name
                if target.is_dir():
                    shutil.rmtree(target)
                os.replace(source, target)
    except OSError as error:
        raise InputError(
            f"run {str(path)!r}: the report cannot be written: {error.strerror or error}; the raw results are kept"
        ) from None
