"""Posterior samples of counts against very many prior draws, and calibrated over states drawn from the prior."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from qent_hw import physics
from qent_hw.estimators.bayes import BayesEstimator
from qent_hw.estimators.counts_posterior import posterior_samples
from qent_hw.estimators.limits_source import source_of
from qent_hw.physics import BELL_SETTINGS, Counts

# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)


def test_led_samples_agree_with_very_many_prior_draws():
    """General 4-basis states at 50 shots a setting: of 8,192 draws too few count, of 2²⁰ thousands do."""
    states = source_of("general_four_basis", "dephasing")
    rng = np.random.default_rng(np.random.SeedSequence(13))
    n, size = 48, 1 << 20
    values = physics.sample_counts(states.chances(*states.draw(n, rng), BELL_SETTINGS), 50, rng)
    found = BayesEstimator(states, BELL_SETTINGS, pool=8192).estimate(Counts(BELL_SETTINGS, values), 3)
    moments, square = np.zeros((n, 4)), np.zeros(n)
    for _ in range(8):
        points, rho = states.draw(size // 8, rng)
        concurrence = physics.concurrence(rho, validate=False)
        logs = np.log(np.maximum(states.chances(points, rho, BELL_SETTINGS), 1e-12)).reshape(len(points), -1)
        # relative to the outcomes' own frequencies, the most that there can be
        frequencies = np.maximum(values / 50, 1e-12).reshape(n, -1)
        flat = values.reshape(n, -1).astype(float)
        weights = np.exp(flat @ logs.T - (flat * np.log(frequencies)).sum(axis=1, keepdims=True))
        moments += weights @ np.stack([np.ones(len(rho)), concurrence > 0, concurrence, concurrence**2], axis=1)
        square += (weights**2).sum(axis=1)
    p, mean, second = moments[:, 1:].T / moments[:, 0]
    of_many = square / moments[:, 0] ** 2
    known = of_many < 2e-3
    # of others the prior's draws did
    known &= found.effective_samples < 200
    assert known.sum() > 10
    share = 1 / found.effective_samples + of_many
    for missed, variance in (
        (found.p_entangled - p, p * (1 - p) + 1e-4),
        (found.concurrence - mean, second - mean**2),
    ):
        # squares of nearly normal errors, of variance 4 at most where a tail is long
        squares = (missed**2 / (variance * share))[known]
        assert squares.mean() < 1.3 + Z * 2 / np.sqrt(known.sum())
        assert squares.mean() > 0.1


@pytest.mark.parametrize(
    ("family", "channel", "shots", "n"),
    [
        ("general_four_basis", "dephasing", 1000, 200),
        ("general_four_basis", "depolarizing", 100, 200),
        ("special_four_basis", "dephasing", 16_000, 300),
        ("two_basis", "depolarizing", 4000, 200),
    ],
)
def test_the_truth_is_a_sample_like_any_other(family, channel, shots, n):
    """Among posterior samples the true state's likelihood and concurrence have any rank equally often (simulation-based
    calibration; Modrák et al., Bayesian Anal. 20, 461 (2025))."""
    states = source_of(family, channel)
    rng = np.random.default_rng(np.random.SeedSequence(14))
    points, rho = states.draw(n, rng)
    chances = states.chances(points, rho, BELL_SETTINGS)
    counts = physics.sample_counts(chances, shots, rng).reshape(n, -1).astype(float)
    likelihood = (np.log(np.maximum(chances, 1e-12)).reshape(n, -1) * counts).sum(axis=1)
    concurrence, entangled = physics.concurrence(rho), physics.is_entangled(rho)
    ranks, p, chance = np.zeros((2, n)), np.zeros(n), rng.random(n)
    for found in posterior_samples(states, BELL_SETTINGS, np.eye(16), counts, 1 << 15, rng, rng):
        rows = found.rows
        theirs = (found.logs @ counts[rows][:, :, None])[:, :, 0]
        ranks[0, rows] = (found.weights * (theirs < likelihood[rows, None])).sum(axis=1)
        away = found.concurrence - concurrence[rows, None]
        below, equal = ((found.weights * part).sum(axis=1) for part in (away < -1e-9, np.abs(away) <= 1e-9))
        # of many separable states the concurrence is the same
        ranks[1, rows] = below + chance[rows] * equal
        p[rows] = (found.weights * found.entangled).sum(axis=1)
    for rank in ranks:
        # Kolmogorov and Smirnov: √n times the largest distance exceeds 2.47 with probability 1e-5
        assert np.abs(np.sort(rank) - (np.arange(n) + 0.5) / n).max() < 2.47 / np.sqrt(n) + 0.01
    assert abs((entangled - p).sum()) < Z * np.sqrt((p * (1 - p)).sum() + 0.25)
