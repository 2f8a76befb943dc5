"""The commands for backends that take jobs: submit, jobs, collect, cancel; and run, when its backend is such a one."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qent_hw.cli_options import (
    BadFitOk,
    ErrorRate,
    IsAdaptive,
    MaxAge,
    Record,
    Shots,
    StaleOk,
    adaptive_choice,
    pair,
    record_entries,
)
from qent_hw.errors import BackendError, InputError, Interrupted

if TYPE_CHECKING:
    from qent_hw.experiments.remote.sending import Quote
    from qent_hw.experiments.remote.submission import Submission
    from qent_hw.experiments.run import Run
    from qent_hw.experiments.runcard import Runcard
    from qent_hw.hardware.ibm.service import Service

_HOURS = 24.0

Yes = Annotated[bool, typer.Option("--yes", help="IBM backend: send without asking.")]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        help="IBM backend: spend no more QPU seconds: refuse a run that needs more, end an adaptive one.", min=0
    ),
]
Batch = Annotated[bool, typer.Option("--batch", help="IBM backend: send the jobs (of all rounds) as one batch.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (submit, jobs, collect, cancel):
        app.command()(command)


def submit(
    runcard: Annotated[str, typer.Argument(help="A runcard (TOML), or the name of a shipped one.")],
    backend: Annotated[str | None, typer.Option(help="ibm_… or ibm:least-busy instead of the runcard's.")] = None,
    out: Annotated[str | None, typer.Option(help="The run's folder; by default a new one in runs/.")] = None,
    shots: Shots = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the states and the estimates.")] = None,
    injection: Annotated[str | None, typer.Option(help="twirl or idle.")] = None,
    qubits: Annotated[str | None, typer.Option(help="The pair on the device, such as 3,4.")] = None,
    record: Record = None,
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
    adaptive: IsAdaptive = False,
    error_rate: ErrorRate = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and price everything, and send nothing.")] = False,
    max_qpu_seconds: MaxSeconds = None,
    batch: Batch = False,
    at_least: Annotated[int, typer.Option("--jobs", help="Cut the run into at least so many jobs.", min=1)] = 1,
) -> None:
    """Send a run to an IBM backend: shows the price first; given again, it goes on where it broke off."""
    from qent_hw.experiments.run_folder import default_folder
    from qent_hw.experiments.runcard import load_runcard, overrides_of

    path = Path(out) if out is not None else default_folder(runcard)
    entries = record_entries(record, max_age, stale_ok, bad_fit_ok)
    rounds = adaptive_choice(adaptive, error_rate, load_runcard(runcard))
    card = load_runcard(runcard, **overrides_of(backend, shots, seed, injection, pair(qubits), entries, rounds))
    _check_takes_jobs(card.backend.name)
    with _to_go_on(path):
        sent = send_run(
            card, path, yes=yes, dry_run=dry_run, max_qpu_seconds=max_qpu_seconds, batch=batch, at_least=at_least
        )
    if sent:
        typer.echo(f"sent; the results, now or later: qent-hw collect {path} --wait")


def jobs(
    places: Annotated[list[str] | None, typer.Argument(help="Folders of runs, or folders that hold some.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """All runs on IBM backends and their jobs, with their present states where the account can be asked."""
    from qent_hw.experiments.remote.overview import check_places, find_runs, run_lines, run_row
    from qent_hw.hardware.ibm.faults import NoAccountError

    named = [Path(place) for place in places or ()]
    check_places(named)
    found = find_runs(named or [Path("runs")])
    service, trouble = None, ""
    try:
        service = connect_quietly() if found else None
        rows = [run_row(path, service) for path in found]
    except (NoAccountError, BackendError) as error:
        trouble = str(error)
        rows = [run_row(path, None) for path in found]
    if as_json:
        plain = [
            {
                "run": str(row.folder),
                "backend": row.backend,
                "finished": row.finished,
                "duplicates": row.duplicates,
                "jobs": [
                    {"number": job.number, "state": now, "id": job.job_id, "attempt": job.attempt, "note": job.note}
                    for job, now in row.jobs
                ],
            }
            for row in rows
        ]
        typer.echo(json.dumps({"live": not trouble, "runs": plain}, indent=2))
    elif not rows:
        typer.echo("no run on an IBM backend here; qent-hw submit makes one")
    else:
        for row in rows:
            typer.echo("\n".join(run_lines(row)))
    if trouble:
        typer.echo(f"qent-hw: states are those of the ledger: {trouble}", err=True)


def collect(
    folder: Annotated[str, typer.Argument(help="The run's folder.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all jobs are done.")] = False,
    hours: Annotated[float, typer.Option(help="The longest wait.", min=0)] = _HOURS,
    again: Annotated[bool, typer.Option("--again", help="Send failed and cancelled jobs once more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Fetch what is ready, and send the next round of an adaptive run; when everything is there, finish the run with
    the same report as a local one."""
    path = Path(folder)
    _ledger_states(path)
    wait_s = 3600 * hours if wait else 0.0
    with _to_go_on(path):
        finished = collect_run(path, connect_quietly(), wait_s=wait_s, again=again, silent=quiet or as_json)
    show(finished, path, as_json, quiet)


def cancel(folder: Annotated[str, typer.Argument(help="The run's folder.")]) -> None:
    """Cancel all jobs of a run that have not ended; what is done can still be collected."""
    from qent_hw.experiments.remote import folder as folders
    from qent_hw.experiments.remote import sending

    path = Path(folder)
    _ledger_states(path)
    with folders.lock(path), folders.open_ledger(path) as ledger:
        sending.cancel(path, ledger, connect_quietly())
    typer.echo(f"run {path}: {_ledger_states(path)}")


def run_remote(
    runcard: Runcard,
    path: Path,
    *,
    yes: bool,
    max_qpu_seconds: float | None,
    batch: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """`run` on a backend that takes jobs: submit, then wait and collect."""
    silent = as_json or quiet
    with _to_go_on(path):
        service = send_run(
            runcard, path, yes=yes, max_qpu_seconds=max_qpu_seconds, batch=batch, silent=silent, to_stderr=True
        )
        if service is not None:
            show(collect_run(path, service, wait_s=3600 * _HOURS, silent=silent), path, as_json, quiet)


@contextmanager
def _to_go_on(path: Path) -> Iterator[None]:
    """Say on Ctrl-C how the run is taken up again, once there is one."""
    from qent_hw.experiments.remote.folder import is_remote

    try:
        yield
    except KeyboardInterrupt:
        if not is_remote(path):
            raise
        raise Interrupted(f"interrupted; what was sent runs on, to go on: qent-hw collect {path} --wait") from None


def send_run(
    runcard: Runcard,
    path: Path,
    *,
    yes: bool,
    max_qpu_seconds: float | None,
    dry_run: bool = False,
    batch: bool = False,
    at_least: int = 1,
    silent: bool = False,
    to_stderr: bool = False,
) -> Service | None:
    """Plan, show the price, ask, and send; the service if everything was sent, None if nothing was to be.

    Raises
    ------
    InputError, BackendError
        in one line; what was sent is in the folder's ledger.
    """
    from qent_hw.experiments.remote import folder as folders
    from qent_hw.experiments.remote import sending
    from qent_hw.experiments.remote.submission import check_injection
    from qent_hw.hardware.ibm.faults import ServiceError

    if not yes and not dry_run and not sys.stdin.isatty():
        raise InputError("sending costs QPU time and there is no terminal to ask on; give --yes, or --dry-run to plan")
    check_injection(runcard)
    if max_qpu_seconds is not None and not math.isfinite(max_qpu_seconds):
        raise InputError(f"max-qpu-seconds = {max_qpu_seconds}: must be a finite number of seconds")
    if at_least > 1 and runcard.adaptive is not None:
        raise InputError(f"jobs = {at_least}: an adaptive run has one for each round; leave out --jobs")
    there = folders.is_remote(path)
    service = connect_quietly()
    submission = sending.prepare(path, runcard, service, at_least)
    price = sending.quote(path, submission, service, max_qpu_seconds)
    if not silent:
        _print_plan(path, submission, price, to_stderr)
    sending.check_price(price)
    if (
        (price.n_jobs or price.further_s is not None)
        and not yes
        and not dry_run
        and not typer.confirm("send?", err=True)
    ):
        typer.echo("nothing was sent", err=True)
        return None
    if not there:
        sending.keep(path, submission)
    if dry_run:
        typer.echo(f"nothing was sent; to send these jobs, the same call with --out {path} and without --dry-run")
        return None
    with folders.lock(path), folders.open_ledger(path) as ledger:
        _check_unchanged(path, submission)
        sending.approve(ledger, "batch" if batch else "job", max_qpu_seconds)
        with _bar("sending", silent) as told:
            try:
                sending.send(path, submission, ledger, service, told)
            except BackendError as error:
                rejected = isinstance(error, ServiceError) and error.fault.kind == "rejected"
                remedy = (
                    f"to send it once more: qent-hw collect {path} --again"
                    if rejected
                    else f"nothing is lost, to go on: qent-hw collect {path} --wait"
                )
                raise BackendError(f"{error}; {remedy}") from error
    return service


def _check_unchanged(path: Path, quoted: Submission) -> None:
    from qent_hw.experiments.remote import folder as folders

    if len(folders.load(path).jobs) != len(quoted.jobs):
        raise BackendError(f"run {path}: another process has gone on with it meanwhile; give the same command again")


def collect_run(path: Path, service: Service, *, wait_s: float, again: bool = False, silent: bool = False) -> Run:
    """Collect, with a bar; raises `BackendError` while something is missing."""
    from qent_hw.experiments.remote.collecting import collect as collect_folder

    with _bar("fetching", silent) as told:
        finished = collect_folder(
            path, service, wait_s=wait_s, again=again, told=told, waiting=_say_once(), looking=_say_round(silent)
        )
    if finished is None:
        states = _ledger_states(path)
        raise BackendError(f"run {path}: not complete yet ({states}); collect again later, or with --wait")
    return finished


def show(run: Run, path: Path, as_json: bool, quiet: bool) -> None:
    """Print a finished run as `run` does."""
    from qent_hw.experiments.summary import print_summary

    if as_json:
        typer.echo(json.dumps(run.comparison, indent=2))
    elif not quiet:
        print_summary(run, path)
    for one in run.provenance["duplicates"]:
        typer.echo(f"note: IBM had stored job {one['number']} twice; {one['id']} {one['outcome']}", err=True)


def _say_once() -> Callable[[str], None]:
    """Prints a line on standard error, but not the same one again."""
    said: set[str] = set()

    def say(why: str) -> None:
        if why not in said:
            said.add(why)
            typer.echo(f"qent-hw: waiting: {why}", err=True)

    return say


def _say_round(silent: bool) -> Callable[[int, int], None]:
    """Prints a line on standard error before the states of a round are looked at, which may take a while."""

    def say(number: int, n: int) -> None:
        if not silent:
            typer.echo(f"qent-hw: round {number} is measured, looking at {n:,} state{'s' if n > 1 else ''}", err=True)

    return say


def connect_quietly() -> Service:
    """The account's service; what its client logs besides would come between the lines of these commands."""
    from qent_hw.hardware.ibm.service import connect

    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)
    return connect()


def _check_takes_jobs(name: str) -> None:
    from qent_hw.hardware.backends import is_ibm

    if not is_ibm(name):
        raise InputError(f"backend {name!r}: takes no jobs; submit is for ibm_… and ibm:least-busy, use qent-hw run")


def _ledger_states(path: Path) -> str:
    from qent_hw.experiments.remote import folder as folders

    with folders.open_ledger(path) as ledger:
        return ", ".join(f"{number} {state}" for state, number in ledger.counts().items())


def _print_plan(path: Path, submission: Submission, price: Quote, to_stderr: bool) -> None:
    from rich.console import Console

    from qent_hw.experiments.remote.overview import plan_lines

    runcard, backend = submission.runcard, submission.provenance["backend"]
    console = Console(highlight=False, soft_wrap=True, stderr=to_stderr)
    first, second = backend["qubits"]
    console.print(f"[bold]{runcard.title}[/bold] on {runcard.backend.name}, qubits {first},{second}")
    for fact in ("pair_chosen", "fractional_gates"):
        if fact in backend:
            console.print(f"  {backend[fact]}")
    for line in plan_lines(submission, price):
        console.print(f"  {line}")
    left = "no limit is reported" if price.remaining_s is None else f"{price.remaining_s:.1f} QPU seconds left"
    console.print(f"  plan: {left}\n  folder: {path}")


@contextmanager
def _bar(what: str, silent: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar of jobs on standard error, where that is a terminal."""
    if silent or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("jobs,"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
