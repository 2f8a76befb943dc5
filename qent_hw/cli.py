"""The command line: parses, calls, prints. Exit status 0 done, 2 bad input, 3 backend fault, 130 interrupted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import qent_hw
from qent_hw import cli_certify, cli_check, cli_device, cli_recommend, cli_remote, cli_study
from qent_hw.cli_device import training_bar
from qent_hw.cli_options import (
    BadFitOk,
    ErrorRate,
    Injection,
    IsAdaptive,
    MaxAge,
    Qubits,
    Record,
    Seed,
    Shots,
    StaleOk,
    adaptive_choice,
    pair,
    record_entries,
)
from qent_hw.cli_sending import connect_quietly
from qent_hw.errors import QentError
from qent_hw.terminal import progress_bar

if TYPE_CHECKING:
    from qent_hw.experiments.run import Progress

_INTERRUPTED = 130

app = typer.Typer(
    name="qent-hw",
    help="Is a two-qubit state on this device still entangled, and how much? Measured in a few settings, "
    "judged by trained networks, compared with the exact simulation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; every error ends in one line on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        status = app(standalone_mode=False) or 0
        if status == _INTERRUPTED:  # typer has caught the KeyboardInterrupt
            _fail("interrupted; nothing was written", status)
    except QentError as error:
        status = _fail(str(error), error.exit_status)
    except Exception as error:
        # what the argument parser raises, whichever copy of click the installed typer uses
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            status = _fail(error.format_message(), 2)
        elif os.environ.get("QENT_HW_DEBUG"):
            raise
        else:
            what = f"{type(error).__name__}: {error}"
            status = _fail(f"this is a bug, please report it: {what} (QENT_HW_DEBUG=1 shows where)", 1)
    sys.exit(status)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        typer.echo(qent_hw.__version__)
        raise typer.Exit


@app.command()
def run(
    runcard: Annotated[
        str, typer.Argument(help="A runcard (TOML), or the name of a shipped one such as sudden_death.")
    ],
    backend: Annotated[
        str | None, typer.Option(help="aer, fake_manila, aer:fake_manila, … instead of the runcard's.")
    ] = None,
    shots: Shots = None,
    seed: Seed = None,
    injection: Injection = None,
    qubits: Qubits = None,
    record: Record = None,
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
    adaptive: IsAdaptive = False,
    error_rate: ErrorRate = None,
    out: Annotated[str | None, typer.Option(help="The run's folder; by default a new one in runs/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    yes: cli_remote.Yes = False,
    max_qpu_seconds: cli_remote.MaxSeconds = None,
    batch: cli_remote.Batch = False,
) -> None:
    """Prepare, dephase, measure, predict and compare: one experiment, one report."""
    from qent_hw.experiments.run import Experiment
    from qent_hw.experiments.run_folder import RunFolder, default_folder
    from qent_hw.experiments.runcard import overrides_of
    from qent_hw.experiments.summary import print_summary
    from qent_hw.hardware.backends import is_ibm

    experiment = Experiment.load(runcard)
    entries = record_entries(record, max_age, stale_ok, bad_fit_ok)
    rounds = adaptive_choice(adaptive, error_rate, experiment.runcard)
    if is_ibm(backend or experiment.runcard.backend.name):
        overrides = overrides_of(backend, shots, seed, injection, pair(qubits), entries, rounds)
        card = Experiment.load(runcard, **overrides).runcard
        path = Path(out) if out is not None else default_folder(runcard)
        cli_remote.run_remote(
            card, path, yes=yes, max_qpu_seconds=max_qpu_seconds, batch=batch, as_json=as_json, quiet=quiet
        )
        return
    with RunFolder(out if out is not None else default_folder(runcard)) as folder:
        silent = quiet or as_json
        with _progress(silent) as progress, training_bar(silent) as training:
            finished = experiment.run(
                backend,
                shots,
                seed,
                injection=injection,
                qubits=pair(qubits),
                record=entries,
                adaptive=rounds,
                progress=progress,
                training=training,
            )
        folder.write(finished)
    if as_json:
        typer.echo(json.dumps(finished.comparison, indent=2))
    elif not quiet:
        print_summary(finished, folder.path)


@app.command()
def predict(
    counts: Annotated[
        str, typer.Option(help="Counts: CSV, parquet or JSON with state, setting, n_pp, n_pm, n_mp, n_mm.")
    ],
    model: Annotated[
        str, typer.Option(help="A model file, or a shipped model's name.")
    ] = "special_four_basis-dephasing-bell8",
    error_rate: Annotated[float, typer.Option(help="How often a verdict of either kind may be wrong.")] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Seed of whatever an estimator draws for its intervals.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Entangled or not, and how much: estimates from anyone's counts."""
    from qent_hw.estimators import named_estimator
    from qent_hw.experiments.counts_file import read_counts
    from qent_hw.experiments.judging import judge_alone
    from qent_hw.experiments.summary import print_estimates
    from qent_hw.experiments.tables import estimates_frame
    from qent_hw.verdicts.decision import check_error_rate

    check_error_rate(error_rate)
    estimator = named_estimator(model)
    measured, states = read_counts(counts)
    judged = judge_alone(estimator, measured, seed, error_rate)
    table = estimates_frame(estimator.name, judged).assign(state=states)
    if as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
        typer.echo(json.dumps({"estimates": rows}, indent=2))
    else:
        print_estimates(table, estimator.model, judged)


@app.command()
def paper(
    figure: Annotated[int | None, typer.Option(help="One figure, 2 to 8, instead of all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, about two minutes.")] = False,
    out: Annotated[str | None, typer.Option(help="Folder of results and figures; by default runs/paper.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that train at the same time.")] = 2,
    write_reproduction: Annotated[
        bool, typer.Option("--write-reproduction", help="Also write the figures and REPRODUCTION.md of the checkout.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Reproduce the paper's figures and numbers; a call that was stopped goes on where it was."""
    from qent_hw.experiments.paper.paper import reproduce

    folder = reproduce(
        figure, quick=quick, out=out, workers=workers, write_reproduction=write_reproduction, quiet=quiet
    )
    if not quiet:
        typer.echo(f"figures: {folder / 'figures'}\nnumbers: {folder / 'REPRODUCTION.md'}")


@app.command()
def families() -> None:
    """The state families there are, with their parameters."""
    from qent_hw.circuits import load_family, shipped_families

    for family in map(load_family, shipped_families()):
        ranges = ", ".join(f"{one.name} in [{one.low:.4g}, {one.high:.4g}]" for one in family.parameters)
        typer.echo(f"{family.name}: {family.title}, {family.state}\n    {ranges}; {family.citation}")


@app.command()
def backends(
    names: Annotated[list[str] | None, typer.Argument(help="Backends to look at more closely.")] = None,
    details: Annotated[bool, typer.Option("--details", help="Look at all of them, which takes some seconds.")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="Those of your IBM account, with their queues.")] = False,
) -> None:
    """The backends that work on this machine, without an account; for those named, size, errors and date."""
    from qent_hw.hardware import local_backends
    from qent_hw.hardware.backends import is_ibm

    named = names or []
    if named or details or remote:
        from rich.console import Console

        from qent_hw.hardware.listing import account_rows, local_rows, table_of

        local, at_ibm = ([name for name in named if is_ibm(name) == wanted] for wanted in (False, True))
        rows = [*local_rows(local or None)] if local or details else []
        if at_ibm or remote:
            rows += account_rows(connect_quietly(), None if remote else at_ibm)
        Console(highlight=False).print(table_of(rows))
        return
    for name in local_backends():
        typer.echo(name)


@app.command()
def init(
    folder: Annotated[str, typer.Argument(help="A new folder for your circuits, device records and runcards.")],
) -> None:
    """Lay out a bench: copies of the shipped circuits and runcards, to edit."""
    from qent_hw import bench

    typer.echo(
        f"A bench is laid out in {bench.lay_out(folder)}; try: qent-hw run {folder}/experiments/sudden_death.toml"
    )


@contextmanager
def _progress(silent: bool) -> Iterator[Progress | None]:
    """A progress bar on standard error, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("circuits,"),
        TimeRemainingColumn(),
    )
    with progress_bar(silent, columns) as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("measuring", total=None)

        def tell(done: int, total: int) -> None:
            bar.start()
            bar.update(task, completed=done, total=total)

        yield tell


for commands in (cli_remote, cli_device, cli_study, cli_check, cli_recommend, cli_certify):
    commands.add_to(app)


def _fail(message: str, status: int) -> int:
    typer.echo(f"qent-hw: error: {' '.join(message.split())}", err=True)
    return status


if __name__ == "__main__":
    main()
