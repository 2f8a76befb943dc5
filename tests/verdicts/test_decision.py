import numpy as np
import pytest
from scipy.stats import binom

from qent_hw.errors import InputError
from qent_hw.verdicts.decision import ENTANGLED, SEPARABLE, UNDECIDED, Scores

FALSE_ALARM = 1e-6


def test_thresholds_are_the_ranks_that_conformal_prediction_takes():
    scores = Scores.of(np.r_[np.arange(99.0), np.arange(99.0) + 50], np.arange(198) >= 99)
    # of 99 + 1 places one may be beyond
    assert scores.thresholds(0.01) == (50.0, 98.0)
    assert scores.thresholds(0.05) == (54.0, 94.0)
    assert scores.thresholds(0.009) == (-np.inf, np.inf)


def test_verdicts_by_hand():
    scores = Scores(np.linspace(0.0, 0.6, 99), np.linspace(0.4, 1.0, 99))
    found = scores.decide(np.array([0.1, 0.5, 0.6, 0.9]), np.array([0.1, 0.5, 0.6, 0.9]), 0.01)
    assert found.tolist() == [SEPARABLE, UNDECIDED, UNDECIDED, ENTANGLED]


def test_where_classes_are_far_apart_nothing_is_undecided():
    scores = Scores(np.linspace(0.0, 0.1, 99), np.linspace(0.9, 1.0, 99))
    score = np.array([0.05, 0.4, 0.6, 0.95])
    assert scores.decide(score, score, 0.01).tolist() == [SEPARABLE, SEPARABLE, ENTANGLED, ENTANGLED]


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_each_side_errs_at_most_as_often_as_said(rate):
    """400 calibrations of 150 states a class, one new state a class each: errors are at most binomial with that rate.
    False-alarm rate of the test 1e-6."""
    rng = np.random.default_rng(5)
    wrong = np.zeros(2, int)
    trials = 400
    for _ in range(trials):
        known = Scores(np.sort(rng.normal(0, 1, 150)), np.sort(rng.normal(1, 1, 150)))
        new = np.array([rng.normal(0, 1), rng.normal(1, 1)])
        calls = known.decide(new, new, rate)
        wrong += [calls[0] == ENTANGLED, calls[1] == SEPARABLE]
    assert (wrong <= binom.isf(FALSE_ALARM / 4, trials, rate)).all()
    # and not for want of verdicts: the rate is nearly reached, as ranks step by 1/151
    assert wrong.sum() >= binom.isf(1 - FALSE_ALARM / 4, 2 * trials, np.floor(rate * 151) / 151)


@pytest.mark.parametrize("rate", [0.0, 0.5, -1.0, 2.0, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(InputError, match="error rate"):
        Scores(np.zeros(3), np.ones(3)).thresholds(rate)
