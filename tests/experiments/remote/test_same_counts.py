"""The same experiment gives the same counts, within statistics, by every route to the same device.

Aer itself, IBM's client in local testing mode, and jobs to the stand-in, which cuts the device out by code of its own.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from qent_hw import Experiment
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote import sending
from qent_hw.experiments.remote.collecting import fetch
from qent_hw.experiments.runcard import parse_runcard
from qent_hw.hardware.ibm.service import connect

# of each comparison; less for a twirl, whose counts scatter less than χ² takes them to: its parts are fixed quarters
FALSE_ALARM = 1e-6
PAIR, OTHER_PAIR = [1, 2], [3, 4]
ROUTES = ("aer:fake_manila", "fake_manila", "ibm_loopback")
SETTINGS = [first + second for first, second in itertools.product("xyz", "abz")]


def card(injection, backend, qubits, seed):
    """Four states in all nine settings; their parameters are given, so that seeds differ in the shots alone."""
    return parse_runcard(
        {
            "title": "the same by every route",
            "family": "special_four_basis",
            "seed": seed,
            "shots": 4096,
            "settings": SETTINGS,
            "states": {"kind": "points", "points": [{"theta": 1.2, "phi": 0.7}, {"theta": 2.9, "phi": 2.1}]},
            "channel": {"p": [0.1, 0.6]},
            "injection": {"kind": injection},
            "backend": {"name": backend, "qubits": qubits},
        },
        "test",
    )


def simulated(injection, backend, qubits=PAIR, seed=1):
    """Counts (states, settings, 4), and the waits."""
    run = Experiment(card(injection, backend, qubits, seed)).run()
    return run.measured.values, run.plan.delay_dt


def by_jobs(path, injection, backend="ibm_loopback", qubits=PAIR, seed=3):
    """The same from two jobs at the service."""
    service = connect()
    submission = sending.prepare(path, card(injection, backend, qubits, seed), service, 2)
    sending.keep(path, submission)
    with folders.lock(path):
        with folders.open_ledger(path) as ledger:
            sending.approve(ledger, "job", None)
            sending.send(path, submission, ledger, service, lambda sent, total: None)
        assert fetch(path, service, wait_s=120)
    return submission.counts(folders.load_bits(path, submission)).values, submission.plan.delay_dt


def homogeneity(*counts):
    """The probability that counts of one distribution differ by more than these: χ² of each state and setting, summed.

    Outcomes with fewer than 10 expected counts in a route are pooled into one.
    """
    chi2 = dof = 0
    for table in np.stack(counts).transpose(1, 2, 0, 3).reshape(-1, len(counts), 4):
        expected = table.sum(axis=0) / len(counts)
        large = expected >= 10
        cells = np.column_stack([table[:, large], table[:, ~large].sum(axis=1)])
        cells = cells[:, cells.sum(axis=0) >= 10 * len(counts)]
        if cells.shape[1] > 1:
            wanted = cells.sum(axis=1, keepdims=True) * cells.sum(axis=0) / cells.sum()
            chi2 += np.sum((cells - wanted) ** 2 / wanted)
            dof += (len(counts) - 1) * (cells.shape[1] - 1)
    assert dof > 100
    return stats.chi2.sf(chi2, dof)


@pytest.mark.parametrize("injection", ["twirl", "idle"])
def test_the_same_counts_by_every_route(ibm, tmp_path, injection):
    found = [simulated(injection, name, seed=seed) for seed, name in enumerate(ROUTES[:2], 1)]
    found.append(by_jobs(tmp_path / "run", injection))
    counts = [values for values, _ in found]
    assert all(np.array_equal(waits, found[0][1]) for _, waits in found)
    assert all((values.sum(axis=-1) == 4096).all() for values in counts)
    assert homogeneity(*counts) > FALSE_ALARM
    # the power: another pair of the device's qubits (p below 1e-80), and two qubits that changed places, are seen
    elsewhere, _ = simulated(injection, ROUTES[0], OTHER_PAIR)
    for one in counts:
        assert homogeneity(one, elsewhere) < FALSE_ALARM
        assert homogeneity(one, counts[0][..., [0, 2, 1, 3]]) < FALSE_ALARM
