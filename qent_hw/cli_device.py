"""The commands about devices and models: calibrate a pair, ask how long to wait, train for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qent_hw.cli_options import BadFitOk, MaxAge, Record, StaleOk, pair, record_entries
from qent_hw.errors import InputError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from qent_hw.calibration.record import DeviceRecord


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (calibrate, delay, train):
        app.command()(command)


def calibrate(
    backend: Annotated[str, typer.Option(help="fake_manila, aer:fake_torino, simulated, … or ibm_….")],
    qubits: Annotated[str | None, typer.Option(help="The pair on the device, such as 0,1.")] = None,
    out: Annotated[
        str | None, typer.Option(help="The record (.json), its page beside it; by default a new one in calibration/.")
    ] = None,
    shots: Annotated[int, typer.Option(help="For each circuit.")] = 4096,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated shots.")] = 1,
    from_properties: Annotated[
        bool, typer.Option("--from-properties", help="What the backend publishes, without a shot.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Measure what a pair of qubits does while it waits and how it is read, and keep it as a device record."""
    from qent_hw.calibration.calibrate import calibrate as measure
    from qent_hw.calibration.calibrate import default_path
    from qent_hw.calibration.page import render_page
    from qent_hw.calibration.published import published_record
    from qent_hw.files import write_whole
    from qent_hw.hardware import resolve_backend

    if out is not None and Path(out).suffix != ".json":
        raise InputError(f"out = {out!r}: a record ends in .json")
    # idle, as the wait is what is calibrated
    chosen = resolve_backend(backend, qubits=pair(qubits), injection="idle")
    record = published_record(backend, chosen.device) if from_properties else measure(chosen, shots, seed)
    path = default_path(record) if out is None else Path(out)
    record.save(path)
    page = path.with_suffix(".html")
    write_whole(page, lambda file: file.write(render_page(record).encode()))
    if not quiet:
        _print_record(record)
        typer.echo(f"record: {path} (use it with: qent-hw run … --record {path})\npage: {page}")


def delay(
    record: Annotated[str, typer.Option(help="A device record.")],
    p: Annotated[float | None, typer.Option(help="The dephasing strength wanted.")] = None,
    tau: Annotated[float | None, typer.Option(help="A wait in seconds.")] = None,
) -> None:
    """How long to wait for a dephasing strength, or what a wait gives, by a device record."""
    from qent_hw.calibration.delay import strengths_of, wait_for
    from qent_hw.calibration.record import read_record

    if (p is None) == (tau is None):
        raise InputError("delay: give either --p or --tau")
    known = read_record(record)
    typer.echo(str(wait_for(known, p) if p is not None else strengths_of(known, tau or 0.0)))


def train(
    family: Annotated[str, typer.Option(help="A family's name, or a .qasm file.")],
    features: Annotated[
        str | None,
        typer.Option(help="bell4, bell8, corr9, tomo15, or names such as xa,yb,x1,y1,1a,1b; bell8 for a device."),
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(help="Instead of features: all that these settings give, such as xa,yb,zz; auto chooses them."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Shots for all settings together.", min=1)] = None,
    out: Annotated[
        str | None, typer.Option(help="The model file (.npz); its card is written beside it. Named for a device.")
    ] = None,
    channel: Annotated[str, typer.Option(help="dephasing or depolarizing.")] = "dephasing",
    recipe: Annotated[
        str | None, typer.Option(help="paper, or recommended (larger networks, trained on counts), as for a device.")
    ] = None,
    shots: Annotated[
        str | None,
        typer.Option(help="Per setting in the training data: ideal, a number, or a range such as 100-65536."),
    ] = None,
    states: Annotated[
        int | None, typer.Option(help="States to train on and hold out, instead of the recipe's.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs, instead of the recipe's.")] = None,
    backend: Annotated[
        str | None, typer.Option(help="Train for a device, on states with its errors: fake_manila, aer:fake_torino, …")
    ] = None,
    qubits: Annotated[str | None, typer.Option(help="The pair on that device, such as 0,1.")] = None,
    injection: Annotated[
        str | None, typer.Option(help="How noise gets in there: noise-model (unless said), idle or twirl.")
    ] = None,
    record: Record = None,
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
    readout: Annotated[str, typer.Option(help="plain, or twirled as in a runcard's readout.")] = "plain",
    drift: Annotated[
        float | None,
        typer.Option(help="Relative spread of lifetimes and misreadings to train over; 0.1 with a record, else 0."),
    ] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="Stop after so many epochs without improvement.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of data and training.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Train a classifier and a regressor for one family, channel and set of features; a stopped call goes on."""
    from qent_hw.calibration.record import load_record
    from qent_hw.estimators.train_command import train_model
    from qent_hw.estimators.wanted import Wanted, resolve_wanted
    from qent_hw.experiments.runcard import RecordChoice
    from qent_hw.experiments.training_device import DRIFT, training_device

    known = None
    entries = {key: value for key, value in record_entries(record, max_age, stale_ok, bad_fit_ok).items() if value}
    if record is not None:
        choice = RecordChoice(**entries)
        known = load_record(choice.file, choice.trust)
        backend = backend or known.backend
    spread = drift if drift is not None else DRIFT if known is not None else 0.0
    if readout not in ("plain", "twirled"):
        raise InputError(f"readout = {readout!r}: use plain or twirled")
    device = training_device(
        backend, pair(qubits), injection, channel, record=known, readout_twirl=readout == "twirled", drift=spread
    )
    with training_bar(silent=quiet) as progress:
        wanted = resolve_wanted(
            Wanted(family, channel, features, settings, budget, recipe, shots, out), device, seed, progress
        )
        if wanted.why and not quiet:
            typer.echo(wanted.why)
        model = train_model(
            family,
            channel,
            wanted.features,
            wanted.recipe,
            wanted.shots,
            wanted.out,
            seed,
            states=states,
            epochs=epochs,
            patience=patience,
            device=device,
            progress=progress,
        )
    if not quiet:
        for name, figures in model.card["test_scores"].items():
            scores = (f"{key} {one['value']:.4f} ± {one['standard_error']:.4f}" for key, one in figures.items())
            typer.echo(f"{name.replace('_', ' ')}: {', '.join(scores)}")
        typer.echo(
            f"model: {wanted.out} (use it as an estimator in a runcard, or with: qent-hw predict --model {wanted.out})"
        )


@contextmanager
def training_bar(silent: bool) -> Iterator[Callable[[str, float, str], None] | None]:
    """A bar for each stage of a training, with its loss, on standard error where that is a terminal."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:25}"),
        BarColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    stages: dict[str, TaskID] = {}

    def tell(what: str, share: float, remark: str) -> None:
        if what == "done":
            bar.stop()
            return
        bar.start()
        if what not in stages:
            stages[what] = bar.add_task(what, total=1.0, remark="")
        bar.update(stages[what], completed=share, remark=remark)

    try:
        yield tell
    finally:
        bar.stop()


def _print_record(record: DeviceRecord) -> None:
    """The record in a few lines."""
    idle = record.idle
    first, second = record.qubits
    typer.echo(f"{record.device}, qubits {first} and {second}, {record.source} {record.date:%Y-%m-%d %H:%M %Z}")
    for name, figures, scale, unit in (
        ("T1", idle.T1_s, 1e6, "µs"),
        ("T2", idle.T2_s, 1e6, "µs"),
        ("detuning", idle.detuning_hz, 1e-3, "kHz"),
        ("ZZ", [idle.zz_hz], 1e-3, "kHz"),
    ):
        shown = (
            f"{scale * one.value:.4g}" + ("" if one.error is None else f" ± {scale * one.error:.2g}") for one in figures
        )
        typer.echo(f"  {name}: {', '.join(shown)} {unit}")
    typer.echo(f"  decay: {idle.decay} ({idle.evidence})")
    read = 100 * record.readout.matrix.diagonal().mean()
    typer.echo(f"  readout: {read:.2f}% of outcomes read right ({record.readout.kind})")
    for fit in record.bad_fits:
        typer.echo(f"  bad fit: {fit.name} on {', '.join(map(str, fit.qubits))}: {fit.remark}")
