"""What is sent to a remote backend: the plan of a run, its circuits, how they are cut into jobs, and the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.calibration.record import DeviceRecord, read_record
from qent_hw.circuits.pubs import Pub
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.experiments.adaptive_run import NAME as ADAPTIVE
from qent_hw.experiments.adaptive_run import Rounds, adaptive_card
from qent_hw.experiments.chosen_estimators import cards_of, load_estimators, posterior_of
from qent_hw.experiments.measuring import Asked, everything, planned_pubs
from qent_hw.experiments.plan import Plan, make_plan
from qent_hw.experiments.provenance import provenance
from qent_hw.experiments.run import (
    Seeds,
    asked_pair,
    known_device,
    record_of,
)
from qent_hw.experiments.runcard import Runcard
from qent_hw.experiments.specialise import specialised
from qent_hw.hardware.device import Device, cut_device
from qent_hw.hardware.dispatch import Shipment
from qent_hw.hardware.fractional import choose_fractional
from qent_hw.hardware.ibm.sampler import counts_of_bits
from qent_hw.hardware.jobs import NOTHING, Cost, Piece, cut_jobs, estimate_cost
from qent_hw.physics import Counts
from qent_hw.verdicts.adaptive import Decided

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend


@dataclass(frozen=True)
class Forecast:
    """QPU seconds of an adaptive run: as expected, with the standard deviation of what such a run may take instead, if
    no state is ever decided, and of a fixed plan that gives every state as many shots; in how many rounds at most; and
    the number of simulated states that it rests on."""

    seconds: float
    seconds_sd: float
    most_s: float
    fixed_s: float
    most_rounds: int
    rehearsed: int


@dataclass(frozen=True)
class Submission:
    """Everything that is settled before a job is sent. An adaptive run's grows by a round at a time, see `asking`.

    Attributes
    ----------
    runcard
        with the backend's own name, where the least busy one was asked for.
    plan
        the states, what is injected into them, and their exact truth.
    device
        the pair as the backend published it, or as its record knows it.
    circuit, template
        the transpiled template on the pair alone, and on the backend's own qubits.
    rep_delay_s
        between shots, as the backend publishes it.
    provenance
        as of the submission.
    fractional
        whether the backend is used with its fractional gates.
    forecast
        of an adaptive run: what all its rounds are expected to cost.
    at_least
        in how many jobs a round is cut, where it has as many circuits.
    rounds
        what was asked for so far: all at once, or in an adaptive run round by round.
    pubs
        what is measured for them.
    jobs
        the pieces of the PUBs that each job has.
    cost
        QPU seconds of each job; in words, of the last round.
    ends
        how many jobs there are up to the end of each round.
    """

    runcard: Runcard
    plan: Plan
    device: Device
    circuit: QuantumCircuit
    template: QuantumCircuit
    rep_delay_s: float | None
    provenance: dict[str, Any]
    fractional: bool
    forecast: Forecast | None = None
    at_least: int = 1
    rounds: tuple[Asked, ...] = ()
    pubs: tuple[Pub, ...] = ()
    jobs: tuple[tuple[Piece, ...], ...] = ()
    cost: Cost = NOTHING
    ends: tuple[int, ...] = ()

    def asking(self, asked: Asked, cut: Sequence[Sequence[Piece]] | None = None) -> Submission:
        """With a further round: its PUBs and jobs follow those that there are.

        cut: how its PUBs were cut into jobs, numbered from zero, where that was settled before.

        Raises
        ------
        InputError
            for shots that do not divide into the parts of a setting, and for a circuit that is more than a job holds.
        """
        # the same on the pair alone has the same timing, and that is known without the backend
        pubs, on_pair = (
            sorted(planned_pubs(self.runcard, self.plan, circuit, asked), key=lambda pub: pub.shots)
            for circuit in (self.template, self.circuit)
        )
        cut = cut_jobs(pubs, self.at_least) if cut is None else cut
        more = estimate_cost(cut, on_pair, self.device.target, self.rep_delay_s)
        before = len(self.pubs)
        jobs = (*self.jobs, *(tuple(replace(piece, pub=before + piece.pub) for piece in job) for job in cut))
        return replace(
            self,
            rounds=(*self.rounds, asked),
            pubs=(*self.pubs, *pubs),
            jobs=jobs,
            cost=Cost((*self.cost.jobs_s, *more.jobs_s), more.how),
            ends=(*self.ends, len(jobs)),
        )

    def first_rounds(self, n: int) -> Submission:
        """With its first n rounds alone, n > 0."""
        jobs = self.jobs[: self.ends[n - 1]]
        n_pubs = 1 + max(piece.pub for job in jobs for piece in job)
        cost = Cost(self.cost.jobs_s[: len(jobs)], self.cost.how)
        return replace(self, rounds=self.rounds[:n], pubs=self.pubs[:n_pubs], jobs=jobs, cost=cost, ends=self.ends[:n])

    @property
    def last_cut(self) -> list[tuple[Piece, ...]]:
        """How the PUBs of the last round were cut into jobs, as `asking` takes it."""
        jobs = self.jobs[self.ends[-2] if len(self.ends) > 1 else 0 :]
        first = jobs[0][0].pub
        return [tuple(replace(piece, pub=piece.pub - first) for piece in job) for job in jobs]

    def shipment(self, number: int, longest_s: int | None = None) -> Shipment:
        """What job `number` measures."""
        pieces = self.jobs[number]
        pubs = tuple((self.pubs[one.pub].circuit, self.pubs[one.pub].rows[one.start : one.stop]) for one in pieces)
        return Shipment(pubs, self.pubs[pieces[0].pub].shots, longest_s)

    def counts(self, bits: Sequence[Sequence[NDArray[np.uint8]]]) -> Counts:
        """The counts of all states and settings, from the bit patterns of each job's PUBs (see `checked_bits`)."""
        return Counts(tuple(self.runcard.settings), self.tally(bits))

    def tally(self, bits: Sequence[Sequence[NDArray[np.uint8]]], first: int = 0) -> NDArray[np.int64]:
        """What job number `first` and those that follow it add to the counts, (n, n_settings, 4); zero where they
        measure nothing."""
        rows = [np.zeros((pub.n_rows, 4), dtype=np.int64) for pub in self.pubs]
        for pieces, arrays in zip(self.jobs[first : first + len(bits)], bits, strict=True):
            for piece, array in zip(pieces, arrays, strict=True):
                rows[piece.pub][piece.start : piece.stop] = counts_of_bits(array)
        values = np.zeros((len(self.plan.psi), len(self.runcard.settings), 4), dtype=np.int64)
        for pub, counted in zip(self.pubs, rows, strict=True):
            values[np.ix_(pub.states, pub.settings)] += pub.add_parts(counted)
        return values


def check_injection(runcard: Runcard) -> None:
    """Raise `InputError` unless a real device can do what the runcard injects."""
    if runcard.injection.kind == "noise-model":
        raise InputError(
            "injection noise-model: a real device has no noise model to add an error to; "
            "use --injection twirl (exact dephasing) or idle (the qubits really wait)"
        )
    if runcard.injection.T1_s is not None:
        raise InputError(f"T1_s and T2_s describe the ideal simulator 'aer'; {runcard.backend.name} has its own")


def settled_record(submission: Submission) -> DeviceRecord | None:
    """The record that the run goes by: whether to trust it was decided before anything was sent."""
    choice = submission.runcard.record
    return None if choice is None else read_record(choice.file)


def plan_submission(
    runcard: Runcard, usual: IBMBackend, fractional: IBMBackend | None, at_least: int = 1
) -> Submission:
    """Plan a run on a backend, opened without and (where it has them) with its fractional gates, in some jobs or more.

    Raises
    ------
    InputError
        for what cannot be run: see `check_injection`, `cut_device`, `make_plan`, `load_estimators`.
    """
    check_injection(runcard)
    record = record_of(runcard)
    device = cut_device(usual, asked_pair(runcard, record), runcard.injection.kind)
    backend = usual
    if fractional is not None:
        choice = choose_fractional(usual, fractional, device.qubits)
        facts = device.facts | {"fractional_gates": choice.reason}
        if choice.use:
            backend, device = fractional, cut_device(fractional, device.qubits)
        device = replace(device, facts=facts)
    device = known_device(device, record)
    seeds = Seeds.of(runcard)
    plan = make_plan(runcard, device, seeds.states)
    runcard = specialised(runcard, device, record)
    estimators = load_estimators(runcard, plan, record, device)
    cards = cards_of(estimators)
    if runcard.adaptive is not None:
        cards[ADAPTIVE] = adaptive_card(posterior_of(runcard, plan, record, device))
    submission = Submission(
        runcard=runcard,
        plan=plan,
        device=device,
        circuit=transpile_template(device.target),
        template=transpile_template(backend.target, device.qubits),
        rep_delay_s=getattr(backend.configuration(), "default_rep_delay", None),
        provenance=provenance(runcard.backend.name, device, runcard.seed, cards),
        fractional=backend is fractional,
        at_least=at_least,
    )
    first: Asked | None = everything(runcard, plan)
    if runcard.adaptive is not None:
        nothing = Decided.nothing(len(plan.psi), len(runcard.settings))
        first = Rounds.of(runcard, runcard.adaptive).next_asked(nothing)
    assert first is not None
    return submission.asking(first)
