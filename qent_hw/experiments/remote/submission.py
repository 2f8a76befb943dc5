"""What is sent to a remote backend: the plan of a run, its circuits, how they are cut into jobs, and the cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.pubs import Pub
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.experiments.chosen_estimators import cards_of, load_estimators
from qent_hw.experiments.plan import Plan, make_plan
from qent_hw.experiments.provenance import provenance
from qent_hw.experiments.run import (
    Seeds,
    asked_pair,
    known_device,
    planned_pubs,
    record_of,
)
from qent_hw.experiments.runcard import Runcard
from qent_hw.experiments.specialise import specialised
from qent_hw.hardware.device import cut_device
from qent_hw.hardware.dispatch import Shipment
from qent_hw.hardware.fractional import choose_fractional
from qent_hw.hardware.ibm.sampler import counts_of_bits
from qent_hw.hardware.jobs import Cost, Piece, cut_jobs, estimate_cost
from qent_hw.physics import Counts

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend


@dataclass(frozen=True)
class Submission:
    """Everything that is settled before the first job is sent.

    Attributes
    ----------
    runcard
        with the backend's own name, where the least busy one was asked for.
    plan
        the states, what is injected into them, and their exact truth.
    circuit
        the transpiled template on the pair alone, for the report.
    pubs
        what is measured, on the backend's own qubits.
    jobs
        the pieces of the PUBs that each job has.
    cost
        QPU seconds.
    provenance
        as of the submission.
    fractional
        whether the backend is used with its fractional gates.
    """

    runcard: Runcard
    plan: Plan
    circuit: QuantumCircuit
    pubs: tuple[Pub, ...]
    jobs: tuple[tuple[Piece, ...], ...]
    cost: Cost
    provenance: dict[str, Any]
    fractional: bool

    def shipment(self, number: int, longest_s: int | None = None) -> Shipment:
        """What job `number` measures."""
        pieces = self.jobs[number]
        pubs = tuple((self.pubs[one.pub].circuit, self.pubs[one.pub].rows[one.start : one.stop]) for one in pieces)
        return Shipment(pubs, self.pubs[0].shots, longest_s)

    def counts(self, bits: Sequence[Sequence[NDArray[np.uint8]]]) -> Counts:
        """The counts of all states and settings, from the bit patterns of each job's PUBs (see `checked_bits`)."""
        rows = [np.zeros((pub.n_rows, 4), dtype=np.int64) for pub in self.pubs]
        for pieces, arrays in zip(self.jobs, bits, strict=True):
            for piece, array in zip(pieces, arrays, strict=True):
                rows[piece.pub][piece.start : piece.stop] = counts_of_bits(array)
        settings = tuple(self.runcard.settings)
        values = np.zeros((len(self.plan.psi), len(settings), 4), dtype=np.int64)
        for pub, counted in zip(self.pubs, rows, strict=True):
            values[pub.states] = pub.add_parts(counted)
        return Counts(settings, values)

    def longest(self, job: int, limit_s: float | None) -> int | None:
        """Seconds after which the service is to stop a job, its share of the limit for all, or no bound."""
        return None if limit_s is None else math.ceil(limit_s * self.cost.jobs_s[job] / self.cost.total_s)


def check_injection(runcard: Runcard) -> None:
    """Raise `InputError` unless a real device can do what the runcard injects, and in one go."""
    if runcard.adaptive is not None:
        raise InputError(
            f"adaptive: each round is planned by the counts of the last, which is for local backends so far, not "
            f"{runcard.backend.name}; leave out --adaptive, or the runcard's section of that name"
        )
    if runcard.injection.kind == "noise-model":
        raise InputError(
            "injection noise-model: a real device has no noise model to add an error to; "
            "use --injection twirl (exact dephasing) or idle (the qubits really wait)"
        )
    if runcard.injection.T1_s is not None:
        raise InputError(f"T1_s and T2_s describe the ideal simulator 'aer'; {runcard.backend.name} has its own")


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
    estimators = load_estimators(runcard, plan, record)
    pubs = planned_pubs(runcard, plan, transpile_template(backend.target, device.qubits))
    jobs = cut_jobs(pubs, at_least)
    cost = estimate_cost(jobs, pubs, backend.target, getattr(backend.configuration(), "default_rep_delay", None))
    origin = provenance(runcard.backend.name, device, runcard.seed, cards_of(estimators))
    return Submission(
        runcard=runcard,
        plan=plan,
        circuit=transpile_template(device.target),
        pubs=tuple(pubs),
        jobs=tuple(jobs),
        cost=cost,
        provenance=origin,
        fractional=backend is fractional,
    )
