"""`qent-hw check`: an experiment with thresholds, for CI."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from qent_hw.cli_options import (
    BadFitOk,
    Injection,
    MaxAge,
    Qubits,
    Record,
    Seed,
    Shots,
    StaleOk,
    pair,
    record_entries,
)
from qent_hw.cli_remote import MaxSeconds, Yes
from qent_hw.errors import InputError, ThresholdMissed


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command()(check)


def check(
    runcard: Annotated[
        str, typer.Argument(help="A runcard (TOML), the name of a shipped one, or the folder of a finished run.")
    ],
    min_accuracy: Annotated[float | None, typer.Option(help="The least accuracy of the verdict, such as 0.95.")] = None,
    min_r2: Annotated[float | None, typer.Option(help="The least R² of the concurrence, such as 0.98.")] = None,
    estimator: Annotated[
        list[str] | None, typer.Option(help="Ask this one alone (several times if need be); all unless said.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="aer, fake_torino, … instead of the runcard's.")] = None,
    shots: Shots = None,
    seed: Seed = None,
    injection: Injection = None,
    qubits: Qubits = None,
    record: Record = None,
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
    junit: Annotated[str | None, typer.Option(help="Write what was found there as JUnit XML.")] = None,
    out: Annotated[str | None, typer.Option(help="Keep the run in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    yes: Yes = False,
    max_qpu_seconds: MaxSeconds = None,
) -> None:
    """Run an experiment and end with status 4 where an estimator misses a threshold."""
    from qent_hw.experiments.check import check_thresholds, findings, finished_comparison, junit_xml
    from qent_hw.experiments.runcard import overrides_of
    from qent_hw.files import write_whole

    least = check_thresholds({"accuracy": min_accuracy, "r2": min_r2})
    if junit is not None and not Path(junit).parent.is_dir():
        raise InputError(f"junit = {junit!r}: the folder {str(Path(junit).parent)!r} does not exist")
    began = time.monotonic()
    entries = record_entries(record, max_age, stale_ok, bad_fit_ok)
    overrides = overrides_of(backend, shots, seed, injection, pair(qubits), entries)
    if Path(runcard).is_dir():
        if out or yes or max_qpu_seconds is not None or any(value is not None for value in overrides.values()):
            raise InputError(f"{runcard!r}: is a run that is finished; options of a new run do not go with it")
        comparison = finished_comparison(Path(runcard))
    else:
        comparison = _run(runcard, overrides, estimator or [], out, yes, max_qpu_seconds)
    found = findings(comparison, least, estimator or ())
    if junit is not None:
        xml = junit_xml(found, f"qent-hw.{Path(runcard).stem}", comparison, time.monotonic() - began)
        try:
            write_whole(Path(junit), lambda file: file.write(xml))
        except OSError as error:
            raise InputError(f"junit = {junit!r}: cannot be written: {error.strerror or error}") from None
    missed = [one for one in found if not one.holds]
    if as_json:
        rows = [{**vars(one), "holds": one.holds} for one in found]
        typer.echo(json.dumps({"schema": 1, "holds": not missed, "findings": rows}, indent=2))
    elif not quiet:
        for one in found:
            typer.echo(f"{'holds ' if one.holds else 'MISSED'}  {one}")
    if missed:
        more = f", and {len(missed) - 1} more" if len(missed) > 1 else ""
        raise ThresholdMissed(f"{missed[0]}{more}")


def _run(
    name: str,
    overrides: dict[str, Any],
    named: list[str],
    out: str | None,
    yes: bool,
    max_qpu_seconds: float | None,
) -> dict[str, Any]:
    """The comparison of the run, kept where asked to be and always for a backend that takes jobs."""
    from contextlib import nullcontext

    from qent_hw.cli_remote import run_remote
    from qent_hw.experiments.check import check_named, finished_comparison
    from qent_hw.experiments.run import Experiment
    from qent_hw.experiments.run_folder import RunFolder, default_folder
    from qent_hw.hardware.backends import is_ibm

    experiment = Experiment.load(name, **overrides)
    check_named(named, experiment.runcard.estimators)
    if is_ibm(experiment.runcard.backend.name):
        path = Path(out) if out is not None else default_folder(name)
        run_remote(
            experiment.runcard,
            path,
            yes=yes,
            max_qpu_seconds=max_qpu_seconds,
            batch=False,
            as_json=False,
            quiet=True,
        )
        return finished_comparison(path)
    with RunFolder(out) if out is not None else nullcontext() as folder:
        run = experiment.run()
        if folder is not None:
            folder.write(run)
    return run.comparison
