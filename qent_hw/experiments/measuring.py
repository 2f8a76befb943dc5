"""What a backend is asked for: states of a plan in settings of a runcard, with as many shots as each is to get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.pubs import Pub, build_pubs
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.runcard import Runcard
from qent_hw.hardware.simulators import Backend


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked for at once: shots (m, n_settings), over all parts of a setting, of `states` (m,) of the plan."""

    states: NDArray[np.int64]
    shots: NDArray[np.int64]


def everything(runcard: Runcard, plan: Plan) -> Asked:
    """All states in all settings, with the runcard's shots."""
    n = len(plan.psi)
    return Asked(np.arange(n), np.full((n, len(runcard.settings)), runcard.shots))


def planned_pubs(runcard: Runcard, plan: Plan, circuit: QuantumCircuit, asked: Asked) -> list[Pub]:
    """PUBs that measure what is asked for; `circuit` is the transpiled template.

    Raises
    ------
    InputError
        for shots that do not divide into the parts of a setting.
    """
    settings, found = tuple(runcard.settings), []
    for rows, columns, number in _alike(asked.shots):
        chosen = asked.states[rows]
        pubs = build_pubs(
            circuit,
            plan.psi[chosen],
            tuple(settings[column] for column in columns),
            number,
            runcard.injection.kind,
            channel=runcard.channel.kind,
            p=None if plan.p is None else plan.p[chosen],
            delay_dt=None if plan.delay_dt is None else plan.delay_dt[chosen],
            readout_twirl=runcard.readout == "twirled",
        )
        found += [replace(pub, states=chosen[pub.states], settings=columns) for pub in pubs]
    return found


def sampled(
    pubs: Sequence[Pub],
    backend: Backend,
    seed: np.random.SeedSequence,
    shape: tuple[int, int],
    done: Callable[[int], None],
) -> NDArray[np.int64]:
    """Counts (n, n_settings, 4) of PUBs, zero where they measure nothing; `done(circuits)` as they are measured."""
    values = np.zeros((*shape, 4), np.int64)
    for pub, child in zip(pubs, seed.spawn(len(pubs)), strict=True):
        values[np.ix_(pub.states, pub.settings)] = backend.sample(pub, child, done)
    return values


def _alike(shots: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
    """States and settings that get the same number of shots together: (rows, columns, number) of shots (m, k)."""
    kinds, kind = np.unique(shots, axis=0, return_inverse=True)
    for number, one in enumerate(kinds):
        rows = np.flatnonzero(kind.ravel() == number)
        for size in np.unique(one[one > 0]):
            yield rows, np.flatnonzero(one == size), int(size)
