"""Sampled counts on a noisy device: our superoperators and multinomials beside Aer's sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks import Measurement
from benchmarks._device import SEED, Job, compare
from qent_hw.circuits.template import OUTCOME_OF_BITS
from qent_hw.physics import sample_counts

SHOTS = 1024


def run() -> Measurement:
    """`agree` says by how many standard errors the χ² of the two sides' counts against each other is off its mean."""
    rng = np.random.default_rng(SEED)
    return compare(
        lambda probabilities: sample_counts(probabilities, SHOTS, rng),
        peer,
        chi2_in_standard_errors,
        f"counts of {SHOTS:,} shots each (their χ² in standard errors is the last column)",
    )


def peer(job: Job) -> NDArray[np.int64]:
    """Aer's counts."""
    simulator, circuit, binds, number = job
    result = simulator.run(circuit, parameter_binds=binds, shots=SHOTS, seed_simulator=SEED).result()
    counts = np.zeros((number, 4), dtype=np.int64)
    for row in range(number):
        for bits, seen in result.data(row)["counts"].items():
            counts[row, OUTCOME_OF_BITS[int(bits, 16)]] = seen
    return counts


def chi2_in_standard_errors(
    ours: NDArray[np.int64], aers: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> float:
    """χ² of the differences, over circuits with at least ten expected counts of every outcome: three degrees each."""
    expected = probabilities * SHOTS
    kept = expected.min(axis=-1) >= 10
    # a difference of two counts has twice the variance of one
    chi2 = ((ours - aers)[kept] ** 2 / (2 * expected[kept])).sum()
    freedom = 3 * kept.sum()
    return float(abs(chi2 - freedom) / np.sqrt(2 * freedom))
