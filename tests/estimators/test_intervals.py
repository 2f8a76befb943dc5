"""The 90% interval table on made-up residuals whose quantiles are known."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.intervals import IntervalTable, calibrate

NORMAL_95 = 1.6449


def gaussian(n: int, sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0.2, 0.8, n)
    return predicted, predicted + sigma * rng.normal(size=n)


@pytest.fixture(scope="module")
def table() -> IntervalTable:
    return calibrate({shots: gaussian(100_000, 0.5 / shots**0.5, 1) for shots in (100.0, 1600.0, np.inf)})


@pytest.mark.parametrize("shots", [100, 400, 1600, 25_600])
def test_widths_are_the_gaussian_quantiles_between_tabulated_shots_too(table, shots) -> None:
    """A 5% quantile of 8,000 residuals a bin is known to 2.5% of its distance: bounds are five of these."""
    predicted = np.linspace(0.3, 0.7, 50)
    low, high = table.interval(predicted, np.full(50, shots))
    half = NORMAL_95 * 0.5 / shots**0.5
    np.testing.assert_allclose(predicted - low, half, rtol=0.13)
    np.testing.assert_allclose(high - predicted, half, rtol=0.13)


def test_fewer_shots_than_tabulated_get_the_widest_interval_and_exact_ones_none(table) -> None:
    few, least, exact = (table.interval(np.array([0.5]), np.array([s])) for s in (3.0, 100.0, np.inf))
    assert few == least
    assert exact[0] == pytest.approx(0.5)
    assert exact[1] == pytest.approx(0.5)


def test_interval_starts_at_zero_where_a_separable_state_is_likely() -> None:
    rng = np.random.default_rng(2)
    predicted = rng.uniform(0, 0.002, 20_000)
    true = np.where(rng.random(20_000) < 0.5, 0.0, rng.uniform(0, 0.1, 20_000))
    low, high = calibrate({np.inf: (predicted, true), 16.0: (predicted, true)}).interval(
        np.array([0.001]), np.array([64.0])
    )
    # Half of the states at 0, the rest uniform to 0.1: nine in ten lie below 0.08.
    assert low[0] == 0
    assert high[0] == pytest.approx(0.08, abs=0.004)


def test_interval_contains_the_prediction_and_stays_in_the_unit_range() -> None:
    """Also for a model that is always 0.1 too low."""
    predicted, true = gaussian(5000, 0.02, 3)
    table = calibrate(dict.fromkeys((16.0, np.inf), (predicted - 0.1, true)))
    at = np.linspace(0, 1, 101)
    low, high = table.interval(at, np.full(101, 64.0))
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low <= at).all()
    assert (high >= at).all()


def test_sparse_bins_borrow_from_their_neighbours() -> None:
    """All predictions near 0.5; the bins at 0 and 1 still have finite offsets, of the same residuals."""
    predicted, true = gaussian(4000, 0.05, 4)
    table = calibrate(
        dict.fromkeys((16.0, np.inf), (0.5 + 0.01 * predicted, 0.5 + 0.01 * predicted + true - predicted))
    )
    np.testing.assert_allclose(table.offsets[:, 5:, 1], NORMAL_95 * 0.05, rtol=0.3)


def test_too_few_states_and_broken_tables_are_refused() -> None:
    with pytest.raises(InputError, match="499 held-out states"):
        calibrate({np.inf: (np.zeros(499), np.zeros(499))})
    shots, edges = np.array([16.0, np.inf]), np.array([0.0, 0.5, 1.0])
    with pytest.raises(InputError, match="offsets"):
        IntervalTable(shots, edges, np.zeros((2, 3, 2), np.float32))
    with pytest.raises(InputError, match="increase"):
        IntervalTable(shots[::-1], edges, np.zeros((2, 2, 2), np.float32))
