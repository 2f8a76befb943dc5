"""Refined posterior samples against closed forms: the strength of a Bell state's white noise, measured along zz."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from qent_hw.estimators.refinement import Refined, joined, refine, weights_of

SHOTS, EVEN = 40_000, 30_500
SIZE = 1024
# Even outcomes have probability q = 1 - p/2, p uniform: q given the counts is Beta, cut to [1/2, 1] by nothing here.
POSTERIOR = beta(EVEN + 1, SHOTS - EVEN + 1)


def chances(points):
    even = 1 - points[..., 0] / 2
    return np.stack([even, 1 - even], axis=-1)


def log_chances(points):
    return np.log(np.maximum(chances(points), 1e-12))


def slopes(points):
    return chances(points), np.broadcast_to(np.array([[-0.5], [0.5]]), (len(points), 2, 1))


def run(rng: np.random.Generator, n: int, size: int = SIZE) -> Refined:
    counts = np.tile([EVEN, SHOTS - EVEN], (n, 1)).astype(float)
    points = rng.random((64, 1))
    likelihood = (counts @ log_chances(points).T).astype(np.float32)
    return refine(log_chances, slopes, likelihood, points, counts, np.full((n, 2), float(SHOTS)), size, rng)


def moments(found: Refined):
    """Mean and variance of q (b,)."""
    weights, q = weights_of(found.log_weights), 1 - found.points[..., 0] / 2
    mean = (weights * q).sum(axis=1)
    return mean, (weights * (q - mean[:, None]) ** 2).sum(axis=1)


def follows(found: Refined) -> None:
    """The moments averaged over 200 runs: within five of their standard errors (false alarm 6e-7)."""
    mean, variance = moments(found)
    for seen, expected in ((mean, POSTERIOR.mean()), (variance, POSTERIOR.var())):
        assert abs(seen.mean() - expected) < 5 * seen.std() / np.sqrt(len(seen)) + 1e-3 * POSTERIOR.var()


def test_samples_follow_the_posterior():
    """64 prior draws are 0.008 apart in q, the posterior is 0.002 wide."""
    found = run(np.random.default_rng(np.random.SeedSequence(1)), 200)
    follows(found)
    weights = weights_of(found.log_weights)
    assert weights.sum(axis=1) == pytest.approx(1)
    outside = (found.points < 0) | (found.points > 1)
    assert not weights[outside[..., 0]].any()


def test_two_runs_joined_follow_it_too_and_are_better_samples():
    rng = np.random.default_rng(np.random.SeedSequence(2))
    one, other = run(rng, 200), run(rng, 200)
    both = joined(one, other, rng)
    assert both.points.shape == one.points.shape
    follows(both)
    assert moments(both)[0].std() < moments(one)[0].std()


def test_a_run_that_missed_is_outweighed():
    """Kernels far from where the posterior is, with a sample that carries all of the run's weight."""
    rng = np.random.default_rng(np.random.SeedSequence(3))
    good, points = run(rng, 50), rng.random((50, SIZE, 1))
    far = np.full((50, 64, 1), 0.9)
    likelihood = log_chances(points) @ np.array([EVEN, SHOTS - EVEN], dtype=float)
    missed = Refined(points, log_chances(points), likelihood, likelihood, far, np.full((50, 64, 1, 1), 50.0))
    mean, _ = moments(joined(missed, good, rng))
    assert np.all(np.abs(mean - POSTERIOR.mean()) < 0.3 * POSTERIOR.std())
