"""One connection to IBM's service, by its own client: every call bounded in time, reads tried again, faults named."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import tenacity
from numpy.typing import NDArray
from qiskit.providers.exceptions import QiskitBackendNotFoundError

from qent_hw.errors import InputError
from qent_hw.hardware.ibm.deadline import within
from qent_hw.hardware.ibm.faults import Fault, NoAccountError, ServiceError, fault_of_token
from qent_hw.hardware.ibm.sampler import make_sampler

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime import Batch, IBMBackend, QiskitRuntimeService
    from qiskit_ibm_runtime.models import BackendStatus

T = TypeVar("T")

LEAST_BUSY = "ibm:least-busy"
_AT_ONCE_S = 10.0
_NO_LIST = "the backends could not be listed"

Status = Literal["queued", "running", "done", "failed", "cancelled"]
_STATUS: dict[str, Status] = {
    "INITIALIZING": "queued",
    "QUEUED": "queued",
    "RUNNING": "running",
    "DONE": "done",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True)
class Patience:
    """How long one call may take, and one that carries a job or a result; how often a read is tried, and the back-off
    between tries, doubled each time and with jitter."""

    call_s: float = 60.0
    transfer_s: float = 300.0
    tries: int = 3
    backoff_s: float = 1.0
    longest_wait_s: float = 60.0

    @classmethod
    def from_environment(cls) -> Patience:
        """The default, with the seconds that any call may take from `QENT_HW_TIMEOUT_S` where that is set."""
        text = os.environ.get("QENT_HW_TIMEOUT_S")
        if text is None:
            return cls()
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise InputError(f"QENT_HW_TIMEOUT_S = {text!r}: must be a number of seconds above 0")
        return cls(call_s=seconds, transfer_s=seconds)

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after the attempt of that number (from 1): what the service asks for, or the back-off."""
        if asked is not None:
            return min(asked, self.longest_wait_s)
        doubled = self.backoff_s * 2.0 ** (attempt - 1)
        return min(doubled * (1 + np.random.default_rng().uniform()), self.longest_wait_s)


@dataclass(frozen=True)
class RemoteJob:
    """A job as the service knows it: its id and tags."""

    job_id: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class JobState:
    """What has become of a job, and why if it failed."""

    status: Status
    reason: str = ""


class Service:
    """The service behind the account of this machine. See `connect`."""

    def __init__(self, client: QiskitRuntimeService, patience: Patience) -> None:
        self._client = client
        self.patience = patience

    def backend(self, name: str, *, fractional: bool = False) -> IBMBackend:
        """The backend of that name (`ibm_…`), or with `ibm:least-busy` the operational one with the shortest queue.

        Raises
        ------
        InputError
            if the account has no backend of that name; those it has are listed.
        ServiceError
            if the service cannot be asked.
        """
        if name == LEAST_BUSY:
            name = self._least_busy()
        try:
            return self._read(
                f"backend {name} could not be read",
                lambda: _with_target(self._client.backend(name, use_fractional_gates=fractional)),
            )
        except ServiceError as error:
            if not isinstance(error.__cause__, QiskitBackendNotFoundError):
                raise
        if name in self._bare_names():
            raise ServiceError(
                Fault("disturbed", f"backend {name} could not be read: IBM lists it without describing it")
            )
        listed = ", ".join(self.names()) or "none at all"
        raise InputError(f"backend {name!r}: the account has no backend of that name; it has: {listed}")

    def names(self) -> tuple[str, ...]:
        """Names of the account's backends, in alphabetical order."""
        return tuple(sorted(str(one.name) for one in self._listed()))

    def backends(self) -> list[IBMBackend]:
        """All of the account's backends."""
        return [
            self._read(f"backend {one.name} could not be read", partial(_with_target, one)) for one in self._listed()
        ]

    def status(self, backend: IBMBackend) -> BackendStatus:
        """Whether the backend is available now, and how many jobs wait for it."""
        return self._read(f"the status of {backend.name} could not be read", backend.status)

    def usage(self) -> dict[str, Any]:
        """The instance's usage as the service reports it; `usage_remaining_seconds` where the plan has a limit."""
        return dict(self._read("the plan's usage could not be read", self._client.usage))

    @property
    def instance(self) -> str:
        """The instance (CRN) in use."""
        return self._client.active_instance()

    def send(
        self,
        mode: Any,
        pubs: Sequence[tuple[QuantumCircuit, NDArray[np.float64]]],
        shots: int,
        tags: Sequence[str],
        longest_s: int | None = None,
    ) -> str:
        """Send one job on `mode` (a backend or a batch) and return its id; tried once, for sending is not idempotent.

        `longest_s` bounds its time on the machine. Raises ServiceError; whether the job exists may then be unknown.
        """
        sampler = make_sampler(mode)
        sampler.options.environment.job_tags = list(tags)
        if longest_s is not None:
            sampler.options.max_execution_time = longest_s
        what = "the job could not be sent"
        return within(self.patience.transfer_s, what, lambda: str(sampler.run(list(pubs), shots=shots).job_id()))

    def fractional(self, backend: IBMBackend) -> IBMBackend | None:
        """The same backend with its fractional gates in the target; None if it has none."""
        try:
            return self.backend(backend.name, fractional=True)
        except ServiceError as error:
            if error.fault.kind == "rejected":
                return None
            raise

    def open_batch(self, backend: IBMBackend) -> Batch:
        """A batch on the backend: its jobs run one after the other, with nobody else's between them."""
        from qiskit_ibm_runtime import Batch

        return self._read("a batch could not be opened", lambda: Batch(backend=backend))

    def batch(self, batch_id: str, *, fractional: bool = False) -> Batch | None:
        """The batch of that id; None if it takes no more jobs, or is not known any more."""
        from qiskit_ibm_runtime import Batch

        def ask() -> Batch | None:
            found = Batch.from_id(batch_id, self._client, use_fractional_gates=fractional)
            return found if (found.details() or {}).get("accepting_jobs") else None

        try:
            return self._read(f"batch {batch_id} could not be asked for", ask)
        except ServiceError as error:
            if error.fault.kind == "rejected":
                return None
            raise

    def close_batch(self, batch: Batch) -> None:
        """Let the batch take no more jobs; those it has run on. It closes by itself, should this fail."""
        with contextlib.suppress(ServiceError):
            self._read("the batch could not be closed", batch.close)

    def tagged(self, tag: str, instance: str | None = None) -> list[RemoteJob]:
        """Every job with that tag, oldest first."""
        jobs = self._read(
            "the jobs could not be listed",
            lambda: self._client.jobs(limit=None, job_tags=[tag], instance=instance, descending=False),
        )
        return [RemoteJob(str(job.job_id()), tuple(job.tags or ())) for job in jobs]

    def state(self, job_id: str) -> JobState:
        """What has become of the job of that id."""

        def ask() -> JobState:
            job = self._client.job(job_id)
            status = _STATUS.get(str(job.status()))
            if status is None:
                raise ValueError(f"its status is {job.status()!r}, which is none of {', '.join(_STATUS)}")
            return JobState(status, (job.error_message() or "") if status == "failed" else "")

        return self._read(f"job {job_id} could not be asked for", ask)

    def result(self, job_id: str) -> Any:
        """The result of a job that is done, as the client decodes it; see `checked_bits`."""
        what = f"the result of job {job_id} could not be fetched"
        seconds = self.patience.transfer_s
        return self._read(what, lambda: self._client.job(job_id).result(timeout=seconds), seconds)

    def used_s(self, job_id: str) -> float | None:
        """QPU seconds that the job of that id is charged for; None where the service has not settled it, or does not
        answer at once: nothing that is done waits for it."""

        def ask() -> float | None:
            usage = self._client.job(job_id).metrics().get("usage", {})
            charged = usage.get("qpu_charge_time_seconds")
            return None if charged is None or usage.get("status", "pending") == "pending" else float(charged)

        try:
            return within(min(_AT_ONCE_S, self.patience.call_s), f"the usage of job {job_id} could not be read", ask)
        except ServiceError:
            return None

    def cancel(self, job_id: str) -> JobState:
        """Cancel the job, and return what has become of it: it may have ended before."""

        def ask() -> None:
            from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError

            job = self._client.job(job_id)
            if job.status() in job.JOB_FINAL_STATES:
                return
            try:
                job.cancel()
            except RuntimeInvalidStateError:  # it ended meanwhile
                return

        self._read(f"job {job_id} could not be cancelled", ask)
        return self.state(job_id)

    def _listed(self) -> list[IBMBackend]:
        """All backends, without their targets."""
        found = self._read(_NO_LIST, self._client.backends)
        if not found:
            self._bare_names()
        return found

    def _bare_names(self) -> set[str]:
        """Names as the service lists them, whether it describes those backends or not.

        The client's own list leaves out what it cannot get a description of, and is empty whatever went wrong
        (field-notes 30): this one fails if it fails.
        """
        return {
            str(one["name"]) for one in self._read(_NO_LIST, lambda: self._client._active_api_client.list_backends())
        }

    def _least_busy(self) -> str:
        what = "the least busy backend could not be found"
        if not self.names():
            raise InputError(f"backend {LEAST_BUSY!r}: the account has no backend")
        return str(self._read(what, lambda: self._client.least_busy(operational=True, simulator=False)).name)

    def _read(self, what: str, call: Callable[[], T], seconds: float | None = None) -> T:
        """The answer to a call that changes nothing, or nothing twice; tried again where that can help."""
        return cast(T, trying(self.patience)(within, seconds or self.patience.call_s, what, call))


def _with_target(backend: IBMBackend) -> IBMBackend:
    # the client asks for the properties only when they are needed, and would then wait for them without end
    _ = backend.target
    return backend


def connect(patience: Patience | None = None) -> Service:
    """Connect with the saved account or the standard environment variables (QISKIT_IBM_TOKEN, QISKIT_IBM_INSTANCE).

    Raises
    ------
    NoAccountError
        if there is neither.
    ServiceError
        if the service cannot be reached or refuses the account.
    """
    from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError

    patience = patience or Patience.from_environment()
    try:
        client = trying(patience)(within, patience.call_s, "IBM's service could not be reached", _client)
    except ServiceError as error:
        if isinstance(error.__cause__, AccountNotFoundError):
            raise NoAccountError(
                "no IBM account: save one with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN and "
                "QISKIT_IBM_INSTANCE"
            ) from None
        raise
    return Service(client, patience)


def _client() -> QiskitRuntimeService:
    """The client. It hides a refused key behind a warning and an empty list of backends: here it is an error."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        client = QiskitRuntimeService()
    for text in (str(one.message) for one in said):
        if "Unable to retrieve IBM Cloud access token" in text:
            raise ServiceError(fault_of_token(text))
    return client


def trying(patience: Patience) -> tenacity.Retrying:
    """Call something again while its fault says that this can help, with a back-off, up to `patience.tries` times."""

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        return patience.pause(state.attempt_number, error.fault.wait_s if isinstance(error, ServiceError) else None)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, ServiceError) and error.fault.again),
        stop=tenacity.stop_after_attempt(patience.tries),
        wait=pause,
        reraise=True,
    )
