"""What to print of remote runs: what one asks for and costs, and of those in a folder what has become of their jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qent_hw.errors import InputError
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.sending import Quote
from qent_hw.experiments.remote.submission import Submission
from qent_hw.hardware.ibm.service import Service
from qent_hw.hardware.ledger import DUPLICATE, Job


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
        duplicates = sum(entry.what == DUPLICATE for entry in ledger.history())
        return RunRow(path, ledger.about["backend"], (path / "report.html").is_file(), tuple(jobs), duplicates)


def run_lines(row: RunRow) -> Iterator[str]:
    """What to print of a run: a line on the whole, and one on each job, with what there is to say at its end."""
    facts = ["report written"] * row.finished
    if row.duplicates:
        facts.append(f"{row.duplicates} duplicate{'s' if row.duplicates > 1 else ''} at the service")
    yield ": ".join(filter(None, (f"{row.folder} on {row.backend}", ", ".join(facts))))
    width = max(len(now) for _, now in row.jobs)
    for job, now in row.jobs:
        more = [f"attempt {job.attempt}"] * (job.attempt > 1) + [job.note] * bool(job.note)
        yield "  ".join([f"  job {job.number}", now.ljust(width), job.job_id or "–", ", ".join(more)]).rstrip()


def plan_lines(submission: Submission, price: Quote) -> Iterator[str]:
    """What a run asks for, and what that costs, a line each."""
    runcard, forecast, cost = submission.runcard, submission.forecast, submission.cost
    what = f"{len(submission.plan.psi)} states × {len(runcard.settings)} settings, {runcard.injection.kind}"
    rows = sum(pub.n_rows for pub in submission.pubs)
    if forecast is None:
        yield f"{what}: {rows:,} circuits × {submission.pubs[0].shots} shots in {len(submission.jobs)} job(s)"
        yield f"about {cost.total_s:.1f} QPU seconds: {cost.how}"
    else:
        most = runcard.shots * len(runcard.settings)
        yield f"{what}: at most {most:,} shots a state, in at most {forecast.most_rounds} rounds"
        yield (
            f"about {forecast.seconds:.1f} ± {forecast.seconds_sd:.1f} QPU seconds (rehearsed on {forecast.rehearsed} "
            f"simulated states), {forecast.most_s:.1f} if no state is ever decided; all shots in one go take "
            f"{forecast.fixed_s:.1f}"
        )
        planned = f"{n} rounds are" if (n := len(submission.rounds)) > 1 else "the first round is"
        yield f"{planned} planned: {rows:,} circuits, {cost.total_s:.1f} QPU seconds"
    if price.limit_s is not None and forecast is not None:
        yield f"ends where {price.limit_s:g} QPU seconds do"
    if price.n_jobs < len(submission.jobs):
        further = "" if price.further_s is None else f", and about {price.further_s:.1f} for further rounds"
        yield f"spent so far: {price.spent_s:.1f} QPU seconds"
        yield f"still to be sent: {price.n_jobs} job(s), about {price.planned_s:.1f} QPU seconds{further}"


def check_places(places: Sequence[Path]) -> None:
    """Raise `InputError` for a place that is no folder."""
    for place in places:
        if not place.is_dir():
            raise InputError(f"jobs {str(place)!r}: there is no such folder")
