"""From a runcard to jobs at the service: plan, price, consent, and sending by the ledger."""

from __future__ import annotations

import contextlib
import datetime
import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qent_hw.errors import InputError
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.forecast import forecast_of
from qent_hw.experiments.remote.rounds import may_go_on
from qent_hw.experiments.remote.submission import Submission, check_injection, plan_submission
from qent_hw.experiments.run_folder import described
from qent_hw.experiments.runcard import Runcard, parse_runcard
from qent_hw.experiments.specialise import NAME as SPECIALISED
from qent_hw.experiments.specialise import is_specialised
from qent_hw.hardware.dispatch import cancel_all, reconcile, send_planned
from qent_hw.hardware.ibm.faults import ServiceError
from qent_hw.hardware.ibm.service import LEAST_BUSY, Service
from qent_hw.hardware.ledger import CANCELLED, Ledger

if TYPE_CHECKING:
    from qiskit_ibm_runtime import Batch, IBMBackend

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
    spent_s
        QPU seconds of what was sent already, every attempt; see `Ledger.spent`.
    further_s
        what further rounds of an adaptive run are expected to take; None where there is none to come.
    limit_s
        QPU seconds that the user allows for the whole run, now or when it was sent first; None for any.
    remaining_s
        QPU seconds the plan has left; None where it has no limit or does not say.
    """

    n_jobs: int
    planned_s: float
    spent_s: float
    further_s: float | None
    limit_s: float | None
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
        with folders.open_ledger(path) as ledger:
            folders.check_rounds(path, submission, ledger)
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
    folders.create(path, submission, f"qent-hw-{uuid.uuid4().hex[:16]}")


def quote(path: Path, submission: Submission, service: Service, limit_s: float | None = None) -> Quote:
    """What is still to be sent, what it will cost, and what the plan has left; asks the service for its usage.

    limit_s: what the user allows; None for what they have allowed before, if this is a run that is there already.
    """
    jobs_s, forecast = submission.cost.jobs_s, submission.forecast
    left, spent = list(range(len(jobs_s))), 0.0
    goes_on = forecast is not None
    if folders.is_remote(path):
        with folders.open_ledger(path) as ledger:
            entered = ledger.jobs()
            left = [job.number for job in entered if job.state in ("planned", "sending")]
            if CANCELLED in ledger.about:
                left += [job.number for job in entered if job.state == "cancelled"]
            left += range(len(entered), len(jobs_s))
            spent = ledger.spent(jobs_s)
            if limit_s is None and "limit_s" in ledger.about:
                limit_s = float(ledger.about["limit_s"])
        goes_on = goes_on and may_go_on(path, submission)
    planned = sum(jobs_s[number] for number in left)
    further = max(0.0, forecast.seconds - sum(jobs_s)) if forecast is not None and goes_on else None
    remaining = service.usage().get("usage_remaining_seconds")
    return Quote(len(left), planned, spent, further, limit_s, None if remaining is None else float(remaining))


def check_price(price: Quote) -> None:
    """Raise `InputError` if the run costs more than the user's limit, or the rest of it more than the plan has left.

    An adaptive run ends where its limit does: only what is planned already must be within it.
    """
    limit, wanted = price.limit_s, price.planned_s + (price.further_s or 0.0)
    if limit is not None:
        if price.n_jobs:
            _check_limit(limit, price.spent_s, price.planned_s)
        wanted = min(wanted, max(price.planned_s, limit - price.spent_s))
    if price.remaining_s is not None and wanted > price.remaining_s:
        less = ", or let it end where --max-qpu-seconds does" if price.further_s else ""
        raise InputError(
            f"the jobs need about {wanted:.1f} QPU seconds and the plan has {price.remaining_s:.1f} s left; run "
            f"fewer states, strengths or shots{less}"
        )


def _check_limit(limit_s: float, spent_s: float, needed_s: float) -> None:
    if spent_s + needed_s > limit_s:
        before = f", after {spent_s:.1f} that were spent" if spent_s else ""
        raise InputError(
            f"max-qpu-seconds = {limit_s:g}: the jobs need about {needed_s:.1f} QPU seconds{before}; allow more, or "
            "run fewer states, strengths or shots"
        )


def approve(ledger: Ledger, mode: Mode, limit_s: float | None) -> None:
    """Write down that the user wants the jobs to be sent, those too that they have cancelled; from then on collecting
    sends what is still planned."""
    if CANCELLED in ledger.about:
        for job in ledger.jobs("cancelled"):
            ledger.move(job, "planned", note="sent after all, as asked")
        ledger.forget(CANCELLED)
    ledger.note("mode", mode)
    if limit_s is not None:
        ledger.note("limit_s", repr(limit_s))
    ledger.note("approved", datetime.datetime.now().astimezone().isoformat(timespec="seconds"))


def send(path: Path, submission: Submission, ledger: Ledger, service: Service, told: Told) -> None:
    """Send what is planned and look for duplicates; `told(sent, all)` after each job. Needs the run's lock.

    Raises
    ------
    InputError
        if the disk cannot hold the results, or the user allows too few QPU seconds for one more attempt.
    ServiceError
        if a job cannot be sent; see `send_planned`.
    """
    folders.enter_jobs(path, submission, ledger)
    reconcile(ledger, service)
    if not ledger.jobs("planned"):
        return
    folders.check_space(path, submission)
    longest, total = _longest(submission, ledger), len(submission.jobs)
    backend = service.backend(submission.runcard.backend.name, fractional=submission.fractional)
    with _mode(backend, submission, ledger, service) as mode:
        send_planned(
            ledger,
            service,
            mode,
            lambda number: submission.shipment(number, longest.get(number)),
            lambda job: told(total - len(ledger.jobs("planned", "sending")), total),
        )
    # the client's own retries may have stored a job more than once without an error
    reconcile(ledger, service)


def cancel(path: Path, ledger: Ledger, service: Service) -> None:
    """Cancel every job that has not ended, and let no round follow; needs the run's lock, and of its folder the ledger
    alone."""
    ledger.note(CANCELLED, datetime.datetime.now().astimezone().isoformat(timespec="seconds"))
    cancel_all(ledger, service)
    with contextlib.suppress(InputError):
        submission = folders.load(path)
        folders.enter_jobs(path, submission, ledger)
        for job in ledger.jobs("planned"):
            ledger.move(job, "cancelled", note="cancelled before it was sent")
        close_batch(submission, ledger, service)


def close_batch(submission: Submission, ledger: Ledger, service: Service) -> None:
    """Close the batch that an adaptive run has kept open between its rounds, if it has; it closes by itself, should
    this fail."""
    with contextlib.suppress(ServiceError):
        batch = _kept_batch(submission, ledger, service)
        if batch is not None:
            service.close_batch(batch)


def _kept_batch(submission: Submission, ledger: Ledger, service: Service) -> Batch | None:
    """The batch that an adaptive run has kept open, if it still takes jobs."""
    kept = ledger.about.get(_BATCH)
    return None if kept is None else service.batch(kept, fractional=submission.fractional)


def _longest(submission: Submission, ledger: Ledger) -> dict[int, int]:
    """Seconds after which the service is to stop each job that is planned: its share of what the limit leaves, but no
    less than it is thought to need; empty without a limit."""
    if "limit_s" not in ledger.about:
        return {}
    jobs_s, limit = submission.cost.jobs_s, float(ledger.about["limit_s"])
    planned, waiting = ([job.number for job in ledger.jobs(state)] for state in ("planned", "sent"))
    spent, needed = ledger.spent(jobs_s), sum(jobs_s[number] for number in planned)
    _check_limit(limit, spent, needed)
    # what is under way was given its share already
    under_way = sum(jobs_s[number] for number in waiting)
    of_all = (limit - spent + under_way) / (needed + under_way)
    return {number: math.ceil(jobs_s[number] * max(1.0, of_all)) for number in planned}


@contextlib.contextmanager
def _mode(backend: IBMBackend, submission: Submission, ledger: Ledger, service: Service) -> Iterator[Any]:
    """What jobs are sent on: the backend itself, or a batch on it, which takes no more jobs afterwards.

    The batch of an adaptive run stays open for its next round.
    """
    if ledger.about.get("mode") != "batch":
        yield backend
        return
    if submission.runcard.adaptive is not None:
        batch = _kept_batch(submission, ledger, service)
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
