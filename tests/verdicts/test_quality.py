import numpy as np
import pytest

from qent_hw.verdicts.quality import calibration_error, coverage_by_concurrence, error_rates, reliability


def test_calibration_error_by_hand():
    p = np.repeat([0.25, 0.75], 4)
    entangled = np.array([1, 0, 0, 0, 1, 1, 0, 0], bool)
    found = calibration_error(p, entangled, np.random.default_rng(1))
    # the first bin is right, the second half of the states a quarter off
    assert found.value == pytest.approx(0.125)


def test_true_probabilities_show_no_more_than_the_floor():
    rng = np.random.default_rng(2)
    p = rng.random(50_000)
    found = calibration_error(p, rng.random(50_000) < p, rng)
    assert found.floor == pytest.approx(0.8 * np.sqrt(1 / 6) * np.sqrt(20 / 50_000), rel=0.1)
    # six standard errors: one in 10⁹
    assert abs(found.value - found.floor) < 6 * found.error


def test_reliability_lists_bins_that_hold_something():
    assert reliability(np.array([0.01, 0.03, 0.99]), np.array([False, True, True])) == [
        [pytest.approx(0.02), 0.5, 2.0],
        [0.99, 1.0, 1.0],
    ]


def test_coverage_begins_with_the_separable_states():
    true = np.r_[np.zeros(3), np.arange(1, 11) / 10]
    found = coverage_by_concurrence(np.r_[[True, True, False], np.ones(9, bool), [False]], true)
    assert found[0] == [0.0, pytest.approx(2 / 3), 3.0]
    assert [row[1] for row in found[1:]] == [1.0] * 9 + [0.0]


def test_error_rates_by_hand():
    verdict = np.array(["entangled", "entangled", "separable", "undecided", "withheld"])
    found = error_rates(verdict, np.array([True, False, True, True, False]))
    assert found["separable_called_entangled"] == (0.5, 2.0)
    assert found["entangled_called_separable"] == (pytest.approx(1 / 3), 3.0)
    assert found["wrong_of_entangled"] == (0.5, 2.0)
    assert found["wrong_of_separable"] == (1.0, 1.0)
    assert found["undecided"] == (0.2, 5.0)
