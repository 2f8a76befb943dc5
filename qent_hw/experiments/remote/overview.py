"""All remote runs of a folder and their jobs, with what the service says of them now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from qent_hw.errors import InputError
from qent_hw.experiments.remote import folder as folders
from qent_hw.hardware.ibm.service import Service
from qent_hw.hardware.ledger import Job


@dataclass(frozen=True)
class RunRow:
    """A remote run: its folder, backend, whether its report is there, and its jobs, each with what it is now.

    `now` is the ledger's state, or the service's (queued, running, done, …) for a job that was sent.
    """

    folder: Path
    backend: str
    finished: bool
    jobs: tuple[tuple[Job, str], ...]
    duplicates: int


def find_runs(places: Sequence[Path]) -> list[Path]:
    """Folders of remote runs among `places` and right below them, in alphabetical order; none that is half made."""
    found = [place for place in places if folders.is_remote(place)]
    below = [child for place in places if place.is_dir() for child in place.iterdir()]
    found += [child for child in below if not child.name.startswith(".") and folders.is_remote(child)]
    return sorted(set(found))


def run_row(path: Path, service: Service | None) -> RunRow:
    """The row of the run in that folder; asks the service, where given, for the jobs that have not ended.

    Raises
    ------
    InputError
        if the ledger cannot be read.
    ServiceError
        if the service cannot be asked.
    """
    with folders.open_ledger(path) as ledger:
        jobs = [
            (job, service.state(job.job_id).status if service and job.state == "sent" and job.job_id else job.state)
            for job in ledger.jobs()
        ]
        duplicates = sum(entry.what == "duplicate" for entry in ledger.history())
        return RunRow(path, ledger.about["backend"], (path / "report.html").is_file(), tuple(jobs), duplicates)


def run_table(rows: Iterable[RunRow]) -> Table:
    """A table to print, a row a job."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("run", "backend", "job", "state", "id at IBM", "attempt"):
        table.add_column(heading, no_wrap=heading != "run", overflow="fold")
    table.add_column("note")
    for row in rows:
        for index, (job, now) in enumerate(row.jobs):
            first = index == 0
            note = job.note or ("report written" if first and row.finished else "")
            if first and row.duplicates:
                note = f"{row.duplicates} duplicate(s) at the service; {note}".rstrip("; ")
            table.add_row(
                str(row.folder) if first else "",
                row.backend if first else "",
                str(job.number),
                now,
                job.job_id or "–",
                str(job.attempt),
                note,
            )
    return table


def check_places(places: Sequence[Path]) -> None:
    """Raise `InputError` for a place that is no folder."""
    for place in places:
        if not place.is_dir():
            raise InputError(f"jobs {str(place)!r}: there is no such folder")
