"""Maximum likelihood against closed forms, the truth at endless shots, and its accuracy on random states."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from qent_hw import physics
from qent_hw.circuits import Family, load_family
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.fisher_scoring import log_likelihood, maximise, within
from qent_hw.estimators.likelihood import LikelihoodEstimator
from qent_hw.estimators.limits_source import source_of
from qent_hw.experiments.training_device import training_device
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts

# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)
BELL = Family(
    "bell",
    "Bell state",
    "(|00> + |11>)/sqrt(2)",
    "textbook",
    (),
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\n',
)


@cache
def source(family: str = "special_four_basis"):
    return source_of(family, "dephasing")


@cache
def measured(shots: int, n: int):
    """Random special 4-basis states, their counts, and the estimates."""
    rng = np.random.default_rng(np.random.SeedSequence(1))
    points, rho = source().draw(n, rng)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(source().chances(points, rho, BELL_SETTINGS), shots, rng))
    return points, rho, counts, LikelihoodEstimator(source(), BELL_SETTINGS).estimate(counts, 2)


def test_bell_states_under_white_noise_measured_along_zz():
    """Even outcomes have probability 1 − p/2: p̂ is twice the share of odd ones, at most one; C = 1 − 3p̂/2, if positive,
    with the binomial's spread, of which λ_min(ρ^TB) = (3p/2 − 1)/2 takes a half."""
    shots, odd = 1000, np.array([0, 40, 200, 320, 345, 450, 600])
    values = np.zeros((len(odd), 1, 4), np.int64)
    values[:, 0, 0], values[:, 0, 1] = shots - odd, odd
    found = LikelihoodEstimator(source_of(BELL, "depolarizing"), ("zz",)).estimate(Counts(("zz",), values), 1)
    p = np.minimum(2 * odd / shots, 1)
    np.testing.assert_allclose(found.concurrence, np.maximum(0, 1 - 1.5 * p), atol=2e-4)
    assert list(found.verdict) == ["entangled"] * 4 + ["separable"] * 3
    # a standard deviation from 40 replicates is good to 1/√80: four of these, and a hundredth for the seventh step
    inside = slice(1, 6)
    sigma = 1.5 * np.sqrt(p * (2 - p) / 4 / shots)[inside]
    margin = (1 - 1.5 * p[inside]) / 2
    seen = margin / norm.ppf(found.p_entangled[inside])
    clear = np.abs(margin / sigma) < 6
    np.testing.assert_allclose(seen[clear], sigma[clear], rtol=4 / np.sqrt(80))
    assert clear.sum() >= 2


@pytest.mark.parametrize("family", ["two_basis", "special_four_basis", "general_four_basis"])
def test_endless_shots_of_all_settings_give_the_state(family):
    rng = np.random.default_rng(np.random.SeedSequence(3))
    points, rho = source(family).draw(40, rng)
    values = np.rint(1e10 * source(family).chances(points, rho, ALL_SETTINGS)).astype(np.int64)
    found = LikelihoodEstimator(source(family), ALL_SETTINGS).estimate(Counts(ALL_SETTINGS, values), 1)
    truth = physics.concurrence(rho)
    np.testing.assert_allclose(found.concurrence, truth, atol=2e-3)
    clear = np.abs(physics.ppt_min_eigenvalue(rho)) > 1e-4
    np.testing.assert_array_equal((found.verdict == "entangled")[clear], physics.is_entangled(rho)[clear])
    assert clear.sum() > 20
    assert np.all(np.minimum(found.p_entangled, 1 - found.p_entangled)[clear] < 0.01)


@pytest.mark.parametrize(("shots", "expected"), [(100, 0.892), (250, 0.943), (4000, 0.989)])
def test_accuracy_is_that_of_maximum_likelihood(shots, expected):
    """`expected`: field-notes 5, known to about 0.005; n = 500 here."""
    _, rho, _, found = measured(shots, 500)
    right = (found.verdict == "entangled") == physics.is_entangled(rho)
    assert right.mean() == pytest.approx(expected, abs=Z * np.sqrt(expected * (1 - expected) / 500) + 0.005)


def test_no_state_that_it_gives_is_less_likely_than_the_true_one():
    points, _, counts, _ = measured(250, 500)
    estimator = LikelihoodEstimator(source(), BELL_SETTINGS)
    pool = estimator._pool(np.random.default_rng(5))
    best, _ = estimator._fitted(counts.values, *pool)
    flat = counts.values.reshape(500, -1).astype(float)

    def value(at):
        return log_likelihood(source().chances(at, None, BELL_SETTINGS).reshape(500, -1), flat)

    gained = value(best) - value(points)
    assert gained.min() > -1e-3
    # twice the gain is about χ² of three degrees of freedom, less near the ends of the cube
    assert 0.8 < gained.mean() < 1.7


def test_intervals_are_what_they_say():
    _, rho, _, found = measured(250, 500)
    p = norm.ppf(np.clip(found.p_entangled, 1e-12, 1 - 1e-12))
    usual = np.abs(p) < 3
    np.testing.assert_allclose(norm.ppf(found.p_entangled_low[usual]), p[usual] - 1, atol=1e-6)
    np.testing.assert_allclose(norm.ppf(found.p_entangled_high[usual]), p[usual] + 1, atol=1e-6)
    truth = physics.concurrence(rho)
    assert np.all((found.concurrence_low <= found.concurrence) & (found.concurrence <= found.concurrence_high))
    covered = (found.concurrence_low <= truth + 1e-12) & (truth <= found.concurrence_high + 1e-12)
    entangled = truth > 0
    assert abs(covered[entangled].mean() - 0.925) < Z * np.sqrt(0.07 / entangled.sum()) + 0.02


def test_the_seed_decides_and_settings_come_in_any_order():
    _, _, counts, _ = measured(100, 500)
    estimator = LikelihoodEstimator(source(), BELL_SETTINGS)
    few = Counts((*BELL_SETTINGS[::-1], "zz"), np.concatenate([counts.values[:3, ::-1], counts.values[:3, :1]], axis=1))
    seed = np.random.SeedSequence(7)
    one, same = estimator.estimate(few, seed), estimator.estimate(Counts(BELL_SETTINGS, counts.values[:3]), seed)
    for name in ("p_entangled", "concurrence", "concurrence_low"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    with pytest.raises(InputError, match="setting xa is missing and likelihood needs it"):
        estimator.estimate(Counts(BELL_SETTINGS[1:], counts.values[:, 1:]), 3)


def test_states_that_are_only_drawn_have_no_parameters():
    drawn = source_of(lambda n, rng: np.broadcast_to(np.eye(4) / 4, (n, 4, 4)).astype(complex), None)
    with pytest.raises(InputError, match="no parameters to fit"):
        LikelihoodEstimator(drawn, BELL_SETTINGS)


@pytest.mark.parametrize("injection", ["noise-model", "idle"])
def test_on_a_device_it_undoes_what_the_device_does(injection):
    """10⁶ shots on fake_manila, whose readout and relaxation a fit of ideal states would take for others."""
    on_device = source_of(
        DeviceStates(load_family("special_four_basis"), training_device("fake_manila", None, injection)), "dephasing"
    )
    rng = np.random.default_rng(np.random.SeedSequence(9))
    points, rho = on_device.draw(60, rng)
    counts = Counts(BELL_SETTINGS, physics.sample_counts(on_device.chances(points, rho, BELL_SETTINGS), 1_000_000, rng))
    truth = physics.concurrence(rho)

    def missed(states):
        found = LikelihoodEstimator(states, BELL_SETTINGS).estimate(counts, 3).concurrence
        return np.sqrt(np.mean((found - truth) ** 2))

    assert missed(on_device) < 0.01
    assert missed(source()) > 3 * missed(on_device)


def test_angles_go_round_and_strengths_do_not():
    assert list(source().goes_round) == [True, True, False]
    assert list(source("general_four_basis").goes_round) == [True] * 6 + [False]
    np.testing.assert_allclose(
        within(np.array([[1.25, -0.25, 1.25], [0.5, 0.5, -0.1]]), source().goes_round),
        [[0.25, 0.75, 1.0], [0.5, 0.5, 0.0]],
    )


def test_a_climb_crosses_the_end_of_an_angle_and_stops_at_the_end_of_a_strength():
    def slopes(at):
        return source().slopes(at, BELL_SETTINGS)

    aim = np.array([[0.02, 0.3, 0.0]])
    chances = slopes(aim)[0]
    counts, shots = 1e4 * chances, np.full((1, 16), 1e4)
    found, value = maximise(slopes, np.array([[0.95, 0.28, 0.2]]), counts, shots, source().goes_round, 40, 1e-9)
    assert value[0] == pytest.approx(log_likelihood(chances, counts)[0], abs=1e-6)
    np.testing.assert_allclose(found, aim, atol=1e-3)
