"""`qent-hw study`: many experiments in one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from qent_hw.cli_device import training_bar
from qent_hw.terminal import progress_bar


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command()(study)


def study(
    card: Annotated[str, typer.Argument(metavar="STUDY", help="A study (TOML), or the name of a shipped one.")],
    dask: Annotated[
        str | None, typer.Option(help="A Dask scheduler's address, such as tcp://host:8786, or local to start one.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The study's folder; what is done there already stays done.")] = None,
    merge: Annotated[
        list[str] | None, typer.Option(help="First take in the results of another folder (several times if need be).")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core unless said.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Every estimator on the same states at equal cost; a call that was stopped goes on where it was."""
    from qent_hw.errors import InputError
    from qent_hw.experiments.study.card import load_study
    from qent_hw.experiments.study.engines import dask_engine, local_engine
    from qent_hw.experiments.study.outputs import Outcome, write_outputs
    from qent_hw.experiments.study.study import run_study, take_in
    from qent_hw.experiments.study.summary import print_study
    from qent_hw.experiments.verdict_studies.card import is_verdict_study

    if dask is not None and workers is not None:
        raise InputError(f"workers = {workers}: is for this machine; with dask the cluster has its own")
    if is_verdict_study(card):
        if dask is not None or merge:
            raise InputError(f"study {card!r}: is one of verdicts, which are done here; leave --dask and --merge out")
        _study_verdicts(card, out, workers or -1, as_json, quiet)
        return
    wanted = load_study(card)
    folder = Path(out) if out is not None else Path("runs") / f"study-{Path(card).stem}"
    for other in merge or []:
        number = take_in(folder, other)
        if not (quiet or as_json):
            typer.echo(f"{other}: {number} results taken in")
    engine = dask_engine(dask) if dask is not None else local_engine(workers or -1)
    silent = quiet or as_json
    with _bar(silent) as watch, training_bar(silent) as training:
        outcome = Outcome(wanted, run_study(wanted, folder, engine, watch, training))
        write_outputs(outcome, folder)
    if as_json:
        cells = json.loads(outcome.frame.to_json(orient="records"))
        typer.echo(json.dumps({"schema": 1, "study": wanted.title, "cells": cells}, indent=2))
    elif not quiet:
        print_study(outcome, folder)


def _study_verdicts(card: str, out: str | None, workers: int, as_json: bool, quiet: bool) -> None:
    from qent_hw.experiments.verdict_studies.card import kind_of, load_verdict_study
    from qent_hw.experiments.verdict_studies.outputs import write_verdict_outputs
    from qent_hw.experiments.verdict_studies.perform import perform_study

    study, name = load_verdict_study(card), Path(card).stem
    folder = Path(out) if out is not None else Path("runs") / f"study-{name}"
    with _bar(quiet or as_json) as watch:

        def tell(done: int, cells: int) -> None:
            if watch is not None:
                watch(done, cells, done, cells)

        frame = perform_study(study, folder, workers, tell)
    write_verdict_outputs(study, frame, folder, name)
    if as_json:
        rows = json.loads(frame.to_json(orient="records"))
        typer.echo(json.dumps({"schema": 1, "study": study.title, "rows": rows}, indent=2))
    elif not quiet:
        typer.echo(study.title)
        for sentence in kind_of(study.kind).claims(frame):
            typer.echo(f"* {sentence}")
        typer.echo(f"report: {folder / 'report.html'}")


@contextmanager
def _bar(silent: bool) -> Iterator[Callable[[float, float, int, int], None] | None]:
    """A bar on standard error, where that is a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    told = TextColumn("{task.fields[done]} of {task.fields[total_tasks]} tasks")
    with progress_bar(silent, (told, BarColumn(), TimeRemainingColumn())) as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("", total=None, done=0, total_tasks=0)

        def tell(spent: float, total: float, done: int, tasks: int) -> None:
            bar.start()
            bar.update(task, completed=spent, total=total, done=done, total_tasks=tasks)

        yield tell
