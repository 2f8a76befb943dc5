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
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.experiments.adaptive_run import NAME as ADAPTIVE
from qent_hw.experiments.adaptive_run import (
    Rounds,
    adaptive_card,
    adaptive_figures,
    adaptive_frame,
    measure_adaptively,
    with_adaptive,
)
from qent_hw.experiments.chosen_estimators import cards_of, load_estimators, posterior_of, situation_of
from qent_hw.experiments.comparison import figures_of_merit
from qent_hw.experiments.judging import alarm_figures, certificate_figures, judge, verdict_figures, withheld
from qent_hw.experiments.measuring import everything, planned_pubs, sampled
from qent_hw.experiments.plan import Plan, make_plan
from qent_hw.experiments.provenance import provenance
from qent_hw.experiments.runcard import Runcard, adaptive_entries, load_runcard, overrides_of, parse_runcard
from qent_hw.experiments.specialise import specialised
from qent_hw.experiments.tables import counts_table, estimates_table
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.device import Device
from qent_hw.physics import Counts, concurrence, is_entangled
from qent_hw.verdicts.adaptive import Decided

if TYPE_CHECKING:
    import pandas as pd
    from qiskit import QuantumCircuit

    from qent_hw.estimators import Estimates, Estimator
    from qent_hw.estimators.situation import Situation
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
    adaptive
        how it went, where shots were given out round by round.
    """

    runcard: Runcard
    plan: Plan
    measured: Counts
    counts: pd.DataFrame
    estimates: pd.DataFrame
    comparison: dict[str, Any]
    provenance: dict[str, Any]
    circuit: QuantumCircuit
    adaptive: Decided | None = None

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
        adaptive: bool | Mapping[str, Any] = False,
        progress: Progress | None = None,
        training: TrainingProgress | None = None,
    ) -> Run:
        """Measure, estimate and compare.

        Parameters
        ----------
        backend, shots, seed, injection, qubits, record
            replace what the runcard says; shots are per state and setting; record is the path of a device record, or
            entries of the runcard's section `record`.
        adaptive
            whether to give out shots round by round, also where the runcard does not say so: True, or entries of its
            section `adaptive`, such as {"error_rate": 0.05}.
        progress, training
            called with (circuits done, circuits in all), and by the training of a `device` estimator.

        Raises
        ------
        InputError
            for what cannot be run.
        """
        entries = {"file": str(record)} if isinstance(record, str | Path) else record
        content = self.runcard.model_dump(mode="json", by_alias=True, exclude_none=True)
        rounds = adaptive_entries(adaptive, self.runcard)
        overrides = overrides_of(backend, shots, seed, injection, qubits, entries, rounds)
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
    cards, decided = cards_of(estimators), None
    if runcard.adaptive is None:
        measured = _measured(runcard, plan, circuit, backend, seeds.shots, progress)
    else:
        posterior, seeded = posterior_of(runcard, plan, record, device), (seeds.shots, seeds.looks)
        decided = measure_adaptively(
            runcard, runcard.adaptive, plan, posterior.source, circuit, backend, seeded, progress
        )
        measured = Counts(tuple(runcard.settings), decided.counts)
        cards[ADAPTIVE] = adaptive_card(posterior)
    origin = provenance(backend.name, device, runcard.seed, cards)
    situation = situation_of(runcard, plan, record, device)
    return conclude(runcard, plan, estimators, measured, circuit, origin, situation, decided)


def _measured(
    runcard: Runcard,
    plan: Plan,
    circuit: QuantumCircuit,
    backend: Backend,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> Counts:
    pubs = planned_pubs(runcard, plan, circuit, everything(runcard, plan))
    total, finished = sum(pub.n_rows for pub in pubs), 0

    def done(circuits: int) -> None:
        nonlocal finished
        finished += circuits
        progress(finished, total)

    settings = tuple(runcard.settings)
    return Counts(settings, sampled(pubs, backend, seed, (len(plan.psi), len(settings)), done))


@dataclass(frozen=True)
class Seeds:
    """The seeds of a run: of its states, its shots (where they are simulated), its estimates, and the looks in between
    where shots are given out round by round."""

    states: np.random.SeedSequence
    shots: np.random.SeedSequence
    estimates: np.random.SeedSequence
    looks: np.random.SeedSequence

    @classmethod
    def of(cls, runcard: Runcard) -> Seeds:
        """Those that follow from the runcard's seed."""
        return cls(*np.random.SeedSequence(runcard.seed).spawn(4))


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
    situation: Situation,
    decided: Decided | None = None,
) -> Run:
    """From counts to a finished run: estimate, judge, and compare with the truth. `origin` is its provenance;
    `situation`, what verdicts assume; `decided`, how its shots were given out if not evenly."""
    seeds = Seeds.of(runcard).estimates.spawn(len(estimators))
    results = {
        estimator.name: estimator.estimate(measured, seed) for estimator, seed in zip(estimators, seeds, strict=True)
    }
    judged = judge(estimators, results, measured, situation, runcard.verdicts.error_rate, runcard.verdicts.alarm_rate)
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
        **_adaptive(runcard, decided, true_entangled),
        "error_rate": judged.error_rate,
        **alarm_figures(judged),
        **certificate_figures(judged, true_entangled),
        **({"notes": list(judged.notes)} if judged.notes else {}),
        "estimators": {
            estimator.name: _compare(judged.estimates[estimator.name], true_entangled, true_concurrence)
            | {"settings": len(estimator.settings), "shots_total": _shots_of(measured, estimator.settings)}
            | {"calibrated_on": judged.calibrated[estimator.name]}
            | {"verdicts": verdict_figures(judged.verdicts[estimator.name], true_entangled)}
            | _warning(results[estimator.name])
            for estimator in estimators
        },
    }
    estimates = estimates_table(judged, true_entangled, true_concurrence)
    if decided is not None:
        estimates = with_adaptive(
            estimates,
            adaptive_frame(decided, true_entangled, true_concurrence),
            withheld(decided.verdict, judged.fired),
        )
    counts = counts_table(measured, plan)
    return Run(runcard, plan, measured, counts, estimates, comparison, origin, circuit, decided)


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


def _shots_of(measured: Counts, settings: tuple[str, ...]) -> int:
    """Shots of a state in these settings together: the mean over the states, to the nearest whole number."""
    columns = [measured.settings.index(setting) for setting in settings]
    return round(float(measured.shots[:, columns].sum(axis=1).mean()))


def _adaptive(runcard: Runcard, decided: Decided | None, true_entangled: np.ndarray) -> dict[str, Any]:
    if decided is None or runcard.adaptive is None:
        return {}
    return {"adaptive": adaptive_figures(decided, Rounds.of(runcard, runcard.adaptive), true_entangled)}


def _warning(estimates: Estimates) -> dict[str, str]:
    """What an estimator itself says against its estimates, if anything."""
    said = getattr(estimates, "warning", None)
    return {"warning": said} if said else {}


def _compare(estimates: Estimates, true_entangled: np.ndarray, true_concurrence: np.ndarray) -> dict[str, Any]:
    covered = (estimates.concurrence_low <= true_concurrence) & (true_concurrence <= estimates.concurrence_high)
    return figures_of_merit(
        estimates.verdict == "entangled", estimates.concurrence, covered, true_entangled, true_concurrence
    )
