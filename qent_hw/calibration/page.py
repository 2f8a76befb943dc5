"""The page of a device record: one self-contained HTML page with its values, its fits and what they rest on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import qent_hw
from qent_hw.calibration.decays import HAHN, RAMSEY, RELAXATION
from qent_hw.calibration.delay import wait_for
from qent_hw.calibration.joint_fit import NAME as JOINT
from qent_hw.calibration.record import DeviceRecord, Figure, Fit
from qent_hw.pages.environment import page_environment
from qent_hw.pages.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEMPLATE = "page.html.j2"
_STRENGTHS = (0.1, 0.25, 0.5, 0.75, 0.9)
_OUTCOMES = ("++", "+−", "−+", "−−")
_EXPERIMENTS = {RELAXATION: "T1 experiment", RAMSEY: "Ramsey", HAHN: "Hahn echo"}
_TIME, _FREQUENCY, _PLAIN = (1e6, " (µs)"), (1e-3, " (kHz)"), (1.0, "")


def render_page(record: DeviceRecord) -> str:
    """The HTML of a record.

    Everything is in the page: figures as data, styles inline, no script. All text from the record is escaped.
    """
    # a second's worth of matplotlib, so only here
    from qent_hw.calibration.figures import draw_record

    first, second = record.qubits
    return page_environment(Path(__file__).parent).get_template(_TEMPLATE).render(
        record=record,
        title=f"{record.device}, qubits {first} and {second}",
        looks={},
        facts=_facts(record),
        values=_values_table(record),
        fits=_fits_table(record),
        waits=_waits_table(record),
        readout=_readout_table(record),
        versions=Table("", ("", ""), tuple(sorted(record.versions.items())), words=2),
        figures=draw_record(record),
        version=record.versions.get("qent-hw", qent_hw.__version__),
        date=record.date.isoformat(timespec="seconds"),
    )  # fmt: skip


def _facts(record: DeviceRecord) -> list[tuple[str, str]]:
    """(heading, sentence) on where the record comes from."""
    if record.source == "published":
        source = "What the backend publishes, without a shot: nothing has an error bar."
    else:
        shots = f"{record.shots:,} shots" if record.shots is not None else "shots"
        seed = f", seed {record.seed}" if record.seed is not None else ""
        source = f"{shots} for each of {len(record.counts)} circuits{seed}."
    backend = record.backend + (f"; its own calibration is of {record.snapshot}" if record.snapshot else "")
    law = record.idle.decay + (f": {record.idle.evidence}" if record.idle.evidence else "")
    timing = f"dt = {1e9 * record.dt_s:.4g} ns; waits are multiples of {record.timing_grid_dt} dt"
    return [("Source", source), ("Backend", backend), ("Decay", law), ("Timing", timing)]


def _values_table(record: DeviceRecord) -> Table:
    """All that was found of the wait: by the joint fit, which is used, and by the standard experiments beside it."""
    idle, zz = record.idle, [record.idle.zz_hz, record.idle.zz_hz]
    measured = record.source == "measured"
    bad = any(fit.name == JOINT for fit in record.bad_fits)
    joint = f"{JOINT} (bad fit)" if bad else JOINT
    decay, turning = (joint, joint) if measured else ("published", "assumed")
    rows = [
        _row("T1", decay, idle.T1_s, _TIME),
        _standard_row(record, "T1", RELAXATION, "T1_s", _TIME),
        _row("T2 without an echo" if measured else "T2", decay, idle.T2_s, _TIME),
        _standard_row(record, "T2*", RAMSEY, "T2_s", _TIME),
        _standard_row(record, "exponent of its decay", RAMSEY, "exponent", _PLAIN),
        _standard_row(record, "T2 with an echo", HAHN, "T2_s", _TIME),
        _row("detuning", turning, idle.detuning_hz, _FREQUENCY),
        _standard_row(record, "detuning", RAMSEY, "detuning_hz", _FREQUENCY),
        _row("ZZ coupling of both", turning, zz, _FREQUENCY),
    ]
    first, second = record.qubits
    heads = ("", "from", f"qubit {first} (first)", f"qubit {second} (second)")
    return Table("", heads, tuple(row for row in rows if row is not None), words=2)


def _row(name: str, source: str, figures: Sequence[Figure], scale: tuple[float, str]) -> tuple[str, ...]:
    factor, unit = scale
    return (f"{name}{unit}", source, *(_number(one, factor) for one in figures))


def _standard_row(
    record: DeviceRecord, name: str, experiment: str, key: str, scale: tuple[float, str]
) -> tuple[str, ...] | None:
    """A value of a standard experiment on either qubit; None where neither has it."""
    of_qubit = {fit.qubits[0]: fit for fit in record.fits if fit.name == experiment}
    fits = [of_qubit.get(qubit) for qubit in record.qubits]
    if not any(fit is not None and key in fit.figures for fit in fits):
        return None
    factor, unit = scale
    cells = []
    for fit in fits:
        text = "–" if fit is None or key not in fit.figures else _number(fit.figures[key], factor)
        cells.append(text if fit is None or fit.good else f"{text} (bad fit)")
    return (f"{name}{unit}", _EXPERIMENTS[experiment], *cells)


def _fits_table(record: DeviceRecord) -> list[tuple[Fit, str, str]]:
    """Each fit with its qubits and its χ² in words."""
    return [
        (fit, ", ".join(map(str, fit.qubits)), "–" if fit.chi2_per_dof is None else f"{fit.chi2_per_dof:.2f}")
        for fit in record.fits
    ]


def _waits_table(record: DeviceRecord) -> Table:
    """How long to wait for some strengths, and what that gives."""
    first, second = record.qubits
    heads = ["p asked for", "wait τ (µs)", "in dt", f"p of qubit {first}", f"p of qubit {second}"]
    heads += [f"qubit {first} relaxes", f"qubit {second} relaxes"]
    rows = []
    for p in _STRENGTHS:
        wait = wait_for(record, p)
        relaxed = (f"{100 * share:.1f}%" for share in wait.relaxed)
        rows.append(
            (f"{p:g}", f"{1e6 * wait.tau_s:.2f}", f"{wait.delay_dt:,}", f"{wait.p1:.4f}", f"{wait.p2:.4f}", *relaxed)
        )
    return Table(
        "One wait for both qubits, rounded to the timing grid: (1−p₁)(1−p₂) = (1−p)².", tuple(heads), tuple(rows)
    )


def _readout_table(record: DeviceRecord) -> Table:
    """The assignment matrix in percent."""
    readout = record.readout
    rows = []
    for place, state in enumerate(_OUTCOMES):
        errors = [""] * 4 if readout.errors is None else [f" ± {100 * one:.2f}" for one in readout.errors[place]]
        cells = (f"{100 * share:.2f}{error}" for share, error in zip(readout.assignment[place], errors, strict=True))
        rows.append((f"read {state}", *cells))
    shots = "" if readout.shots is None else f", {readout.shots:,} shots for each state"
    kind = "all four states prepared" if readout.kind == "correlated" else "the product of each qubit's own"
    caption = f"In percent, columns sum to 100; first sign: qubit {record.qubits[0]}; {kind}{shots}."
    return Table(caption, ("", *(f"prepared {state}" for state in _OUTCOMES)), tuple(rows))


def _number(figure: Figure, factor: float) -> str:
    """A value and its error to two digits of the error; to four digits where there is none."""
    value = factor * figure.value
    if not figure.error:
        return f"{value:.4g}".replace("-", "−")
    error = factor * figure.error
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")
