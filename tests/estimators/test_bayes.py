"""The Bayes estimator against quadrature and against its own claims, on ideal states and on a device."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.bayes import BayesEstimator, bayes_for_device
from qent_hw.estimators.counts_posterior import FEWEST_SAMPLES
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.limits import bayes_limit
from qent_hw.estimators.limits_source import source_of
from qent_hw.estimators.sources import draw_parameters
from qent_hw.experiments.training_device import training_device
from qent_hw.physics import BELL_SETTINGS, Counts

FAMILY = "special_four_basis"
# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)


@cache
def device():
    return training_device("fake_manila", None, "idle")


@cache
def source(on_device: bool):
    family = DeviceStates(load_family(FAMILY), device()) if on_device else FAMILY
    return source_of(family, "dephasing")


@cache
def measured(on_device: bool, n: int, shots: int):
    """Random states, their counts, and the estimates."""
    states = source(on_device)
    rng = np.random.default_rng(np.random.SeedSequence(8))
    points, rho = states.draw(n, rng)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(states.chances(points, rho, BELL_SETTINGS), shots, rng))
    estimator = BayesEstimator(states, BELL_SETTINGS, pool=1 << 15)
    return rho, counts, estimator.estimate(counts, 3)


@pytest.mark.parametrize(("on_device", "shots"), [(False, 250), (False, 4096), (True, 512)])
def test_it_is_as_right_as_it_claims(on_device, shots):
    n = 160 if shots == 250 else 80
    rho, _, estimates = measured(on_device, n, shots)
    sure = np.maximum(estimates.p_entangled, 1 - estimates.p_entangled)
    right = (estimates.verdict == "entangled") == physics.is_entangled(rho)
    error = np.sqrt((sure * (1 - sure)).sum()) / n
    assert abs(right.mean() - sure.mean()) < Z * error + 0.01
    truth = physics.concurrence(rho)
    # where the posterior holds a lump at zero, an interval holds more than its 90%, never less
    covered = (estimates.concurrence_low <= truth) & (truth <= estimates.concurrence_high)
    assert covered.mean() > 0.9 - Z * np.sqrt(0.09 / n)
    clearly = estimates.concurrence_low > 0.02
    assert abs(covered[clearly].mean() - 0.9) < Z * np.sqrt(0.09 / clearly.sum())
    assert np.all(estimates.p_entangled_low <= estimates.p_entangled)
    assert np.all(estimates.p_entangled <= estimates.p_entangled_high)
    assert estimates.effective_samples.min() > FEWEST_SAMPLES
    assert estimates.warning is None


@pytest.mark.parametrize(("on_device", "n"), [(False, 160), (True, 32)])
def test_it_agrees_with_quadrature(on_device, n):
    _, counts, estimates = measured(on_device, n, 250)
    centres = (np.arange(72) + 0.5) / 72
    grid = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1).reshape(-1, 3)
    states = source(on_device)
    rho = states.states(grid)
    entangled, concurrence = physics.is_entangled(rho, validate=False), physics.concurrence(rho, validate=False)
    logs = np.log(np.maximum(states.chances(grid, rho, BELL_SETTINGS), 1e-12)).reshape(len(grid), -1)
    for state in range(0, n, n // 8):
        likelihood = logs @ counts.values[state].ravel()
        weights = np.exp(likelihood - likelihood.max())
        weights /= weights.sum()
        mean = weights @ concurrence
        spread = np.sqrt(weights @ (concurrence - mean) ** 2)
        p = weights @ entangled
        independent = estimates.effective_samples[state]
        assert estimates.concurrence[state] == pytest.approx(mean, abs=Z * spread / np.sqrt(independent) + 0.003)
        assert estimates.p_entangled[state] == pytest.approx(
            p, abs=Z * np.sqrt((p * (1 - p) + 0.01) / independent) + 0.01
        )


def test_settings_come_in_any_order_and_must_be_there():
    _, counts, _ = measured(False, 160, 250)
    estimator = BayesEstimator(source(False), BELL_SETTINGS, pool=1 << 15)
    few = Counts(BELL_SETTINGS[::-1], counts.values[:2, ::-1])
    plain = estimator.estimate(Counts(BELL_SETTINGS, counts.values[:2]), 3)
    np.testing.assert_array_equal(estimator.estimate(few, 3).p_entangled, plain.p_entangled)
    with pytest.raises(InputError, match="setting xa is missing"):
        estimator.estimate(Counts(BELL_SETTINGS[1:], counts.values[:, 1:]), 3)


def general(n: int, shots: int, seed: int):
    """Random general 4-basis states, seven parameters, and their estimates."""
    states = source_of("general_four_basis", "dephasing")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    points, rho = states.draw(n, rng)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(states.chances(points, rho, BELL_SETTINGS), shots, rng))
    return rho, BayesEstimator(states, BELL_SETTINGS, pool=1 << 15).estimate(counts, 3)


def test_general_states_are_resolved_at_many_shots():
    rho, estimates = general(100, 4000, 15)
    assert (estimates.effective_samples < FEWEST_SAMPLES).mean() <= 0.02
    assert np.median(estimates.effective_samples) > 60
    sure = np.maximum(estimates.p_entangled, 1 - estimates.p_entangled)
    right = (estimates.verdict == "entangled") == physics.is_entangled(rho)
    assert abs(right.mean() - sure.mean()) < Z * np.sqrt((sure * (1 - sure)).sum()) / 100
    # 0.0144 of 512 states; a squared error has a heavy tail
    assert np.sqrt(np.mean((estimates.concurrence - physics.concurrence(rho)) ** 2)) < 0.03


def test_a_posterior_that_is_not_resolved_is_said_to_be_so():
    """10⁸ shots in every setting leave room for a 10⁻²⁰th of the prior, in many places."""
    _, estimates = general(24, 100_000_000, 9)
    poor = (estimates.effective_samples < FEWEST_SAMPLES).sum()
    assert poor > 0
    assert f"the posterior of {poor} of 24 states was not resolved" in estimates.warning


def test_shots_may_differ_between_states_and_settings():
    """A setting with one shot tells next to nothing: the estimate is that of the other settings, which quadrature knows
    too. Counts that differ by a thousandfold leave the posterior as well sampled as even ones."""
    states = source(False)
    rng = np.random.default_rng(np.random.SeedSequence(10))
    chances = states.chances(*states.draw(40, rng), BELL_SETTINGS)
    shots = rng.permuted(np.tile([1, 300, 1000, 30_000], (40, 1)), axis=1)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(chances, shots, rng))
    together = BayesEstimator(states, BELL_SETTINGS, pool=1 << 15).estimate(counts, 3)
    assert together.warning is None
    assert np.median(together.effective_samples) > 200
    apart = BayesEstimator(states, BELL_SETTINGS, pool=1 << 15).estimate(Counts(BELL_SETTINGS, counts.values[::-1]), 4)
    p, q = together.p_entangled, apart.p_entangled[::-1]
    error = np.sqrt((p * (1 - p) + 0.01) * (1 / together.effective_samples + 1 / apart.effective_samples[::-1]))
    assert np.all(np.abs(p - q) < norm.isf(FALSE_ALARM / 80) * error)


def test_the_interval_of_p_is_about_as_wide_as_repeated_experiments_scatter():
    """20 states, each measured 20 times with 16 shots. The ratio is 0.95 ± 0.08 between seeds; five of these."""
    states = source(False)
    rng = np.random.default_rng(np.random.SeedSequence(11))
    points = rng.uniform(0, [1, 1, 0.6], (20, 3))
    chances = np.repeat(states.chances(points, None, BELL_SETTINGS), 20, axis=0)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(chances, 16, rng))
    found = BayesEstimator(states, BELL_SETTINGS, pool=1 << 15).estimate(counts, 3)
    low, high = np.quantile(found.p_entangled.reshape(20, 20), (0.16, 0.84), axis=1)
    ratio = np.mean(found.p_entangled_high - found.p_entangled_low) / np.mean(high - low)
    assert 0.55 < ratio < 1.35


def test_on_a_device_states_and_outcomes_are_those_of_a_run_but_for_the_rounding_of_waits():
    """Half a step of the timing grid moves a strength by half a step over T2, here 4e-5 at most."""
    family, grid = load_family(FAMILY), device().timing_grid
    errors = device().template.errors
    drawn = DeviceStates(family, device()).draw("dephasing", 500, np.random.default_rng(np.random.SeedSequence(12)))
    values, p = draw_parameters(family, 500, np.random.default_rng(np.random.SeedSequence(12)))
    points = np.stack([*(values[one.name] / one.high for one in family.parameters), p], axis=1)
    most = grid * errors.dt / 2 * (1 / errors.idle.T1 + 1 / errors.idle.T2).sum()
    assert most < 1e-3
    np.testing.assert_allclose(source(True).states(points), drawn.truth, atol=most)
    chances = source(True).chances(points, None, BELL_SETTINGS)
    np.testing.assert_allclose(chances, drawn.probabilities(BELL_SETTINGS).mean(axis=2), atol=most)


def test_for_a_device_it_says_what_it_assumes():
    estimator = bayes_for_device(load_family(FAMILY), "dephasing", device(), BELL_SETTINGS)
    assert estimator.name == "bayes"
    assert "fake_manila" in estimator.card["assumes"]
    with pytest.raises(InputError, match="'depolarizing'"):
        bayes_for_device(load_family(FAMILY), "depolarizing", device(), BELL_SETTINGS)


def test_a_limit_can_be_that_of_a_device():
    on_device = DeviceStates(load_family(FAMILY), device())
    ideal = bayes_limit(FAMILY, "dephasing", settings=BELL_SETTINGS, shots=1000, n=100, pool=8192, seed=2)
    limit = bayes_limit(on_device, "dephasing", settings=BELL_SETTINGS, shots=1000, n=100, pool=8192, seed=2)
    assert limit.accuracy < ideal.accuracy + Z * np.hypot(limit.accuracy_se, ideal.accuracy_se)
    assert abs(limit.accuracy - limit.accuracy_achieved) < Z * np.sqrt(limit.accuracy_se**2 + 0.05 / 100)
    with pytest.raises(InputError, match="shots must be finite"):
        bayes_limit(on_device, "dephasing", settings=BELL_SETTINGS)
