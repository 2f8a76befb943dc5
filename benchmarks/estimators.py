"""What an estimate costs: every estimator on the same states, beside the fitter of qiskit-experiments' tomography."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import Measurement
from qent_hw.circuits import load_family
from qent_hw.estimators.catalogue import make_estimator
from qent_hw.estimators.situation import Situation, measured
from qent_hw.estimators.sources import FamilyStates
from qent_hw.physics import ALL_SETTINGS, Counts

# as many for each of nine settings
SHOTS = 3600
STATES = 10_000
# those that take longer are timed on so many and scaled
SLOW = {"bayes": 500, "likelihood": 1000, "tomography_qiskit": 300}
PEER, MATCH = "tomography_qiskit", "tomography_linear"
ESTIMATORS = ("bell4", "bell8", "tomo15", "bayes", "likelihood", MATCH, "tomography_mle", "tomography_mle_tuned")
ESTIMATORS += ("chsh", "chsh_horodecki")
REPEATS = 3
SEED = 20241021


def run() -> Measurement:
    """Ours and the peer are linear tomography of the same counts; `parts` has the seconds of every estimator.

    `agree` is the largest difference between their concurrences.
    """
    family = FamilyStates(load_family("special_four_basis"))
    drawn = family.draw("dephasing", STATES, np.random.default_rng(SEED))
    counts = measured(drawn, ALL_SETTINGS, SHOTS, np.random.default_rng(SEED + 1))
    seconds = {name: _seconds(name, Situation(family, "dephasing", SHOTS), counts) for name in (*ESTIMATORS, PEER)}
    each = ", ".join(f"{name} {1e6 * one.mean() / STATES:.3g} µs" for name, one in seconds.items())
    ours, peer = seconds[MATCH], seconds[PEER]
    return {
        "ours_s": float(ours.mean()),
        "ours_se_s": float(ours.std(ddof=1) / np.sqrt(REPEATS)),
        "peer_s": float(peer.mean()),
        "peer_se_s": float(peer.std(ddof=1) / np.sqrt(REPEATS)),
        "peer": "the fitter of qiskit-experiments' StateTomography (linear inversion), without the threads around it",
        "work": f"estimates with intervals of {STATES:,} special 4-basis states at {SHOTS:,} shots a state on one core "
        f"(mean of {REPEATS} passes; {', '.join(f'{name} on {n}' for name, n in SLOW.items())} of them, scaled). Ours "
        f"is {MATCH}. A state takes: {each}",
        "agree": _difference(Situation(family, "dephasing", SHOTS), counts),
        "parts": {name: float(one.mean()) for name, one in seconds.items()},
    }


def _seconds(name: str, situation: Situation, counts: Counts) -> np.ndarray:
    """For all states, of each pass."""
    estimator = make_estimator(name, situation)
    n = SLOW.get(name, STATES)
    taken = np.empty(REPEATS)
    with threadpool_limits(1):
        estimator.estimate(Counts(counts.settings, counts.values[:10]), SEED)
        for turn in range(REPEATS):
            rows = np.roll(np.arange(STATES), -turn * n)[:n]
            start = time.perf_counter()
            estimator.estimate(Counts(counts.settings, counts.values[rows]), SEED)
            taken[turn] = (time.perf_counter() - start) * STATES / n
    return taken


def _difference(situation: Situation, counts: Counts) -> float:
    some = Counts(counts.settings, counts.values[: SLOW[PEER]])
    ours, peer = (make_estimator(name, situation).estimate(some, SEED).concurrence for name in (MATCH, PEER))
    return float(np.abs(ours - peer).max())
