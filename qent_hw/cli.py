"""The command line: parses, calls, prints. Exit status 0 done, 2 bad input, 3 backend fault, 130 interrupted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

import qent_hw
from qent_hw.errors import InputError, QentError

if TYPE_CHECKING:
    from qent_hw.experiments.run import Progress

app = typer.Typer(
    name="qent-hw",
    help="Is a two-qubit state on this device still entangled, and how much? Measured in a few settings, "
    "judged by trained networks, compared with the exact simulation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; errors end in one line on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        status = app(standalone_mode=False)
    except QentError as error:
        status = _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        status = _fail("interrupted; nothing was written", 130)
    except Exception as error:
        if not _is_usage_error(error):
            raise
        status = _fail(error.format_message(), 2)  # type: ignore[attr-defined]
    sys.exit(status if isinstance(status, int) else 0)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        typer.echo(qent_hw.__version__)
        raise typer.Exit


@app.command()
def run(
    runcard: Annotated[str, typer.Argument(help="A runcard (TOML), or the name of a shipped one such as sudden_death.")],
    backend: Annotated[str | None, typer.Option(help="aer, fake_manila, aer:fake_manila, … instead of the runcard's.")] = None,
    shots: Annotated[int | None, typer.Option(help="Shots per state and setting.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    injection: Annotated[str | None, typer.Option(help="noise-model, idle or twirl.")] = None,
    qubits: Annotated[str | None, typer.Option(help="The pair on the device, such as 0,1.")] = None,
    out: Annotated[str | None, typer.Option(help="The run's folder; by default a new one in runs/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Prepare, dephase, measure, predict and compare: one experiment, one report."""
    from qent_hw.experiments.run import Experiment
    from qent_hw.experiments.run_folder import RunFolder, default_folder
    from qent_hw.experiments.summary import print_summary

    experiment = Experiment.load(runcard)
    with RunFolder(out if out is not None else default_folder(runcard)) as folder:
        with _progress(silent=quiet or as_json) as progress:
            finished = experiment.run(
                backend, shots, seed, injection=injection, qubits=_pair(qubits), progress=progress
            )
        folder.write(finished)
    if as_json:
        typer.echo(json.dumps(finished.comparison, indent=2))
    elif not quiet:
        print_summary(finished, folder.path)


def _pair(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        first, second = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"qubits = {text!r}: write two qubit numbers with a comma between, such as 0,1") from None
    return first, second


@contextmanager
def _progress(silent: bool) -> Iterator[Progress | None]:
    """A progress bar on standard error, where that is a terminal."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("measuring"), BarColumn(), MofNCompleteColumn(), TextColumn("circuits,"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _is_usage_error(error: Exception) -> bool:
    # what the argument parser raises, whichever copy of click the installed typer uses
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _fail(message: str, status: int) -> int:
    typer.echo(f"qent-hw: error: {' '.join(message.split())}", err=True)
    return status


if __name__ == "__main__":
    main()
