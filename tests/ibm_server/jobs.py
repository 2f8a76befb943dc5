"""Jobs, and what may befall them, the requests about them and the account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.ibm_server.devices import OFFERED

# see `spoilt`, which needs arrays and is loaded later
SPOILT = ("text", "null", "empty", "garbled", "fewer_pubs", "fewer_shots", "wrong_shape", "foreign")
FINAL = ("Completed", "Failed", "Cancelled")
MISHAPS = ("status", "reset", "silence", "half", "cut")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with requests.

    Attributes
    ----------
    endpoint
        pattern over "METHOD template", such as ``POST /jobs``, ``GET /jobs/{id}/results``, ``POST /identity/token``,
        ``GET *`` or ``*``; templates as in `routes.ROUTES`.
    does
        ``status``: answer with `status`; ``reset``: cut the connection (RST) without a word; ``silence``: hold it open
        and say nothing; ``half``: half the body, then silence; ``cut``: half the body, then the end.
    retry_after
        seconds, as a header of a ``status`` answer.
    after
        the platform does its work (stores the job, …) before this happens; otherwise it does not. ``half`` and ``cut``
        come after always.
    times
        for so many requests; `None`: until cleared.
    skip
        so many matching requests pass unharmed first.
    """

    endpoint: str
    does: str = "status"
    status: int = 500
    message: str = "loopback fault"
    retry_after: float | None = None
    after: bool = False
    times: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        if self.does not in MISHAPS:
            raise ValueError(f"does = {self.does!r}: a fault is one of {', '.join(MISHAPS)}")


@dataclass(frozen=True)
class Fate:
    """What becomes of jobs.

    Attributes
    ----------
    ends
        ``Completed``, ``Failed`` or ``Cancelled``; only the first is run.
    reason, reason_code
        of one that does not complete.
    result
        `None` for the truth, otherwise how the results are spoilt: ``text`` (a JSON string), ``null``, ``empty`` (no
        content), ``garbled`` (JSON broken off), ``fewer_pubs``, ``fewer_shots``, ``wrong_shape`` (one row too few),
        ``foreign`` (another circuit's).
    queue_s, queue_polls, run_s, run_polls
        stays Queued, then Running, for at least so many seconds and so many polls answered with that status.
    times
        for the next so many jobs stored; `None`: for all until cleared. Fates are used up in the order given: a plain
        ``Fate(times=2)`` before another spares two jobs.
    """

    ends: str = "Completed"
    reason: str | None = None
    reason_code: int | None = None
    result: str | None = None
    queue_s: float = 0.0
    queue_polls: int = 0
    run_s: float = 0.0
    run_polls: int = 0
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.ends not in FINAL:
            raise ValueError(f"ends = {self.ends!r}: a job ends as {', '.join(FINAL)}")
        if self.result not in (None, *SPOILT):
            raise ValueError(f"result = {self.result!r}: results are spoilt as {', '.join(SPOILT)}")


@dataclass
class Job:
    """A stored job.

    `history` holds (status, seconds since the epoch); `executions` counts how often the machine began to run it;
    `polls` how often its present status was told.
    """

    id: str
    number: int
    program: str
    backend: str
    tags: list[str]
    params: dict[str, Any]
    session_id: str | None
    cost: int | None
    private: bool
    fate: Fate
    history: list[tuple[str, float]]
    reason: str | None = None
    reason_code: int | None = None
    executions: int = 0
    polls: int = 0
    qpu_seconds: float = 0.0
    result: str | None = None

    @property
    def status(self) -> str:
        """Queued, Running, Completed, Failed or Cancelled."""
        return self.history[-1][0]

    def since(self, status: str) -> float | None:
        """When it got to `status` (seconds since the epoch)."""
        return next((when for name, when in self.history if name == status), None)

    def facts(self) -> dict[str, Any]:
        """What `/_admin/jobs` tells."""
        names = ("id", "number", "program", "backend", "tags", "session_id", "reason", "reason_code", "executions")
        shown = {name: getattr(self, name) for name in names}
        return shown | {"status": self.status, "created": self.history[0][1], "history": self.history}


@dataclass
class Settings:
    """The account and its machines, as they stand.

    Attributes
    ----------
    limit_s, consumed_s
        QPU seconds of the plan and those used up; no limit: `None`. Jobs that ran are added to the latter.
    backends
        names on offer.
    queue_length, status, state
        by backend name, where they are not 0, ``active`` and `True`; a machine whose state is `False` runs nothing.
    """

    limit_s: float | None = 600.0
    consumed_s: float = 0.0
    backends: list[str] = field(default_factory=lambda: list(OFFERED))
    queue_length: dict[str, int] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    state: dict[str, bool] = field(default_factory=dict)
