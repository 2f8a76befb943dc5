"""What submit, run and collect do at a terminal: plan, show the price, ask, send; fetch, and show what came."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qent_hw.errors import BackendError, InputError
from qent_hw.terminal import progress_bar

if TYPE_CHECKING:
    from qent_hw.experiments.remote.sending import Quote
    from qent_hw.experiments.remote.submission import Submission
    from qent_hw.experiments.run import Run
    from qent_hw.experiments.runcard import Runcard
    from qent_hw.hardware.ibm.service import Service


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
    costs = price.n_jobs > 0 or price.further_s is not None
    if costs and not yes and not dry_run and not typer.confirm("send?", err=True):
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
        states = ledger_states(path)
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


def ledger_states(path: Path) -> str:
    """How many jobs of the run in that folder are in which state; raises `InputError` where there is none."""
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
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("jobs,"), TimeElapsedColumn())
    with progress_bar(silent, columns) as bar:
        if bar is None:
            yield lambda done, total: None
            return
        bar.start()
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
