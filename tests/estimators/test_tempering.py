"""Populations led from the prior to the posterior, against closed forms: a Bell state's white noise, measured along zz,
and an angle of which the counts tell all but a sign."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, norm

from qent_hw.estimators.fisher_scoring import log_likelihood, score_and_information
from qent_hw.estimators.lineages import effective_by_lineage
from qent_hw.estimators.newton_moves import Cube, chains
from qent_hw.estimators.tempering import POPULATIONS, Tempered, temper

# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)
KEPT, CHAINS = 1024, 128


def white_noise(points):
    """Even outcomes have probability 1 - p/2."""
    even = 1 - points[:, :1] / 2
    return np.concatenate([even, 1 - even], axis=1), np.broadcast_to(np.array([[-0.5], [0.5]]), (len(points), 2, 1))


def turned(points):
    """An angle 2πu seen through its cosine alone: u and 1 - u are equally likely."""
    even = (1 + 0.9 * np.cos(2 * np.pi * points[:, :1])) / 2
    slope = -0.9 * np.pi * np.sin(2 * np.pi * points[:, :1])
    return np.concatenate([even, 1 - even], axis=1), np.stack([slope, -slope], axis=1)


def run(slopes, goes_round: bool, counts: list[int], n: int, seed: int, n_chains: int = CHAINS) -> Tempered:
    """n independent runs for the same counts."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    observed = np.tile(counts, (n, 1)).astype(float)
    shots = np.full((n, 2), float(sum(counts)))
    draws = rng.random((4096, 1))
    likelihood = (observed @ np.log(np.maximum(slopes(draws)[0], 1e-12)).T).astype(np.float32)
    cube = Cube(slopes, np.array([goes_round]), 0.1)
    return temper(cube, draws, likelihood, observed, shots, n_chains, 8, KEPT, rng)


def of_beta(even: int, odd: int) -> tuple[float, float]:
    """Mean and variance of the chance of even outcomes, given counts."""
    a, b = even + 1, odd + 1
    return a / (a + b), a * b / (a + b) ** 2 / (a + b + 1)


def follows(found: Tempered, quantity, mean: float, variance: float) -> None:
    """Moments averaged over the runs, within Z of their standard errors."""
    seen = quantity(found.points[:, :, 0])
    first = (found.weights * seen).sum(axis=1)
    second = (found.weights * (seen - mean) ** 2).sum(axis=1)
    for moment, expected in ((first, mean), (second, variance)):
        assert abs(moment.mean() - expected) < Z * moment.std() / np.sqrt(len(moment))
    effective = effective_by_lineage(found.weights, found.ancestors, (seen,))
    # the mean of a chi-square over its own number of runs, and what is claimed less a fifth at most
    spread = first.var() / variance
    assert spread < 1.25 * np.mean(1 / effective) * (1 + Z * np.sqrt(2 / len(first)))
    assert effective.mean() > 60


@pytest.mark.parametrize("shots", [400, 40_000, 4_000_000])
def test_samples_follow_the_posterior(shots):
    """4,096 prior draws are 1.2e-4 apart in q = 1 - p/2; the posterior is down to 2.1e-4 wide."""
    even = int(0.7625 * shots)
    found = run(white_noise, False, [even, shots - even], 200, 1)
    follows(found, lambda p: 1 - p / 2, *of_beta(even, shots - even))


def test_samples_follow_a_posterior_that_is_cut_off_by_the_end_of_the_cube():
    """q = 1 - p/2 cannot be more than one, nor less than a half; 19,900 of 40,000 suggests less."""
    posterior = beta(19_901, 20_101)
    grid = np.linspace(0.5, 0.53, 400_001)
    weights = posterior.pdf(grid)
    weights /= weights.sum()
    mean = weights @ grid
    found = run(white_noise, False, [19_900, 20_100], 200, 2)
    assert found.points.min() >= 0
    assert found.points.max() <= 1
    follows(found, lambda p: 1 - p / 2, mean, weights @ (grid - mean) ** 2)


def test_of_two_separate_peaks_each_gets_its_share():
    """Whichever of u and 1 - u: a population settles for shares, and knows how well it knows them."""
    # each from draws of its own, which decide the shares
    runs = [run(turned, True, [25_000, 15_000], 1, seed) for seed in range(100, 200)]
    below = [(one.points[:, :, 0] < 0.5).astype(float) for one in runs]
    share = np.array([(one.weights * part).sum() for one, part in zip(runs, below, strict=True)])
    assert abs(share.mean() - 0.5) < Z * share.std() / np.sqrt(100)
    effective = np.array(
        [effective_by_lineage(one.weights, one.ancestors, (part,))[0] for one, part in zip(runs, below, strict=True)]
    )
    expected = np.mean(share * (1 - share) / effective)
    assert 0.25 / expected > 30
    # a variance from 100 runs is good to a seventh
    assert share.var() == pytest.approx(expected, rel=0.25 + Z / 7)


def test_runs_joined_follow_it_too_and_are_worth_more():
    even, shots = 30_500, 40_000
    one, other = (
        run(white_noise, False, [even, shots - even], 200, seed, chains) for seed, chains in ((4, 128), (5, 256))
    )
    both = one.joined(other)
    assert both.points.shape == one.points.shape
    assert both.ancestors.max() < 384
    follows(both, lambda p: 1 - p / 2, *of_beta(even, shots - even))


def test_a_run_that_missed_is_outweighed_by_its_evidence():
    found = run(white_noise, False, [30_500, 9_500], 50, 6)
    missed = Tempered(np.full_like(found.points, 0.9), found.log_weights - 100, found.ancestors, CHAINS)
    np.testing.assert_allclose(missed.joined(found).weights[:, : KEPT // 2].sum(axis=1), 0, atol=1e-30)


def test_populations_take_turns():
    """Of populations that never met, each has evidence and ancestors of its own."""
    found = run(white_noise, False, [305, 95], 20, 7)
    for population in range(POPULATIONS):
        own = slice(population, None, POPULATIONS)
        np.testing.assert_array_equal(np.ptp(found.log_weights[:, own], axis=1), 0)
        assert set(np.unique(found.ancestors[:, own]) // (CHAINS // POPULATIONS)) == {population}


def test_chains_leave_the_posterior_as_it_is():
    """Detailed balance where the information changes most: 40 shots and chains that start from exact samples."""
    rng = np.random.default_rng(np.random.SeedSequence(8))
    n, counts = 40_000, np.array([25.0, 15.0])
    grid = (np.arange(20_000) + 0.5) / 20_000
    weights = np.exp(log_likelihood(turned(grid[:, None])[0], counts))
    start = rng.choice(grid, n, p=weights / weights.sum())
    cube = Cube(turned, np.array([True]), 0.3)
    points, _ = chains(cube, start[:, None], np.tile(counts, (n, 1)), np.full((n, 2), 40.0), np.ones(n), 3, rng)
    reached = np.cumsum(weights) / weights.sum()
    for moved in points[:, :, 0]:
        # Kolmogorov and Smirnov: √n times the largest distance exceeds 2.5 once in 130,000
        ranks = np.sort(np.interp(moved, grid, reached))
        assert np.sqrt(n) * np.abs(ranks - (np.arange(n) + 0.5) / n).max() < 2.5
    assert (points[0, :, 0] != start).mean() > 0.3


def test_score_and_information_are_derivatives_of_the_likelihood():
    points, counts = np.array([[0.1], [0.3]]), np.array([[600.0, 400.0], [2500, 2500]])
    shots = np.repeat(counts.sum(axis=1, keepdims=True), 2, axis=1)
    score, information = score_and_information(*turned(points), counts, shots)
    step = 1e-5

    def value(at):
        return log_likelihood(turned(at)[0], counts)

    np.testing.assert_allclose(score[0], (value(points + step) - value(points - step)) / (2 * step), rtol=1e-6)
    chance, slope = turned(points)
    np.testing.assert_allclose(information[0, 0], (shots * slope[:, :, 0] ** 2 / chance).sum(axis=1), rtol=1e-2)


def test_a_lineage_counts_once_if_its_samples_are_alike_and_as_many_if_not():
    rng = np.random.default_rng(np.random.SeedSequence(9))
    weights = np.full((400, 256), 1 / 256)
    ancestors = np.tile(np.repeat(np.arange(64), 4), (400, 1))
    alike = np.repeat(rng.standard_normal((400, 64)), 4, axis=1)
    unlike = rng.standard_normal((400, 256))
    # good to √(2/64) each
    assert np.median(effective_by_lineage(weights, ancestors, (alike,))) == pytest.approx(64, rel=0.1)
    assert np.median(effective_by_lineage(weights, ancestors, (unlike,))) == pytest.approx(250, rel=0.1)
    worst = effective_by_lineage(weights, ancestors, (unlike, np.ones((400, 256)), alike))
    assert np.median(worst) == pytest.approx(64, rel=0.1)
    # one descent says nothing of how well it is known
    assert effective_by_lineage(weights, np.zeros_like(ancestors), (unlike,)).max() <= 1
