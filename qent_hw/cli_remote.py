"""The commands for backends that take jobs: submit, jobs, collect, cancel; and run, when its backend is such a one."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
from qent_hw.cli_sending import collect_run, connect_quietly, ledger_states, send_run, show
from qent_hw.errors import BackendError, InputError, Interrupted

if TYPE_CHECKING:
    from qent_hw.experiments.runcard import Runcard

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
    ledger_states(path)
    wait_s = 3600 * hours if wait else 0.0
    with _to_go_on(path):
        finished = collect_run(path, connect_quietly(), wait_s=wait_s, again=again, silent=quiet or as_json)
    show(finished, path, as_json, quiet)


def cancel(folder: Annotated[str, typer.Argument(help="The run's folder.")]) -> None:
    """Cancel all jobs of a run that have not ended; what is done can still be collected."""
    from qent_hw.experiments.remote import folder as folders
    from qent_hw.experiments.remote import sending

    path = Path(folder)
    ledger_states(path)
    with folders.lock(path), folders.open_ledger(path) as ledger:
        sending.cancel(path, ledger, connect_quietly())
    typer.echo(f"run {path}: {ledger_states(path)}")


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


def _check_takes_jobs(name: str) -> None:
    from qent_hw.hardware.backends import is_ibm

    if not is_ibm(name):
        raise InputError(f"backend {name!r}: takes no jobs; submit is for ibm_… and ibm:least-busy, use qent-hw run")
