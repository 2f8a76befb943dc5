"""Sums over batches give the figures of merit of all states together."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.estimators import Estimates
from qent_hw.estimators.estimates import verdicts
from qent_hw.experiments.comparison import figures_of_merit
from qent_hw.experiments.study.tally import BINS, added, error_map, merits, reliability, tally


def some_states(n, seed):
    rng = np.random.default_rng(seed)
    true = np.maximum(rng.uniform(-0.5, 0.9, n), 0)
    guess = np.clip(true + 0.1 * rng.standard_normal(n), 0, 1)
    p = np.clip(0.5 + 3 * (guess - 0.05) + 0.2 * rng.standard_normal(n), 0, 1)
    estimates = Estimates(p, p, p, guess, np.maximum(guess - 0.15, 0), guess + 0.15, verdicts(p))
    return estimates, true > 0, true


def part(estimates, rows):
    return Estimates(*(getattr(estimates, name)[rows] for name in Estimates.__dataclass_fields__))


def test_batches_add_up_to_the_figures_of_a_run():
    estimates, entangled, true = some_states(900, 1)
    parts = [slice(0, 200), slice(200, 650), slice(650, 900)]
    total = added(tally(part(estimates, rows), entangled[rows], true[rows]) for rows in parts)
    found = merits(total)
    covered = (estimates.concurrence_low <= true) & (true <= estimates.concurrence_high)
    wanted = figures_of_merit(estimates.verdict == "entangled", estimates.concurrence, covered, entangled, true)
    for name in ("accuracy", "accuracy_se", "r2", "r2_se", "rmse", "rmse_se", "coverage", "coverage_se"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-9), name
    confusion = wanted["confusion"]
    separable = confusion["separable_called_entangled"] + confusion["separable_called_separable"]
    assert found["false_positive_rate"] == confusion["separable_called_entangled"] / separable
    assert found["false_negative_rate"] == confusion["entangled_called_separable"] / entangled.sum()
    assert found["n_states"] == 900


def test_rates_of_states_that_there_are_none_of_are_none():
    estimates, _, _ = some_states(50, 2)
    found = merits(tally(estimates, np.ones(50, bool), np.full(50, 0.5)))
    assert found["false_positive_rate"] is None
    assert found["r2"] is None
    assert 0 <= found["false_negative_rate"] <= 1


def test_reliability_counts_every_state_once():
    estimates, entangled, _ = some_states(500, 3)
    bins = np.array(reliability(estimates, entangled))
    assert bins.shape == (BINS, 3)
    assert bins[:, 0].sum() == 500
    assert bins[:, 1].sum() == pytest.approx(estimates.p_entangled.sum())
    assert bins[:, 2].sum() == entangled.sum()


def test_a_map_counts_states_and_errors_where_they_are():
    x, y = np.array([0.15, 0.15, 1.97]), np.array([0.01, 0.01, 0.99])
    seen, wrong = np.array(error_map(np.array([True, False, True]), x, y, [(0, 2), (0, 1)]))
    assert (seen.sum(), wrong.sum()) == (3, 2)
    assert (seen[1, 0], wrong[1, 0]) == (2, 1)
    assert (seen[19, 19], wrong[19, 19]) == (1, 1)
