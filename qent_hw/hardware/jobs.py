"""From PUBs to jobs: as few as the service's limits allow, and what they will cost.

Every job costs time of its own on the machine, and plans limit how many may wait, so PUBs (one for each wait of an idle
run) share a job; a PUB too large for one is cut between rows of its parameter values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qent_hw.circuits.pubs import Pub
from qent_hw.errors import InputError

# per job, of IBM's documented limits for the sampler (circuits × shots); the others are far away for this template
MOST_EXECUTIONS = 10_000_000
# keeps the angles of a job below about 20 MB, as they are sent
MOST_ROWS = 200_000
MOST_PUBS = 300

OVERHEAD_S = 2.0
"""What a job takes on the machine beside its shots, by IBM's own rule of thumb."""

# where a backend does not publish its repetition delay
REP_DELAY_S = 250e-6


@dataclass(frozen=True)
class Piece:
    """Rows `start` to `stop` of the flattened parameter values of PUB number `pub`."""

    pub: int
    start: int
    stop: int


@dataclass(frozen=True)
class Cost:
    """QPU seconds of each job, and how they were estimated, in words."""

    jobs_s: tuple[float, ...]
    how: str

    @property
    def total_s(self) -> float:
        """QPU seconds of all jobs."""
        return sum(self.jobs_s)


NOTHING = Cost((), "")
"""Of no job."""


def cut_jobs(pubs: Sequence[Pub], at_least: int = 1) -> list[tuple[Piece, ...]]:
    """The pieces of each job, in order, in at least so many jobs where there are as many circuits.

    A job's PUBs have the same number of shots: another number begins another job. Raises `InputError` if one circuit
    alone is more than a job may hold.
    """
    total = sum(pub.n_rows for pub in pubs)
    jobs: list[tuple[Piece, ...]] = []
    current: list[Piece] = []
    shots = rows_left = most = 0
    for index, pub in enumerate(pubs):
        if pub.shots != shots:
            shots = pub.shots
            rows_left = most = min(MOST_ROWS, MOST_EXECUTIONS // shots, max(1, total // at_least))
            if most < 1:
                raise InputError(f"shots = {shots}: a job may hold {MOST_EXECUTIONS:,} shots in all")
            if current:
                jobs.append(tuple(current))
                current = []
        start, rows = 0, pub.n_rows
        while start < rows:
            if rows_left == 0 or len(current) == MOST_PUBS:
                jobs.append(tuple(current))
                current, rows_left = [], most
            stop = min(rows, start + rows_left)
            current.append(Piece(index, start, stop))
            rows_left -= stop - start
            start = stop
    return [*jobs, tuple(current)]


def estimate_cost(
    jobs: Sequence[Sequence[Piece]], pubs: Sequence[Pub], target: Target, rep_delay_s: float | None
) -> Cost:
    """QPU seconds: Σ rows × shots × (circuit duration + repetition delay), and `OVERHEAD_S` a job (field-notes 24)."""
    delay = REP_DELAY_S if rep_delay_s is None else rep_delay_s
    shot_s = [circuit_seconds(pub.circuit, target) + delay for pub in pubs]
    seconds = tuple(
        OVERHEAD_S + sum((piece.stop - piece.start) * pubs[piece.pub].shots * shot_s[piece.pub] for piece in pieces)
        for pieces in jobs
    )
    executions = sum(pub.n_rows * pub.shots for pub in pubs)
    low, high = min(shot_s) * 1e6, max(shot_s) * 1e6
    each = f"{low:.0f} µs" if math.isclose(low, high, rel_tol=0.01) else f"{low:.0f} to {high:.0f} µs"
    assumed = " (assumed)" if rep_delay_s is None else ""
    how = (
        f"{executions:,} shots × {each} (circuit, and {delay * 1e6:.0f} µs{assumed} between shots) "
        f"+ {OVERHEAD_S:g} s × {len(jobs)} job{'s' if len(jobs) > 1 else ''}"
    )
    return Cost(seconds, how)


def circuit_seconds(circuit: QuantumCircuit, target: Target) -> float:
    """Seconds of one shot's circuit, measurement included."""
    return float(circuit.estimate_duration(target, unit="s"))
