"""The estimator protocol on the shipped models."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.errors import InputError
from qent_hw.estimators import Estimates, NeuralEstimator, load_estimator
from qent_hw.estimators.bayes import BayesEstimator
from qent_hw.estimators.limits_source import source_of
from qent_hw.estimators.sources import state_source
from qent_hw.physics import BELL_SETTINGS, Counts, sample_counts


def special_counts(n: int, shots: object, seed: int, settings: tuple[str, ...] = BELL_SETTINGS) -> Counts:
    rng = np.random.default_rng(seed)
    (theta, phi), p = rng.uniform(0, 2 * np.pi, (2, n)), rng.uniform(size=n)
    rho = physics.dephase(physics.density(physics.special_four_basis(theta, phi)), p)
    return Counts(settings, sample_counts(physics.outcome_probabilities(rho, settings), shots, rng))


def arrays(estimates: Estimates) -> list[np.ndarray]:
    return [getattr(estimates, name) for name in Estimates.__dataclass_fields__]


@pytest.fixture(scope="module", params=["bell4", "bell8"])
def estimator(request) -> NeuralEstimator:
    return load_estimator(request.param, "special_four_basis", "dephasing")


def test_estimates_are_consistent(estimator) -> None:
    found = estimator.estimate(special_counts(300, 500, 0), seed=1)
    assert estimator.settings == BELL_SETTINGS
    assert len(found) == 300
    for low, value, high in (
        (found.p_entangled_low, found.p_entangled, found.p_entangled_high),
        (found.concurrence_low, found.concurrence, found.concurrence_high),
    ):
        assert low.shape == value.shape == high.shape == (300,)
        assert low.dtype == value.dtype == high.dtype == np.float64
        assert (low >= 0).all()
        assert (low <= value).all()
        assert (value <= high).all()
        assert (high <= 1).all()
    np.testing.assert_array_equal(found.verdict == "entangled", found.p_entangled >= 0.5)
    assert set(found.verdict) == {"entangled", "separable"}
    # Some intervals of P have width, and some that of the concurrence begins at 0 exactly.
    assert np.median(found.p_entangled_high - found.p_entangled_low) > 0
    assert (found.concurrence_low == 0).any()


def test_estimates_are_fixed_by_the_counts(estimator) -> None:
    counts = special_counts(50, 200, 2)
    first, other = (estimator.estimate(counts, seed) for seed in (5, np.random.SeedSequence(6)))
    for a, b in zip(arrays(first), arrays(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_state_does_not_depend_on_its_company(estimator) -> None:
    counts = special_counts(300, 1000, 3)
    together = estimator.estimate(counts, 0)
    some = np.array([299, 17, 130])
    apart = estimator.estimate(Counts(counts.settings, counts.values[some]), 0)
    for a, b in zip(arrays(together)[:6], arrays(apart)[:6], strict=True):
        np.testing.assert_allclose(a[some], b, atol=1e-5)


def test_settings_may_be_more_and_in_any_order(estimator) -> None:
    counts = special_counts(40, 300, 4, ("zz", "yb", "xa", "xz", "ya", "xb"))
    order = [counts.settings.index(s) for s in BELL_SETTINGS]
    plain = estimator.estimate(Counts(BELL_SETTINGS, counts.values[:, order]), 0)
    for a, b in zip(arrays(plain), arrays(estimator.estimate(counts, 0)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_missing_settings_are_named(estimator) -> None:
    counts = special_counts(3, 100, 5, ("xa", "ya", "zz"))
    with pytest.raises(InputError, match=rf"xb, yb.*{estimator.name} needs.*measured: xa, ya, zz"):
        estimator.estimate(counts, 0)


def test_one_shot_a_setting_and_unequal_shots_give_estimates(estimator) -> None:
    for shots in (1, [100, 1, 5000, 300]):
        found = estimator.estimate(special_counts(20, shots, 6), 0)
        assert all(np.isfinite(a).all() for a in arrays(found)[:6])


@pytest.mark.parametrize("shots", [100, 1000, 16_000])
def test_interval_of_p_is_as_wide_as_repeated_experiments_scatter(shots) -> None:
    """200 states measured 40 times each: the mean width of the 68% interval against that of 16% to 84% of the
    repetitions (which 40 repetitions make 3% too narrow). The interval is of first order, at the measured frequencies;
    over 20 seeds of this test the ratio is 0.94 to 1.34 (1.03 to 1.21 below 16,000 shots)."""
    estimator = load_estimator("bell8", "special_four_basis", "dephasing")
    rng = np.random.default_rng(7)
    theta, phi, p = rng.uniform(0, 2 * np.pi, 200), rng.uniform(0, 2 * np.pi, 200), rng.uniform(0, 0.6, 200)
    rho = physics.dephase(physics.density(physics.special_four_basis(theta, phi)), p)
    probabilities = np.repeat(physics.outcome_probabilities(rho, BELL_SETTINGS), 40, axis=0)
    found = estimator.estimate(Counts(BELL_SETTINGS, sample_counts(probabilities, shots, rng)), 0)
    claimed = np.mean(found.p_entangled_high - found.p_entangled_low)
    low, high = np.quantile(found.p_entangled.reshape(200, 40), (0.16, 0.84), axis=1)
    assert 0.8 < claimed / np.mean(high - low) < 1.6


def test_bell8_is_near_the_best_that_its_counts_allow() -> None:
    """The Bayes posterior of the same counts: on 6,000 states and 5 budgets the ratio of RMSEs is 1.01 to 1.03. Of 400
    states it scatters by 0.012; the bound is 1.02 and five of these."""
    estimator = load_estimator("bell8", "special_four_basis", "dephasing")
    best = BayesEstimator(source_of("special_four_basis", "dephasing"), BELL_SETTINGS)
    rng = np.random.default_rng(11)
    states = state_source("special_four_basis").draw("dephasing", 400, rng)
    counts = Counts(BELL_SETTINGS, sample_counts(states.probabilities(BELL_SETTINGS)[:, :, 0], 1000, rng))
    true = physics.concurrence(states.truth)
    ours, theirs = (np.sqrt(np.mean((one.estimate(counts, 0).concurrence - true) ** 2)) for one in (estimator, best))
    assert ours < 1.08 * theirs


def test_no_states_give_no_estimates(estimator) -> None:
    assert len(estimator.estimate(Counts(BELL_SETTINGS, np.zeros((0, 4, 4), np.int64)), 0)) == 0


# A[measured, prepared] over ++, +−, −+, −−, first sign first qubit
MISREAD = np.kron([[0.98, 0.06], [0.02, 0.94]], [[0.95, 0.12], [0.05, 0.88]])


def test_an_assignment_gives_the_estimates_of_what_is_read_right(estimator) -> None:
    """Counts in the exact proportions of misread states; intervals of P are those of the corrected features."""
    clean = special_counts(60, 4000, 8).values / 4000
    right, misread = (Counts(BELL_SETTINGS, np.round(1e9 * part)) for part in (clean, clean @ MISREAD.T))
    corrected = NeuralEstimator("corrected", estimator.model, MISREAD).estimate(misread, 0)
    known, wrong = (estimator.estimate(counts, 0) for counts in (right, misread))
    np.testing.assert_allclose(corrected.concurrence, known.concurrence, atol=1e-4)
    np.testing.assert_allclose(corrected.p_entangled, known.p_entangled, atol=1e-3)
    assert np.abs(wrong.concurrence - known.concurrence).mean() > 0.02
    few = Counts(BELL_SETTINGS, misread.values // 10**7)
    found = NeuralEstimator("corrected", estimator.model, MISREAD).estimate(few, 0)
    plain = estimator.estimate(few, 0)
    widths = [np.mean(one.p_entangled_high - one.p_entangled_low) for one in (found, plain)]
    # A⁻¹ makes the noise larger, and with it the intervals
    assert widths[0] > widths[1]


def test_a_perfect_assignment_changes_nothing(estimator) -> None:
    counts = special_counts(30, 400, 9)
    corrected = NeuralEstimator("same", estimator.model, np.eye(4)).estimate(counts, 3)
    for a, b in zip(arrays(corrected)[:6], arrays(estimator.estimate(counts, 3))[:6], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
