"""Adaptive shots on simulated states: the posterior against quadrature, error rates, shots, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from qent_hw import physics
from qent_hw.estimators.limits_source import source_of
from qent_hw.physics import BELL_SETTINGS
from qent_hw.verdicts.adaptive import OPEN, Rule, decide
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior

# of each statement here that is about random numbers
FALSE_ALARM = 1e-6
Z = norm.isf(FALSE_ALARM / 2)
CAP = 2000


@pytest.fixture(scope="module")
def posterior():
    source = source_of("special_four_basis", "dephasing")
    return AdaptivePosterior.of(source, BELL_SETTINGS, np.random.default_rng(np.random.SeedSequence(1)), pool=1 << 15)


@pytest.fixture(scope="module")
def states(posterior):
    """400 random states: what their outcomes are, and whether they are entangled."""
    source = posterior.sampler.prior.source
    points, rho = source.draw(400, np.random.default_rng(np.random.SeedSequence(2)))
    return source.chances(points, rho, BELL_SETTINGS), physics.is_entangled(rho)


def run(posterior, chances, rule, cap=CAP, seed=3):
    rng, own = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))

    def measure(places, shots):
        counts = np.zeros((len(places), 4, 4), np.int64)
        asked = shots > 0
        counts[asked] = physics.sample_counts(chances[places][asked], shots[asked], rng)
        return counts

    return decide(posterior, rule, len(chances), cap, measure, own)


def test_a_look_is_what_quadrature_over_the_family_gives(posterior, states):
    """P and the concurrence of 40 states at 24 and 600 shots a setting, by draws and by led samples, against 96³ points
    of the cube: off by as much as `effective` says (false alarm of all statements together 1e-6)."""
    source = posterior.sampler.prior.source
    grid = (np.arange(96) + 0.5) / 96
    points = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    entangled, concurrence, logs = [], [], []
    for part in np.array_split(points, 16):
        rho = source.states(part)
        entangled.append(physics.is_entangled(rho, validate=False))
        concurrence.append(physics.concurrence(rho, validate=False))
        logs.append(np.log(np.maximum(source.chances(part, rho, BELL_SETTINGS), 1e-12)).reshape(len(part), -1))
    entangled, concurrence, logs = (np.concatenate(one) for one in (entangled, concurrence, logs))
    rng = np.random.default_rng(np.random.SeedSequence(4))
    for shots in (24, 600):
        counts = physics.sample_counts(states[0][:40], shots, rng)
        look = posterior.look(counts, rng)
        for i in range(40):
            weights = logs @ counts[i].ravel()
            weights = np.exp(weights - weights.max())
            weights /= weights.sum()
            p, mean = weights @ entangled, weights @ concurrence
            second = weights @ concurrence**2
            z = norm.isf(FALSE_ALARM / 320)
            # a share of few samples is known no better than to one of them
            assert abs(look.p[i] - p) < z * np.sqrt((p * (1 - p) + 1 / look.effective[i]) / look.effective[i])
            assert abs(look.concurrence[i, 0] - mean) < z * np.sqrt((second - mean**2 + 1e-6) / look.effective[i])
            reached = [weights[concurrence <= bound + 0.01].sum() for bound in look.concurrence[i, 1:]]
            assert reached[0] > 0.05 - z * np.sqrt(0.05 / look.effective[i])
            assert reached[1] > 0.95 - z * np.sqrt(0.05 / look.effective[i])


@pytest.mark.parametrize(("rate", "growth"), [(0.05, 1.5), (0.05, 1.12), (0.2, 1.5)])
def test_verdicts_are_wrong_no_more_often_than_said_however_often_one_looks(posterior, states, rate, growth):
    """400 states, up to 29 looks at each; on either side a share of the rate at most (false alarm 1e-6), and as many as
    the posterior expects."""
    chances, truth = states
    found = run(posterior, chances, Rule(rate, growth=growth))
    assert (found.verdict != OPEN).mean() > 0.8
    assert found.looks.max() == len(found.rounds)
    for name, wrong_if in (("entangled", ~truth), ("separable", truth)):
        called = found.verdict == name
        wrong = int((called & wrong_if).sum())
        assert called.sum() > 80
        assert wrong <= binom.isf(FALSE_ALARM, called.sum(), rate)
        doubt = np.minimum(found.look.p, 1 - found.look.p)[called]
        assert abs(wrong - doubt.sum()) < Z * np.sqrt((doubt * (1 - doubt)).sum() + 1)


def test_shots_are_far_below_the_fixed_plans_and_settings_are_chosen(posterior, states):
    """A third of the shots at most, a tenth for the easier half: 22 ± 1% and 5% of them for 400 states."""
    found = run(posterior, states[0], Rule(0.05))
    shots = np.sort(found.shots)
    assert shots.mean() < CAP / 3
    assert shots[:200].mean() < CAP / 10
    assert (found.shots <= CAP).all()
    assert (found.shots[found.verdict == OPEN] == CAP).all()
    of_settings = found.counts.sum(axis=2)
    assert (of_settings >= 16).all()
    assert (of_settings.max(axis=1) > 2 * of_settings.min(axis=1)).mean() > 0.5
    assert sum(one.entangled + one.separable for one in found.rounds) == (found.verdict != OPEN).sum()
    assert found.rounds[0].measured == 400


def test_the_same_seed_gives_the_same_run(posterior, states):
    first, again, other = (run(posterior, states[0][:100], Rule(0.05), 1000, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.counts, again.counts)
    assert np.array_equal(first.look.p, again.look.p)
    assert first.rounds == again.rounds
    assert not np.array_equal(first.counts, other.counts)
