"""Thinned samples keep sum and order, and every weighted mean on the average."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.estimators.thinning import thinned

SIZE = 100


@pytest.mark.parametrize("m", [SIZE, 101, 5000])
@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0, 40.0])
def test_kept_samples_stand_for_all(m, spread):
    rng = np.random.default_rng(np.random.SeedSequence([m, int(spread)]))
    weights = np.exp(spread * rng.standard_normal(m))
    values = rng.standard_normal(m)
    means = []
    for _ in range(400):
        kept, thin = thinned(weights, SIZE, rng)
        assert kept.shape == thin.shape == (SIZE,)
        assert np.all(np.diff(kept) > 0)
        assert thin.sum() == pytest.approx(weights.sum())
        means.append(thin @ values[kept] / thin.sum())
    # five standard errors (false alarm 6e-7, twelve times)
    error = np.std(means) / np.sqrt(len(means))
    assert abs(np.mean(means) - weights @ values / weights.sum()) < 5 * error + 1e-12


def test_heavy_samples_stay_as_they_are():
    weights = np.ones(1000)
    weights[[3, 500]] = 400.0, 300.0
    kept, thin = thinned(weights, 10, np.random.default_rng(1))
    assert thin[kept == 3] == 400
    assert thin[kept == 500] == 300
    # eight for the 998 others
    np.testing.assert_allclose(np.sort(thin)[:8], 998 / 8)


def test_weights_of_zero_fill_what_is_left():
    weights = np.zeros(1000)
    weights[:4] = 1.0
    kept, thin = thinned(weights, 10, np.random.default_rng(1))
    assert set(kept[thin > 0]) == {0, 1, 2, 3}
    assert len(set(kept)) == 10
