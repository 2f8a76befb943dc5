"""What there is to know of a backend before using it: a row a backend, the same for fakes and for IBM's own."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from qent_hw.errors import InputError
from qent_hw.hardware.backends import SIMULATED, fake_device, local_backends, resolve_backend
from qent_hw.hardware.device import PairBackend
from qent_hw.hardware.faults import coupled_pairs, faultless_pairs
from qent_hw.hardware.infidelity import instruction_error
from qent_hw.hardware.pair import pair_figures

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit_ibm_runtime.models import BackendStatus

    from qent_hw.hardware.ibm.service import Service


@dataclass(frozen=True)
class BackendRow:
    """A backend at a glance.

    Attributes
    ----------
    queue
        jobs waiting; None where nothing queues.
    two_qubit_error, readout_error
        medians over all pairs and qubits without faults; None where no errors are published.
    calibrated
        when the data were last updated; for a fake the date of its snapshot.
    note
        what else a person should know; often empty.
    """

    name: str
    qubits: int
    queue: int | None
    two_qubit_error: float | None
    readout_error: float | None
    calibrated: datetime.datetime | None
    note: str = ""


def row_of(backend: BackendV2, status: BackendStatus | None = None) -> BackendRow:
    """The row of a fake device, or of an IBM backend with its status."""
    target = backend.target
    pairs, total = faultless_pairs(backend), len(coupled_pairs(backend.target))
    two_qubit = [pair_figures(target, pair).gate_error for pair in pairs]
    readout = [instruction_error(target, "measure", (qubit,)) for qubit in range(target.num_qubits)]
    properties = getattr(backend, "properties", lambda: None)()
    notes = []
    if status is not None and not status.operational:
        notes.append(f"not available: {status.status_msg}")
    if len(pairs) < total:
        notes.append(f"{total - len(pairs)} of {total} pairs faulty")
    return BackendRow(
        backend.name,
        target.num_qubits,
        None if status is None else status.pending_jobs,
        _median(two_qubit),
        _median([error for error in readout if error < 1]),
        None if properties is None else properties.last_update_date,
        "; ".join(notes),
    )


def local_rows(names: Iterable[str] | None = None) -> Iterator[BackendRow]:
    """Rows of `names`, or of ``aer``, ``simulated`` and every fake device; one by one, as a large one takes half a
    second.

    Raises
    ------
    InputError
        for a name that is not known.
    """
    for name in local_backends() if names is None else names:
        if name == "aer":
            yield BackendRow(name, 2, None, None, None, None, "ideal simulator")
        elif name == SIMULATED:
            pair = PairBackend(resolve_backend(name).device)
            yield replace(row_of(pair), name=name, note="simulated, with detuning, ZZ and slow noise")
        elif names is not None or not name.startswith("aer:"):
            with warnings.catch_warnings(record=True, action="always") as caught:
                row = row_of(fake_device(name))
            notes = [row.note, *(str(one.message) for one in caught)]
            yield replace(row, name=name, note="; ".join(filter(None, notes)))


def account_rows(service: Service, names: Iterable[str] | None = None) -> Iterator[BackendRow]:
    """Rows of the account's backends of these names, or of all: those available first, then by the length of the queue.

    Raises
    ------
    InputError
        for a name that the account has not, or if it has no backend at all.
    ServiceError
        if the service cannot be asked.
    """
    found = service.backends() if names is None else [service.backend(name) for name in names]
    if not found:
        raise InputError("the account has no backend")
    rows = [(backend, service.status(backend)) for backend in found]
    if names is None:
        rows.sort(key=lambda row: (not row[1].operational, row[1].pending_jobs, row[0].name))
    for backend, status in rows:
        yield row_of(backend, status)


def table_of(rows: Iterable[BackendRow], now: datetime.datetime | None = None) -> Table:
    """A table to print, a row a backend.

    Calibrations are given by their dates, those of backends with a queue as their age at `now` (the present, unless
    said; with a time zone).
    """
    now = now or datetime.datetime.now(datetime.UTC)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("backend", no_wrap=True)
    for heading in ("qubits", "queue", "two-qubit\nerror", "readout\nerror"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("calibrated", no_wrap=True)
    table.add_column("note")
    for row in rows:
        table.add_row(
            row.name,
            str(row.qubits),
            "–" if row.queue is None else str(row.queue),
            _percent(row.two_qubit_error),
            _percent(row.readout_error),
            _calibrated(row, now),
            row.note,
        )
    return table


def _median(errors: list[float]) -> float | None:
    return median(errors) if errors else None


def _calibrated(row: BackendRow, now: datetime.datetime) -> str:
    if row.calibrated is None:
        return "–"
    if row.queue is None:
        return row.calibrated.date().isoformat()
    minutes = max(0, round((now - row.calibrated).total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def _percent(error: float | None) -> str:
    return "–" if error is None else f"{100 * error:.2f}%"
