"""The ledger of a run: every job it needs, written down before it is sent, and everything that happened to each.

An SQLite file in the run's folder. A job is sent under a tag of its own, on disk before the sending begins, so that
whatever became of a sending that broke off can be found out at the service (field-notes 28).
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qent_hw.errors import InputError

FILE = "ledger.sqlite"

CANCELLED = "cancelled"
"""A fact about a run that its user has cancelled: nothing is planned any more until they want it sent again."""

USED = "used"
"""What is written down, with QPU seconds as its note, once the service says what an attempt is charged for."""

DUPLICATE = "duplicate"
"""What is written down of a job that the service had stored once more, its note saying what became of that one."""

State = Literal["planned", "sending", "sent", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("planned", "sending", "sent", "done", "failed", "cancelled")

_MOVES: dict[State, tuple[State, ...]] = {
    "planned": ("sending", "cancelled"),
    # back to planned when the service is known to have nothing under the tag
    "sending": ("sent", "planned", "failed"),
    # sent again from done, when its raw result was lost from the folder
    "sent": ("done", "failed", "cancelled"),
    "done": ("sent",),
    "failed": ("planned",),
    "cancelled": ("planned",),
}

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL,
    tag TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    job_id TEXT,
    note TEXT NOT NULL
);
CREATE TABLE history (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    tag TEXT NOT NULL,
    what TEXT NOT NULL,
    job_id TEXT,
    note TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Job:
    """One job: its number in the run, the attempt (from 1) with its tag, its state, and its id once it has one."""

    number: int
    attempt: int
    tag: str
    state: State
    job_id: str | None
    note: str


@dataclass(frozen=True)
class Entry:
    """One thing that happened: when (ISO, with time zone), to which job and attempt, and what: a state or a remark."""

    at: str
    number: int
    attempt: int
    tag: str
    what: str
    job_id: str | None
    note: str


class Ledger:
    """An open ledger; use it as a context. `create` makes one, `Ledger(path)` opens one that exists.

    Raises
    ------
    InputError
        if the file is missing, is no ledger, or cannot be written (a full disk, a read-only folder).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"ledger {path}: there is none; is this the folder of a run on an IBM backend?")
        with self._said():
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA synchronous = FULL")
            self.about = {str(key): str(value) for key, value in self._db.execute("SELECT key, value FROM about")}

    @classmethod
    def create(cls, path: Path, run: str, n_jobs: int, about: dict[str, str]) -> Ledger:
        """A new ledger of a run (a short unique name) with `n_jobs` jobs, all planned."""
        try:
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
                db.execute("BEGIN")
                db.executemany("INSERT INTO about VALUES (?, ?)", {**about, "schema": "1", "run": run}.items())
                _plan(db, run, range(n_jobs))
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise InputError(f"ledger {path}: cannot be written: {error}") from None
        return cls(path)

    def extend(self, n_jobs: int) -> None:
        """Plan further jobs, so that there are `n_jobs` in all; does nothing where there are as many."""
        with self._said(), self._written():
            (there,) = self._db.execute("SELECT COUNT(*) FROM jobs").fetchone()
            _plan(self._db, self.run, range(there, n_jobs))

    @property
    def run(self) -> str:
        """The run's name, which is also a tag of each of its jobs."""
        return self.about["run"]

    def jobs(self, *states: State) -> list[Job]:
        """The jobs in these states (all by default), by number."""
        with self._said():
            rows = self._db.execute("SELECT number, attempt, tag, state, job_id, note FROM jobs ORDER BY number")
            jobs = [Job(*row) for row in rows]
        return [job for job in jobs if not states or job.state in states]

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state that has any."""
        found = [job.state for job in self.jobs()]
        return {state: found.count(state) for state in STATES if state in found}

    def history(self) -> list[Entry]:
        """Everything that happened, oldest first."""
        with self._said():
            rows = self._db.execute(
                "SELECT at, number, attempt, tag, what, job_id, note FROM history ORDER BY entry"
            ).fetchall()
        return [Entry(*row) for row in rows]

    def spent(self, jobs_s: Sequence[float]) -> float:
        """QPU seconds of everything that was sent, every attempt: what it is charged for where that is known, else what
        its job was thought to take, jobs_s (n_jobs,) or more."""
        seconds: dict[tuple[int, int], float] = {}
        for entry in self.history():
            attempt = entry.number, entry.attempt
            if entry.what == "sent":
                # a result that is fetched once more is sent of the same attempt
                seconds.setdefault(attempt, jobs_s[entry.number])
            elif entry.what == USED:
                seconds[attempt] = float(entry.note)
        return sum(seconds.values()) + sum(jobs_s[entry.number] for entry in self._ran_twice())

    def used_s(self) -> float | None:
        """QPU seconds that all attempts are charged for; None where that is not known of each."""
        used = {(entry.number, entry.attempt): float(entry.note) for entry in self.history() if entry.what == USED}
        return sum(used.values()) if used and not self.unsettled() and not self._ran_twice() else None

    def unsettled(self) -> list[Entry]:
        """The sending of each attempt of which it is not known what it is charged for."""
        entries = self.history()
        known = {(entry.number, entry.attempt) for entry in entries if entry.what == USED}
        sent = {(entry.number, entry.attempt): entry for entry in entries if entry.what == "sent"}
        return [entry for attempt, entry in sent.items() if attempt not in known]

    def _ran_twice(self) -> list[Entry]:
        return [one for one in self.history() if one.what == DUPLICATE and one.note != "cancelled"]

    def move(self, job: Job, state: State, *, job_id: str | None = None, note: str = "") -> Job:
        """Put a job into its next state, dated; `job` must be as the ledger has it.

        From `failed` or `cancelled` to `planned` begins a new attempt under a new tag. Raises InputError if another
        process has moved it meanwhile.
        """
        if state not in _MOVES[job.state]:
            raise ValueError(f"job {job.number}: no way from {job.state} to {state}")
        again = job.state in ("failed", "cancelled")
        attempt = job.attempt + again
        tag = _tag(self.run, job.number, attempt)
        kept = None if state == "planned" else job_id or job.job_id
        with self._said(), self._written():
            changed = self._db.execute(
                "UPDATE jobs SET attempt = ?, tag = ?, state = ?, job_id = ?, note = ? "
                "WHERE number = ? AND state = ? AND tag = ?",
                (attempt, tag, state, kept, note, job.number, job.state, job.tag),
            ).rowcount
            if changed != 1:
                raise InputError(f"ledger {self.path}: another process is at work on job {job.number} of this run")
            self._enter(job.number, attempt, tag, state, kept, note)
        return Job(job.number, attempt, tag, state, kept, note)

    def remark(self, job: Job, what: str, job_id: str | None = None, note: str = "") -> None:
        """Write down something that changes no state, such as a duplicate at the service or a refused result."""
        with self._said(), self._written():
            self._enter(job.number, job.attempt, job.tag, what, job_id, note)

    def note(self, key: str, value: str) -> None:
        """Write down a fact about the run."""
        with self._said(), self._written():
            self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))
        self.about[key] = value

    def forget(self, key: str) -> None:
        """Strike out a fact about the run, if it is there."""
        with self._said(), self._written():
            self._db.execute("DELETE FROM about WHERE key = ?", (key,))
        self.about.pop(key, None)

    def _enter(self, number: int, attempt: int, tag: str, what: str, job_id: str | None, note: str) -> None:
        self._db.execute(
            "INSERT INTO history (at, number, attempt, tag, what, job_id, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_now(), number, attempt, tag, what, job_id, note),
        )

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # Ctrl-C too: a transaction that stays open locks the ledger for as long as it is open
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"ledger {self.path}: cannot be used: {error}") from None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        self._db.close()


def _plan(db: sqlite3.Connection, run: str, numbers: range) -> None:
    tags = [(number, 1, _tag(run, number, 1)) for number in numbers]
    db.executemany("INSERT INTO jobs VALUES (?, ?, ?, 'planned', NULL, '')", tags)
    db.executemany(
        "INSERT INTO history (at, number, attempt, tag, what, job_id, note) VALUES (?, ?, ?, ?, 'planned', NULL, '')",
        [(_now(), *one) for one in tags],
    )


def _tag(run: str, number: int, attempt: int) -> str:
    return f"{run}-{number}-{attempt}"


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
