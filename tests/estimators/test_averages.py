"""Errors of first order: against the covariance written out, and against the scatter of repeated measurements."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.averages import averages_apart, averages_from_counts, feature_of, standard_error
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, FEATURE_SETS, Counts, features_from_counts, sample_counts

# A[measured, prepared] over ++, +−, −+, −−, first sign first qubit; not symmetric
MISREAD = np.kron([[0.98, 0.06], [0.02, 0.94]], [[0.95, 0.12], [0.05, 0.88]])
SETS = [(BELL_SETTINGS, FEATURE_SETS["bell8"]), (ALL_SETTINGS, FEATURE_SETS["tomo15"])]


def test_averages_apart_are_those_of_every_setting() -> None:
    assert averages_apart(FEATURE_SETS["bell4"]) == FEATURE_SETS["bell4"]
    single = ("x1@xa", "x1@xb", "y1@ya", "y1@yb", "1a@xa", "1a@ya", "1b@xb", "1b@yb")
    assert averages_apart(FEATURE_SETS["bell8"]) == (*BELL_SETTINGS, *single)
    assert len(averages_apart(FEATURE_SETS["tomo15"])) == 27
    assert [feature_of(name) for name in ("xa", "1a@ya")] == ["xa", "1a"]


@pytest.mark.parametrize("assignment", [None, MISREAD])
@pytest.mark.parametrize(("settings", "names"), SETS)
def test_values_are_those_of_the_features_pooled_or_of_one_setting(settings, names, assignment) -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet([1] * 4, (30, len(settings)))
    counts = Counts(settings, sample_counts(probabilities, rng.integers(5, 50, len(settings)), rng))
    pooled, _ = features_from_counts(counts, names, assignment)
    np.testing.assert_allclose(averages_from_counts(counts, names, assignment), pooled, atol=1e-12)
    apart = averages_from_counts(counts, averages_apart(names), assignment)
    for column, average in enumerate(averages_apart(names)):
        feature, _, alone = average.partition("@")
        k = settings.index(alone or feature)
        one, _ = features_from_counts(Counts((settings[k],), counts.values[:, [k]]), (feature,), assignment)
        np.testing.assert_allclose(apart[:, column], one[:, 0], atol=1e-12)


@pytest.mark.parametrize("assignment", [None, MISREAD])
@pytest.mark.parametrize(("settings", "names"), SETS)
def test_one_feature_has_its_own_standard_error(settings, names, assignment) -> None:
    """That of features_from_counts, where a feature is told by one setting; where it is pooled over k equal settings
    the smoothing differs by as many pseudo-counts, a few in 10,000."""
    rng = np.random.default_rng(0)
    for shots, tolerance in ((10, 0.5), (10_000, 1e-3)):
        probabilities = np.repeat(rng.dirichlet([2] * 4, (20, 1)), len(settings), axis=1)
        counts = Counts(settings, sample_counts(probabilities, shots, rng))
        _, errors = features_from_counts(counts, names, assignment)
        for column, name in enumerate(names):
            slopes = np.zeros((20, len(names)))
            slopes[:, column] = -3.0
            exactly = "1" not in name
            found = standard_error(counts, names, slopes, assignment)
            np.testing.assert_allclose(found, 3 * errors[:, column], rtol=1e-9 if exactly else tolerance)


@pytest.mark.parametrize("assignment", [None, MISREAD])
@pytest.mark.parametrize(("settings", "names"), SETS)
def test_sums_of_features_scatter_so(settings, names, assignment) -> None:
    """Variance of 4,000 repetitions: known to 2.2%; over 20 combinations bounds are five of these. Shots differ
    between the settings, and features share them."""
    rng = np.random.default_rng(1)
    shots = rng.integers(500, 5000, len(settings))
    for _ in range(20):
        probabilities = rng.dirichlet([1] * 4, len(settings))
        slopes = rng.normal(size=len(names))
        drawn = sample_counts(np.broadcast_to(probabilities, (4000, len(settings), 4)), shots, rng)
        values, _ = features_from_counts(Counts(settings, drawn), names, assignment)
        typical = Counts(settings, np.round(probabilities * shots[:, None])[None])
        error = standard_error(typical, names, slopes[None], assignment)
        assert np.std(values @ slopes) == pytest.approx(error[0], rel=0.06)


def test_equal_outcomes_do_not_make_certainty() -> None:
    counts = Counts(("xa",), np.array([[[1, 0, 0, 0]], [[1000, 0, 0, 0]]]))
    error = standard_error(counts, ("xa",), np.ones((2, 1)))
    assert 0.3 < error[0] < 0.6
    assert 0.001 < error[1] < 0.003
    assert standard_error(counts, ("xa",), np.zeros((2, 1))).tolist() == [0, 0]


def test_features_that_are_not_measured_are_refused() -> None:
    counts = Counts(("xa",), np.array([[[1, 2, 3, 4]]]))
    with pytest.raises(InputError, match="'zz'"):
        standard_error(counts, ("xa", "zz"), np.ones((1, 2)))
