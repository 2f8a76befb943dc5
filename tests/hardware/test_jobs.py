"""Cutting PUBs into jobs loses no row and keeps the limits; the price is the sum it says."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qent_hw.circuits.pubs import Pub
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.hardware import jobs as jobs_module
from qent_hw.hardware.jobs import OVERHEAD_S, cut_jobs, estimate_cost

ISA = transpile_template(FakeManilaV2().target, (0, 1))


def pub(states, shots=100):
    return Pub(ISA, np.zeros((states, 4, 1, 10)), shots, np.arange(states), np.arange(4))


def rows_in(jobs):
    return [(piece.pub, row) for pieces in jobs for piece in pieces for row in range(piece.start, piece.stop)]


@pytest.mark.parametrize("at_least", [1, 2, 3, 7, 1000])
def test_every_row_is_in_one_job_and_in_order(at_least):
    pubs = [pub(3), pub(1), pub(5)]
    cut = cut_jobs(pubs, at_least)
    assert rows_in(cut) == [(index, row) for index, one in enumerate(pubs) for row in range(len(one.rows))]
    assert min(at_least, 36) <= len(cut) <= 36
    assert all(pieces for pieces in cut)


def test_pubs_share_a_job_and_limits_are_kept(monkeypatch):
    assert len(cut_jobs([pub(2) for _ in range(50)])) == 1
    monkeypatch.setattr(jobs_module, "MOST_PUBS", 20)
    assert [len(pieces) for pieces in cut_jobs([pub(2) for _ in range(50)])] == [20, 20, 10]
    monkeypatch.setattr(jobs_module, "MOST_EXECUTIONS", 1000)
    cut = cut_jobs([pub(6), pub(6)])
    assert max(sum(piece.stop - piece.start for piece in pieces) for pieces in cut) == 10
    with pytest.raises(InputError, match="shots = 1001"):
        cut_jobs([pub(1, shots=1001)])


def test_another_number_of_shots_begins_another_job():
    pubs = [pub(2, 40), pub(3, 40), pub(4, 100), pub(1, 200)]
    cut = cut_jobs(pubs)
    assert [[piece.pub for piece in pieces] for pieces in cut] == [[0, 1], [2], [3]]
    assert rows_in(cut) == [(index, row) for index, one in enumerate(pubs) for row in range(one.n_rows)]
    cost = estimate_cost(cut, pubs, FakeManilaV2().target, 250e-6)
    alone = [
        estimate_cost(cut_jobs(some), some, FakeManilaV2().target, 250e-6).total_s for some in (pubs[:2], pubs[2:3])
    ]
    assert cost.jobs_s[:2] == pytest.approx(alone)
    assert "3,200 shots" in cost.how


def test_the_price_is_shots_times_circuit_and_repetition_and_the_jobs_overhead():
    pubs = [pub(3), pub(5)]
    cut = cut_jobs(pubs, 3)
    circuit_s = ISA.estimate_duration(FakeManilaV2().target, unit="s")
    cost = estimate_cost(cut, pubs, FakeManilaV2().target, 250e-6)
    assert cost.total_s == pytest.approx(32 * 100 * (circuit_s + 250e-6) + len(cut) * OVERHEAD_S)
    assert len(cost.jobs_s) == len(cut)
    assert "3,200 shots" in cost.how
    assert "(assumed)" not in cost.how
    assert "(assumed)" in estimate_cost(cut, pubs, FakeManilaV2().target, None).how


def test_waits_are_part_of_the_price():
    waiting = ISA.copy()
    for index, one in enumerate(waiting.data):
        if one.operation.name == "delay":
            longer = one.operation.copy()
            longer.duration = 450_000
            waiting.data[index] = one.replace(operation=longer)
    target = FakeManilaV2().target
    short, long = [Pub(ISA, np.zeros((1, 4, 1, 10)), 1000, np.arange(1), np.arange(4))], None
    long = [Pub(waiting, short[0].values, 1000, short[0].states, short[0].settings)]
    more = (
        estimate_cost(cut_jobs(long), long, target, 0.0).total_s
        - estimate_cost(cut_jobs(short), short, target, 0.0).total_s
    )
    waited = next(one.operation.duration for one in ISA.data if one.operation.name == "delay")
    assert more == pytest.approx(4 * 1000 * (450_000 - waited) * target.dt)
