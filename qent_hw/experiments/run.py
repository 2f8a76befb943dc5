"""One experiment from runcard to comparison: plan, measure, estimate, compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qent_hw.calibration.apply import calibrated_device
from qent_hw.calibration.record import DeviceRecord, check_record, load_record
from qent_hw.circuits.pubs import Pub, build_pubs
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.experiments.chosen_estimators import cards_of, load_estimators
from qent_hw.experiments.comparison import figures_of_merit
from qent_hw.experiments.plan import Plan, make_plan
from qent_hw.experiments.provenance import provenance
from qent_hw.experiments.runcard import Runcard, load_runcard, overrides_of, parse_runcard
from qent_hw.experiments.specialise import specialised
from qent_hw.experiments.tables import counts_table, estimates_table
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.device import Device
from qent_hw.physics import Counts, concurrence, is_entangled

if TYPE_CHECKING:
    import pandas as pd
    from qiskit import QuantumCircuit

    from qent_hw.estimators import Estimates, Estimator
    from qent_hw.hardware.simulators import Backend
    from qent_hw.pages.picture import Picture

Progress = Callable[[int, int], None]
TrainingProgress = Callable[[str, float, str], None]


@dataclass(frozen=True)
class Run:
    """A finished experiment.

    Attributes
    ----------
    runcard
        as run, overrides included.
    counts, estimates
        tables with the columns of `counts.parquet` and `estimates.parquet`.
    comparison
        the figures of merit, content of `comparison.json`.
    provenance
        content of `provenance.json`.
    circuit
        the transpiled template, before its idle slot is filled.
    """

    runcard: Runcard
    plan: Plan
    measured: Counts
    counts: pd.DataFrame
    estimates: pd.DataFrame
    comparison: dict[str, Any]
    provenance: dict[str, Any]
    circuit: QuantumCircuit

    @cached_property
    def figures(self) -> dict[str, Picture]:
        """The figures of the report by name, each drawn once."""
        from qent_hw.experiments.report.figures import draw_figures

        return draw_figures(self)

    @cached_property
    def report(self) -> str:
        """The report, one self-contained HTML page."""
        from qent_hw.experiments.report.page import render_report

        return render_report(self)

    def save(self, folder: str | Path) -> Path:
        """Write the run folder, all of it or nothing, and return its path; `InputError` where that cannot be."""
        from qent_hw.experiments.run_folder import RunFolder

        with RunFolder(folder) as place:
            place.write(self)
        return place.path


@dataclass(frozen=True)
class Experiment:
    """A validated runcard, ready to run."""

    runcard: Runcard

    @classmethod
    def load(cls, path: str | Path, **overrides: Any) -> Experiment:
        """The experiment of a runcard: a path, or the name of a shipped one.

        Raises
        ------
        InputError
            if it is missing or wrong; one line says what and where.
        """
        return cls(load_runcard(path, **overrides))

    def run(
        self,
        backend: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        injection: str | None = None,
        qubits: tuple[int, int] | None = None,
        record: str | Path | Mapping[str, Any] | None = None,
        progress: Progress | None = None,
        training: TrainingProgress | None = None,
    ) -> Run:
        """Measure, estimate and compare.

        Parameters
        ----------
        backend, shots, seed, injection, qubits, record
            replace what the runcard says; shots are per state and setting; record is the path of a device record, or
            entries of the runcard's section `record`.
        progress, training
            called with (circuits done, circuits in all), and by the training of a `device` estimator.

        Raises
        ------
        InputError
            for what cannot be run.
        """
        entries = {"file": str(record)} if isinstance(record, str | Path) else record
        overrides = overrides_of(backend, shots, seed, injection, qubits, entries)
        content = self.runcard.model_dump(mode="json", by_alias=True, exclude_none=True)
        runcard = parse_runcard(content, self.runcard.title, **overrides)
        return _run(runcard, progress or (lambda _done, _total: None), training)


def _run(runcard: Runcard, progress: Progress, training: TrainingProgress | None) -> Run:
    seeds = Seeds.of(runcard)
    record = record_of(runcard)
    backend = _backend(runcard, record)
    device = known_device(backend.device, record)
    plan = make_plan(runcard, device, seeds.states)
    runcard = specialised(runcard, device, record, training)
    estimators = load_estimators(runcard, plan, record, device)
    circuit = transpile_template(device.target)
    measured = _measure(runcard, plan, circuit, backend, seeds.shots, progress)
    origin = provenance(backend.name, device, runcard.seed, cards_of(estimators))
    return conclude(runcard, plan, estimators, measured, circuit, origin)


@dataclass(frozen=True)
class Seeds:
    """The seeds of a run: of its states, its shots (where they are simulated) and its estimates."""

    states: np.random.SeedSequence
    shots: np.random.SeedSequence
    estimates: np.random.SeedSequence

    @classmethod
    def of(cls, runcard: Runcard) -> Seeds:
        """Those that follow from the runcard's seed."""
        return cls(*np.random.SeedSequence(runcard.seed).spawn(3))


def record_of(runcard: Runcard) -> DeviceRecord | None:
    """The device record that a runcard names; raises `InputError` where it is none, or not to be trusted."""
    choice = runcard.record
    return None if choice is None else load_record(choice.file, choice.trust)


def known_device(device: Device, record: DeviceRecord | None) -> Device:
    """The pair as its record knows it; raises `InputError` for a record of another."""
    if record is None:
        return device
    check_record(record, device.name, device.qubits)
    return calibrated_device(device, record)


def conclude(
    runcard: Runcard,
    plan: Plan,
    estimators: Sequence[Estimator],
    measured: Counts,
    circuit: QuantumCircuit,
    origin: dict[str, Any],
) -> Run:
    """From counts to a finished run: estimate, and compare with the truth. `origin` is its provenance."""
    seeds = Seeds.of(runcard).estimates.spawn(len(estimators))
    results = {
        estimator.name: estimator.estimate(measured, seed) for estimator, seed in zip(estimators, seeds, strict=True)
    }
    true_entangled, true_concurrence = is_entangled(plan.truth), concurrence(plan.truth)
    comparison = {
        "schema": 1,
        "family": plan.family.name,
        "backend": runcard.backend.name,
        "qubits": list(origin["backend"]["qubits"]),
        "channel": runcard.channel.kind,
        "injection": runcard.injection.kind,
        "n_states": len(plan.psi),
        "share_entangled": float(true_entangled.mean()),
        "shots": runcard.shots,
        "seed": runcard.seed,
        "estimators": {
            estimator.name: _compare(results[estimator.name], true_entangled, true_concurrence)
            | {"settings": len(estimator.settings), "shots_total": len(estimator.settings) * runcard.shots}
            | _warning(results[estimator.name])
            for estimator in estimators
        },
    }
    return Run(
        runcard,
        plan,
        measured,
        counts_table(measured, plan),
        estimates_table(results, true_entangled, true_concurrence),
        comparison,
        origin,
        circuit,
    )


def _backend(runcard: Runcard, record: DeviceRecord | None) -> Backend:
    choice, injection = runcard.backend, runcard.injection
    try:
        return resolve_backend(
            choice.name,
            qubits=asked_pair(runcard, record),
            injection=injection.kind,
            T1=None if injection.T1_s is None else (injection.T1_s[0], injection.T1_s[1]),
            T2=None if injection.T2_s is None else (injection.T2_s[0], injection.T2_s[1]),
        )
    except InputError as error:
        if record is None or choice.qubits is not None:
            raise
        first, second = record.pair
        raise InputError(f"{error}; the record is of qubits {first},{second} of {record.device}") from None


def asked_pair(runcard: Runcard, record: DeviceRecord | None) -> tuple[int, int] | None:
    """The qubits that a runcard names, or its record is of; None if they are to be chosen."""
    named = runcard.backend.qubits
    if named is not None:
        return named[0], named[1]
    return None if record is None else record.pair


def planned_pubs(runcard: Runcard, plan: Plan, circuit: QuantumCircuit) -> list[Pub]:
    """What is to be measured; `circuit` is the transpiled template."""
    return build_pubs(
        circuit,
        plan.psi,
        tuple(runcard.settings),
        runcard.shots,
        runcard.injection.kind,
        channel=runcard.channel.kind,
        p=plan.p,
        delay_dt=plan.delay_dt,
        readout_twirl=runcard.readout == "twirled",
    )


def _measure(
    runcard: Runcard,
    plan: Plan,
    circuit: QuantumCircuit,
    backend: Backend,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> Counts:
    pubs = planned_pubs(runcard, plan, circuit)
    total = sum(pub.n_rows for pub in pubs)
    finished = 0

    def done(circuits: int) -> None:
        nonlocal finished
        finished += circuits
        progress(finished, total)

    settings = tuple(runcard.settings)
    values = np.zeros((len(plan.psi), len(settings), 4), dtype=np.int64)
    for pub, child in zip(pubs, seed.spawn(len(pubs)), strict=True):
        values[pub.states] = backend.sample(pub, child, done)
    return Counts(settings, values)


def _warning(estimates: Estimates) -> dict[str, str]:
    """What an estimator itself says against its estimates, if anything."""
    said = getattr(estimates, "warning", None)
    return {"warning": said} if said else {}


def _compare(estimates: Estimates, true_entangled: np.ndarray, true_concurrence: np.ndarray) -> dict[str, Any]:
    covered = (estimates.concurrence_low <= true_concurrence) & (true_concurrence <= estimates.concurrence_high)
    return figures_of_merit(
        estimates.verdict == "entangled", estimates.concurrence, covered, true_entangled, true_concurrence
    )
