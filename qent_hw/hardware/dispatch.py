"""Jobs to the service and back, by the ledger: each is sent once, whatever breaks, and its result fetched and checked.

Sending is not idempotent: an error may come before or after the service stored the job, and the client's own retries
can store it several times. So a job is under its tag in the ledger before it is sent; after any unclear error, and
whenever a run is taken up again, the service is asked for the tag before anything is sent anew.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.errors import BackendError, InputError
from qent_hw.files import write_whole
from qent_hw.hardware.ibm.faults import ServiceError, can_be_sent_again
from qent_hw.hardware.ibm.sampler import WrongResultError, checked_bits, named
from qent_hw.hardware.ibm.service import Service
from qent_hw.hardware.ledger import DUPLICATE, USED, Job, Ledger

MOST_ATTEMPTS = 3
"""How often a job that the service ended as failed is sent in all, where sending it again can help."""


@dataclass(frozen=True)
class Shipment:
    """What one job measures: circuits with their parameter values, (rows, 10) radians each, and shots per row."""

    pubs: tuple[tuple[QuantumCircuit, NDArray[np.float64]], ...]
    shots: int
    longest_s: int | None


def reconcile(ledger: Ledger, service: Service) -> None:
    """Bring the ledger and the service together: adopt jobs whose sending broke off, cancel what was stored twice.

    Raises
    ------
    ServiceError
        if the service cannot be asked; the ledger then stays as it is.
    """
    at_service: dict[str, list[str]] = defaultdict(list)
    for remote in service.tagged(ledger.run, ledger.about.get("instance")):
        for tag in remote.tags:
            if tag != ledger.run:
                at_service[tag].append(remote.job_id)
    for job in ledger.jobs("sending"):
        _settle(ledger, service, job, at_service[job.tag])
    known: dict[str, set[str | None]] = defaultdict(set)
    tags: dict[int, list[str]] = defaultdict(list)
    for entry in ledger.history():
        known[entry.tag].add(entry.job_id)
        if entry.tag not in tags[entry.number]:
            tags[entry.number].append(entry.tag)
    for job in ledger.jobs():
        for job_id in [one for tag in tags[job.number] for one in at_service[tag] if one not in known[tag]]:
            _drop_duplicate(ledger, service, job, job_id)


def send_planned(
    ledger: Ledger, service: Service, mode: Any, ship: Callable[[int], Shipment], sent: Callable[[Job], None]
) -> None:
    """Send every planned job, one after the other; `ship(number)` gives what a job measures, `sent` is told of each.

    Raises
    ------
    ServiceError
        if the account's queue is full, the service refuses a job, or it cannot be reached; what was sent is in the
        ledger, what was not stays planned, and a sending whose outcome is unknown is settled by `reconcile`.
    """
    ledger.note("instance", service.instance)
    for job in ledger.jobs("planned"):
        sent(_send(ledger, service, mode, ship(job.number), job))


def fetch_ready(
    ledger: Ledger, service: Service, raw: Path, ship: Callable[[int], Shipment], told: Callable[[Job], None]
) -> None:
    """Fetch the results of all jobs that are done, and take note of those that failed or were cancelled.

    Results are checked and kept as `raw/job-N.npz`, bit patterns of every shot, and what a job is charged for is noted.
    A failed job is planned anew where that can help, up to `MOST_ATTEMPTS` times. `told` hears of every job that
    changed.

    Raises
    ------
    BackendError
        if a result stays wrong however often it is fetched; the others are fetched all the same.
    ServiceError
        if the service cannot be asked.
    """
    for job in ledger.jobs("done"):
        if not raw_path(raw, job.number).is_file():
            ledger.move(job, "sent", note="its raw result is no longer in the folder")
    refused: list[str] = []
    for job in ledger.jobs("sent"):
        assert job.job_id is not None
        state = service.state(job.job_id)
        if state.status == "done":
            problem = _fetch(ledger, service, raw, ship(job.number), job)
            if problem:
                refused.append(f"job {job.number} ({job.job_id}): {problem}")
            else:
                _note_usage(ledger, service, job)
                told(job)
        elif state.status == "cancelled":
            _note_usage(ledger, service, job)
            told(ledger.move(job, "cancelled", note="cancelled at the service"))
        elif state.status == "failed":
            _note_usage(ledger, service, job)
            failed = ledger.move(job, "failed", note=" ".join(state.reason.split())[:500])
            if can_be_sent_again(state.reason) and job.attempt < MOST_ATTEMPTS:
                failed = ledger.move(failed, "planned", note=f"attempt {job.attempt} failed: {failed.note}")
            told(failed)
    if refused:
        raise BackendError(f"a result is not what was asked for: {'; '.join(refused)}; collect again later")


def cancel_all(ledger: Ledger, service: Service) -> None:
    """Cancel every job that has not ended. One that is done already stays, and can be collected."""
    reconcile(ledger, service)
    for job in ledger.jobs("planned"):
        ledger.move(job, "cancelled", note="cancelled before it was sent")
    for job in ledger.jobs("sent"):
        assert job.job_id is not None
        state = service.cancel(job.job_id)
        if state.status in ("cancelled", "failed"):
            _note_usage(ledger, service, job)
        if state.status == "cancelled":
            ledger.move(job, "cancelled", note="cancelled")
        elif state.status == "failed":
            ledger.move(job, "failed", note=state.reason)


def note_usage(ledger: Ledger, service: Service) -> None:
    """Ask again what attempts are charged for where the service had not settled it when they ended, until it does not
    say."""
    jobs = {job.number: job for job in ledger.jobs()}
    for entry in ledger.unsettled():
        attempt = replace(jobs[entry.number], attempt=entry.attempt, tag=entry.tag, job_id=entry.job_id)
        if not _note_usage(ledger, service, attempt):
            return


def raw_path(raw: Path, number: int) -> Path:
    """Where the raw result of a job is kept: one array `pub_I` (rows, shots) of bit patterns for each of its PUBs."""
    return raw / f"job-{number}.npz"


def _send(ledger: Ledger, service: Service, mode: Any, shipment: Shipment, job: Job) -> Job:
    pubs = [(named(circuit, job.tag), values) for circuit, values in shipment.pubs]
    attempt = 0
    while True:
        attempt += 1
        job = ledger.move(job, "sending")
        try:
            job_id = service.send(mode, pubs, shipment.shots, [ledger.run, job.tag], shipment.longest_s)
        except ServiceError as error:
            fault = error.fault
            if fault.kind == "rejected":
                ledger.move(job, "failed", note=fault.message)
                raise
            if fault.answered:
                job = ledger.move(job, "planned", note=fault.message)
            time.sleep(service.patience.pause(attempt, fault.wait_s) if fault.again else 0)
            if not fault.answered:
                found = service.tagged(job.tag, ledger.about.get("instance"))
                job = _settle(ledger, service, job, [remote.job_id for remote in found], fault.message)
            if job.state == "sent":
                return job
            if not fault.again or attempt >= service.patience.tries:
                raise
        else:
            return ledger.move(job, "sent", job_id=job_id)


def _settle(ledger: Ledger, service: Service, job: Job, found: list[str], why: str = "the sending broke off") -> Job:
    """What a job whose sending broke off is, given the ids that the service has under its tag, oldest first."""
    if not found:
        return ledger.move(job, "planned", note=f"{why}; the service has nothing under its tag")
    job = ledger.move(job, "sent", job_id=found[0], note=f"{why}; found at the service by its tag")
    for job_id in found[1:]:
        _drop_duplicate(ledger, service, job, job_id)
    return job


def _drop_duplicate(ledger: Ledger, service: Service, job: Job, job_id: str) -> None:
    state = service.cancel(job_id)
    outcome = "cancelled" if state.status == "cancelled" else f"could not be cancelled: it was {state.status}"
    ledger.remark(job, DUPLICATE, job_id, outcome)


def _fetch(ledger: Ledger, service: Service, raw: Path, shipment: Shipment, job: Job) -> str | None:
    """Fetch and keep a result; what is wrong with it, if it stays wrong."""
    assert job.job_id is not None
    rows = [len(values) for _, values in shipment.pubs]
    problem = ""
    for attempt in range(1, service.patience.tries + 1):
        try:
            bits = checked_bits(service.result(job.job_id), rows, shipment.shots, job.tag)
        except WrongResultError as error:
            problem = str(error)
            ledger.remark(job, "refused", job.job_id, problem)
            if attempt < service.patience.tries:
                time.sleep(service.patience.pause(attempt, None))
            continue
        arrays: dict[str, Any] = {f"pub_{index}": one for index, one in enumerate(bits)}
        _keep(raw_path(raw, job.number), arrays)
        ledger.move(job, "done")
        return None
    return problem


def _note_usage(ledger: Ledger, service: Service, job: Job) -> bool:
    """Write down what an attempt is charged for, where the service says; what it was thought to take counts else."""
    assert job.job_id is not None
    used = service.used_s(job.job_id)
    if used is None:
        return False
    ledger.remark(job, USED, job.job_id, repr(used))
    return True


def _keep(path: Path, arrays: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, lambda file: np.savez_compressed(file, **arrays))
    except OSError as error:
        raise InputError(f"raw result {path}: cannot be written: {error.strerror or error}; collect again") from None
