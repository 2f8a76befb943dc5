"""Draws from the prior that stand for a posterior, against all draws of the pool."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from qent_hw import physics
from qent_hw.estimators.limits_source import source_of
from qent_hw.estimators.prior_pool import ENOUGH, PriorPool
from qent_hw.physics import BELL_SETTINGS

# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)
SIZE, KEPT = 1 << 16, 1024


def made(draw: bool = False):
    states = source_of("special_four_basis", "dephasing")
    if draw:
        states = source_of(lambda n, rng: source_of("special_four_basis", "dephasing").draw(n, rng)[1], None)
    rng = np.random.default_rng(np.random.SeedSequence(1))
    return PriorPool.of(states, BELL_SETTINGS, np.eye(16), SIZE, rng), rng


def counts(shots: int, n: int, rng: np.random.Generator) -> np.ndarray:
    states = source_of("special_four_basis", "dephasing")
    chances = states.chances(*states.draw(n, rng), BELL_SETTINGS)
    return physics.sample_counts(chances, shots, rng).reshape(n, -1).astype(float)


def test_the_draws_kept_stand_for_the_whole_pool():
    """Means over 30 choices for each of 20 observations, which begin anywhere in the pool, against weights of all."""
    pool, rng = made()
    seen = counts(25, 60, rng)
    entangled, concurrence = pool.labels(np.arange(SIZE))
    likelihood = seen @ pool.logs.T.astype(float)
    weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    # those of which the draws tell enough wherever one begins
    known = np.flatnonzero(1 / (weights**2).sum(axis=1) > 4 * ENOUGH)[:20]
    seen, weights = seen[known], weights[known]
    assert len(seen) == 20
    found = [pool.choose(seen, KEPT, rng) for _ in range(30)]
    for values in (entangled.astype(float), concurrence):
        means = np.array([(one.weights * values[one.draws]).sum(axis=1) for one in found])
        # what hardly ever is, one draw in thousands, has no normal errors: a tenth of a unit more for it
        spread = np.sqrt(weights @ values**2 - (weights @ values) ** 2 + 0.01)
        missed = (means - weights @ values) / spread * np.sqrt([one.effective for one in found])
        # each choice saw a quarter of the pool: four of them are independent
        assert np.abs(missed.mean()) < Z / np.sqrt(4 * 20)
        assert 0.1 < (missed**2).mean() < 1 + Z * np.sqrt(2 / (4 * 20))
    assert all(one.enough.all() for one in found)
    assert min(one.effective.min() for one in found) > ENOUGH / 2


def test_labels_are_those_of_the_states():
    pool, rng = made()
    asked = rng.integers(SIZE, size=(5, 40))
    entangled, concurrence = pool.labels(asked)
    rho = pool.source.states(pool.points[asked.ravel()]).reshape(5, 40, 4, 4)
    np.testing.assert_array_equal(entangled, physics.is_entangled(rho))
    np.testing.assert_array_equal(concurrence, physics.concurrence(rho))
    assert np.isnan(pool.concurrence).sum() >= SIZE - 200


def test_where_draws_will_not_do_that_is_said_unless_they_must():
    pool, rng = made()
    seen = counts(100_000, 10, rng)
    found = pool.choose(seen, KEPT, rng)
    assert not found.enough.any()
    assert found.likelihood.shape == (10, len(found.first))
    np.testing.assert_allclose(found.likelihood, seen @ pool.logs[found.first].T.astype(float), rtol=1e-4)
    drawn, rng = made(draw=True)
    must = drawn.choose(seen, KEPT, rng)
    assert must.enough.all()
    np.testing.assert_allclose(must.weights.sum(axis=1), 1)
    assert must.effective.max() < ENOUGH
