"""From a runcard to jobs at the service: plan, price, consent, and sending by the ledger."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qent_hw.errors import InputError
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.forecast import forecast_of
from qent_hw.experiments.remote.submission import Submission, check_injection, plan_submission
from qent_hw.experiments.run_folder import described
from qent_hw.experiments.runcard import Runcard, parse_runcard
from qent_hw.experiments.specialise import NAME as SPECIALISED
from qent_hw.experiments.specialise import is_specialised
from qent_hw.hardware.dispatch import reconcile, send_planned
from qent_hw.hardware.ibm.service import LEAST_BUSY, Service
from qent_hw.hardware.ledger import Ledger

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend

Mode = Literal["job", "batch"]
Told = Callable[[int, int], None]
_BATCH = "batch"


@dataclass(frozen=True)
class Quote:
    """What sending the rest of a run will cost.

    Attributes
    ----------
    n_jobs, planned_s
        jobs that are planned and still to be sent, and their estimated QPU seconds.
    seconds
        with what further rounds of an adaptive run are expected to take.
    remaining_s
        QPU seconds the plan has left; None where it has no limit or does not say.
    """

    n_jobs: int
    planned_s: float
    seconds: float
    remaining_s: float | None


def prepare(path: Path, runcard: Runcard, service: Service, at_least: int = 1) -> Submission:
    """What `runcard` in the folder `path` means: the run that is there already, or a new one in at least so many jobs.

    Nothing is written.

    Raises
    ------
    InputError
        if the folder holds another run, or the runcard cannot be run on the backend.
    ServiceError
        if the service cannot be asked.
    """
    check_injection(runcard)
    if folders.is_remote(path):
        submission = folders.load(path)
        _check_same(path, submission.runcard, runcard)
        return submission
    name = runcard.backend.name
    backend = service.backend(name)
    if name == LEAST_BUSY:
        content = runcard.model_dump(mode="json", by_alias=True, exclude_none=True)
        runcard = parse_runcard(content, runcard.title, **{"backend.name": backend.name})
    submission = plan_submission(runcard, backend, service.fractional(backend), at_least)
    return submission if runcard.adaptive is None else replace(submission, forecast=forecast_of(submission))


def keep(path: Path, submission: Submission) -> None:
    """Write the folder of a new run, under a name that no other run has; see `folder.create`."""
    if not folders.is_remote(path):
        folders.create(path, submission, f"qent-hw-{uuid.uuid4().hex[:16]}")


def quote(path: Path, submission: Submission, service: Service) -> Quote:
    """What is still to be sent, what it will cost, and what the plan has left; asks the service for its usage."""
    left = list(range(len(submission.jobs)))
    if folders.is_remote(path):
        with folders.open_ledger(path) as ledger:
            left = [job.number for job in ledger.jobs("planned", "sending")]
    remaining = service.usage().get("usage_remaining_seconds")
    planned = sum(submission.cost.jobs_s[number] for number in left)
    forecast = submission.forecast
    further = 0.0 if forecast is None else max(0.0, forecast.seconds - submission.cost.total_s)
    return Quote(len(left), planned, planned + further, None if remaining is None else float(remaining))


def check_price(price: Quote, limit_s: float | None) -> None:
    """Raise `InputError` if the rest of the run costs more than the user's limit, or than the plan has left.

    An adaptive run ends where its limit does: only what is planned already must be within it.
    """
    if limit_s is not None and price.planned_s > limit_s:
        raise InputError(
            f"max-qpu-seconds = {limit_s:g}: the jobs need about {price.planned_s:.1f} QPU seconds; allow more, or run "
            "fewer states, strengths or shots"
        )
    wanted = price.seconds if limit_s is None else min(price.seconds, limit_s)
    if price.remaining_s is not None and wanted > price.remaining_s:
        less = ", or let it end where --max-qpu-seconds does" if price.seconds > price.planned_s else ""
        raise InputError(
            f"the jobs need about {wanted:.1f} QPU seconds and the plan has {price.remaining_s:.1f} s left; run "
            f"fewer states, strengths or shots{less}"
        )


def approve(ledger: Ledger, mode: Mode, limit_s: float | None) -> None:
    """Write down that the user wants the jobs to be sent; from then on collecting sends what is still planned, too."""
    ledger.note("mode", mode)
    if limit_s is not None:
        ledger.note("limit_s", repr(limit_s))
    ledger.note("approved", datetime.datetime.now().astimezone().isoformat(timespec="seconds"))


def send(path: Path, submission: Submission, ledger: Ledger, service: Service, told: Told) -> None:
    """Send what is planned and look for duplicates; `told(sent, all)` after each job. Needs the run's lock.

    Raises
    ------
    InputError
        if the disk cannot hold the results.
    ServiceError
        if a job cannot be sent; see `send_planned`.
    """
    # a process may have been killed between planning a round and entering its jobs
    ledger.extend(len(submission.jobs))
    reconcile(ledger, service)
    if not ledger.jobs("planned"):
        return
    folders.check_space(path, submission)
    limit = ledger.about.get("limit_s")
    total = len(submission.jobs)
    backend = service.backend(submission.runcard.backend.name, fractional=submission.fractional)
    with _mode(backend, submission, ledger, service) as mode:
        send_planned(
            ledger,
            service,
            mode,
            lambda number: submission.shipment(
                number, submission.longest(number, None if limit is None else float(limit))
            ),
            lambda job: told(total - len(ledger.jobs("planned", "sending")), total),
        )
    # the client's own retries may have stored a job more than once without an error
    reconcile(ledger, service)


def close_batch(submission: Submission, ledger: Ledger, service: Service) -> None:
    """Close the batch that an adaptive run has kept open between its rounds, if it has."""
    kept = ledger.about.get(_BATCH)
    batch = None if kept is None else service.batch(kept, fractional=submission.fractional)
    if batch is not None:
        service.close_batch(batch)


@contextlib.contextmanager
def _mode(backend: IBMBackend, submission: Submission, ledger: Ledger, service: Service) -> Iterator[Any]:
    """What jobs are sent on: the backend itself, or a batch on it, which takes no more jobs afterwards.

    The batch of an adaptive run stays open for its next round.
    """
    if ledger.about.get("mode") != "batch":
        yield backend
        return
    if submission.runcard.adaptive is not None:
        kept = ledger.about.get(_BATCH)
        batch = None if kept is None else service.batch(kept, fractional=submission.fractional)
        if batch is None:
            batch = service.open_batch(backend)
            ledger.note(_BATCH, str(batch.session_id))
        yield batch
        return
    batch = service.open_batch(backend)
    try:
        yield batch
    finally:
        service.close_batch(batch)


def _check_same(path: Path, there: Runcard, asked: Runcard) -> None:
    before, now = described(there), described(asked)
    if now["backend"]["name"] == LEAST_BUSY:
        now["backend"]["name"] = before["backend"]["name"]
    # a model that was trained for the run stands in the folder by its file
    before["estimators"] = [SPECIALISED if is_specialised(name) else name for name in before["estimators"]]
    if before != now:
        odd = next(key for key in {**before, **now} if before.get(key) != now.get(key))
        raise InputError(
            f"out = {str(path)!r}: holds a run with another {odd} ({before.get(odd)!r}); name a new folder, or go on "
            f"with that run: qent-hw collect {path}"
        )
