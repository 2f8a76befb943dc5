"""The commands about devices and models: calibrate a pair, ask how long to wait, train for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qent_hw.cli_options import BadFitOk, MaxAge, Record, StaleOk, pair, record_entries
from qent_hw.cli_remote import MaxSeconds, Yes
from qent_hw.cli_sending import connect_quietly
from qent_hw.errors import InputError, Interrupted
from qent_hw.terminal import progress_bar

if TYPE_CHECKING:
    from rich.progress import TaskID

    from qent_hw.calibration.record import DeviceRecord


# of a calibration at IBM, in seconds
_LONGEST_WAIT_S = 24 * 3600.0


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
    yes: Yes = False,
    max_qpu_seconds: MaxSeconds = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Measure what a pair of qubits does while it waits and how it is read, and keep it as a device record."""
    from qent_hw.calibration.calibrate import calibrate as measure
    from qent_hw.calibration.published import published_record
    from qent_hw.hardware import resolve_backend
    from qent_hw.hardware.backends import is_ibm

    if out is not None and Path(out).suffix != ".json":
        raise InputError(f"out = {out!r}: a record ends in .json")
    if is_ibm(backend) and not from_properties:
        _calibrate_at_ibm(backend, pair(qubits), shots, out, yes=yes, most_s=max_qpu_seconds, quiet=quiet)
        return
    # idle, as the wait is what is calibrated
    if is_ibm(backend):
        from qent_hw.hardware.device import cut_device

        device = cut_device(connect_quietly().backend(backend), pair(qubits), "idle")
        record = published_record(device.name, device)
    else:
        chosen = resolve_backend(backend, qubits=pair(qubits), injection="idle")
        record = published_record(backend, chosen.device) if from_properties else measure(chosen, shots, seed)
    _keep_record(record, out, quiet)


def _calibrate_at_ibm(
    backend: str,
    qubits: tuple[int, int] | None,
    shots: int,
    out: str | None,
    *,
    yes: bool,
    most_s: float | None,
    quiet: bool,
) -> None:
    """Price, ask, send, wait; the same call goes on with what was stopped."""
    from qent_hw.calibration.remote import forget, measure_remote, prepare_remote

    if not yes and not sys.stdin.isatty():
        raise InputError("sending costs QPU time and there is no terminal to ask on; give --yes")
    service = connect_quietly()
    where = backend.replace(":", "-") if out is None else Path(out).stem
    folder = (Path("calibration") if out is None else Path(out).parent) / f".{where}.jobs"
    asked = prepare_remote(folder, service, backend, qubits, shots)
    first, second = asked.device.qubits
    if not quiet:
        typer.echo(
            f"{asked.backend.name}, qubits {first},{second}: {len(asked.pubs)} circuits × {shots} shots, about "
            f"{asked.cost.total_s:.1f} QPU seconds ({asked.cost.how})"
        )
    if most_s is not None and asked.cost.total_s > most_s:
        raise InputError(
            f"max-qpu-seconds = {most_s:g}: the calibration needs about {asked.cost.total_s:.1f} QPU seconds; allow "
            "more, or fewer --shots"
        )
    if not asked.is_begun and not yes and not typer.confirm("send?", err=True):
        typer.echo("nothing was sent", err=True)
        return
    try:
        record = measure_remote(asked, service, wait_s=_LONGEST_WAIT_S)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; what was sent runs on ({folder}), and the same call goes on with it") from None
    _keep_record(record, out, quiet)
    forget(asked)


def _keep_record(record: DeviceRecord, out: str | None, quiet: bool) -> None:
    """Write the record and its page, and say what is in it."""
    from qent_hw.calibration.calibrate import default_path
    from qent_hw.calibration.page import render_page
    from qent_hw.files import write_whole

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
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
) -> None:
    """How long to wait for a dephasing strength, or what a wait gives, by a device record."""
    from qent_hw.calibration.delay import strengths_of, wait_for

    known = _trusted(record_entries(record, max_age, stale_ok, bad_fit_ok))
    if p is not None and tau is None:
        typer.echo(str(wait_for(known, p)))
    elif tau is not None and p is None:
        typer.echo(str(strengths_of(known, tau)))
    else:
        raise InputError("delay: give either --p or --tau")


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
    from qent_hw.estimators.train_command import train_model
    from qent_hw.estimators.wanted import Wanted, resolve_wanted
    from qent_hw.experiments.training_device import DRIFT, training_device

    entries = record_entries(record, max_age, stale_ok, bad_fit_ok)
    known = _trusted(entries) if entries else None
    if known is not None:
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


def _trusted(entries: Mapping[str, Any]) -> DeviceRecord:
    """The record of those options; raises `InputError` where it is none, or not to be trusted."""
    from qent_hw.calibration.record import load_record
    from qent_hw.experiments.runcard import record_choice

    choice = record_choice(entries)
    return load_record(choice.file, choice.trust)


@contextmanager
def training_bar(silent: bool) -> Iterator[Callable[[str, float, str], None] | None]:
    """A bar for each stage of a training, with its loss, on standard error where that is a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:25}"),
        BarColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with progress_bar(silent, columns) as bar:
        if bar is None:
            yield None
            return
        stages: dict[str, TaskID] = {}

        def tell(what: str, share: float, remark: str) -> None:
            if what == "done":
                bar.stop()
                return
            bar.start()
            if what not in stages:
                stages[what] = bar.add_task(what, total=1.0, remark="")
            bar.update(stages[what], completed=share, remark=remark)

        yield tell


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
