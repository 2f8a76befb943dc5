import itertools

import numpy as np
import pytest
from scipy.stats import binom

from qent_hw.errors import InputError
from qent_hw.verdicts.belt import Belt

FALSE_ALARM = 1e-6


def simulated(n, rng, spread=0.05, bias=0.0):
    """Half of the states separable; estimates with normal errors, cut at zero."""
    true = np.where(rng.random(n) < 0.5, 0.0, rng.random(n))
    return np.clip(true + bias * true + spread * rng.standard_normal(n), 0, 1), true


def test_normal_errors_give_the_normal_interval():
    estimated, true = simulated(200_000, np.random.default_rng(1))
    low, high = Belt.of(estimated, true).interval(np.array([0.5]))
    # 1.645 standard deviations both ways; the quantiles of bins of 250 are known to a tenth of them
    assert low[0] == pytest.approx(0.5 - 1.645 * 0.05, abs=0.012)
    assert high[0] == pytest.approx(0.5 + 1.645 * 0.05, abs=0.012)


@pytest.mark.parametrize("bias", [0.0, -0.3])
def test_covers_at_every_concurrence(bias):
    """Coverage in each of eight classes of the true concurrence, zero among them, within what 40,000 states and the
    scatter of the belt's own quantiles (1% of the states) leave open. False-alarm rate 1e-6 for each class."""
    rng = np.random.default_rng(2)
    belt = Belt.of(*simulated(100_000, rng, bias=bias))
    estimated, true = simulated(40_000, rng, bias=bias)
    low, high = belt.interval(estimated)
    inside = (low <= true) & (true <= high)
    edges = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9]
    for least, most in itertools.pairwise(edges):
        rows = inside[(true > least) & (true <= most)]
        assert rows.sum() >= binom.isf(1 - FALSE_ALARM, len(rows), 0.9 - 0.012)
        assert rows.sum() <= binom.isf(FALSE_ALARM, len(rows), 0.9 + 0.02)
    rows = inside[true == 0]
    assert binom.isf(1 - FALSE_ALARM, len(rows), 0.895) <= rows.sum() <= binom.isf(FALSE_ALARM, len(rows), 0.905)


def test_an_interval_without_zero_is_a_tenth_of_the_separable_states():
    rng = np.random.default_rng(3)
    belt = Belt.of(*simulated(100_000, rng))
    assert belt.interval(np.array([0.0]))[0][0] == 0.0
    low, _ = belt.interval(np.array([belt.zero + 1e-3]))
    assert low[0] > 0


def test_ends_are_in_order_and_within_bounds():
    rng = np.random.default_rng(4)
    belt = Belt.of(*simulated(20_000, rng))
    low, high = belt.interval(np.linspace(0, 1, 500))
    assert np.all((low >= 0) & (low <= high) & (high <= 1))
    assert np.all(np.diff(low) >= 0)
    assert np.all(np.diff(high) >= 0)


@pytest.mark.parametrize("true", [np.zeros(5000), np.r_[np.zeros(5000), np.full(100, 0.5)], np.full(5000, 0.5)])
def test_too_few_of_a_kind_are_refused(true):
    with pytest.raises(InputError, match="intervals"):
        Belt.of(true, true)
