"""Scores against their definitions and scikit-learn, and their standard errors against repetition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from qent_hw.estimators.scores import accuracy, r2


def test_values_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.random(1000), rng.random(1000)
    assert accuracy(predicted, true > 0.5)["value"] == accuracy_score(true > 0.5, predicted >= 0.5)
    assert r2(predicted, true)["value"] == pytest.approx(r2_score(true, predicted), abs=1e-12)
    assert r2(predicted, true)["n_states"] == 1000


def test_standard_errors_are_the_scatter_of_repetitions() -> None:
    """Standard deviation over 400 repetitions: known to 3.5%; the jackknife itself to 7%. Bounds are four of both."""
    rng = np.random.default_rng(1)
    t = rng.random((400, 2000))
    c = t + 0.1 * rng.normal(size=t.shape)
    scores = [r2(a, b) for a, b in zip(c, t, strict=True)]
    scatter = np.std([s["value"] for s in scores])
    assert np.mean([s["standard_error"] for s in scores]) == pytest.approx(scatter, rel=0.2)
    hits = [accuracy(a, b > 0.5) for a, b in zip(c, t, strict=True)]
    assert hits[0]["standard_error"] == pytest.approx(np.std([s["value"] for s in hits]), rel=0.2)
