"""Bayes limits against closed forms and quadrature. Each may miss by four of its errors (false alarm: 6e-5)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta, binom

from qent_hw.circuits import Family
from qent_hw.errors import InputError
from qent_hw.estimators.limits import Limit, bayes_limit
from qent_hw.estimators.limits_posterior import Posterior, accuracy_limit, r2_limit
from qent_hw.estimators.limits_shots import told_apart
from qent_hw.physics import FEATURE_SETS, depolarize

_BELL = Family(
    "bell",
    "Bell state",
    "(|00> + |11>)/sqrt(2)",
    "textbook",
    (),
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\n',
)


def _mid(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def _depolarized_two_basis(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P(entangled), mean and mean square concurrence of two-basis states of strength p (m,), over θ."""
    sine = np.abs(np.sin(2 * np.pi * _mid(4000)))
    concurrence = np.maximum(0, (1 - p[:, None]) * sine - p[:, None] / 2)
    return (concurrence > 0).mean(axis=1), concurrence.mean(axis=1), (concurrence**2).mean(axis=1)


def _expected(chance: np.ndarray, first: np.ndarray, second: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    """Limits for p on the grid `_mid`, given the chance (m, k) of each observation."""
    seen = given.mean(axis=0)
    p_entangled = (given * chance[:, None]).mean(axis=0) / seen
    mean = (given * first[:, None]).mean(axis=0) / seen
    total = second.mean() - first.mean() ** 2
    explained = (seen * mean**2).sum() - first.mean() ** 2
    return float((seen * np.maximum(p_entangled, 1 - p_entangled)).sum()), float(explained / total)


def _agrees(limit: Limit, accuracy: float, r2: float, within: float) -> None:
    assert limit.accuracy == pytest.approx(accuracy, abs=4 * limit.accuracy_se)
    assert limit.r2 == pytest.approx(r2, abs=4 * limit.r2_se)
    assert limit.accuracy_se < within
    assert limit.r2_se < within
    # what was achieved on true labels cannot beat the limit by more than the chance of the draw
    assert limit.accuracy_achieved < accuracy + 4 * np.sqrt(0.25 / limit.n_states)


@pytest.mark.parametrize("shots", [1, 20, 300])
def test_bell_states_under_white_noise_measured_along_zz_alone(shots: int) -> None:
    """Even outcomes have probability q = 1 - p/2, uniform on [1/2, 1]; entangled where q > 2/3; C = 3q - 2."""
    even = np.arange(shots + 1)
    posterior = beta(even + 1, shots - even + 1)
    all_ = posterior.sf(0.5)
    seen = 2 * all_ / (shots + 1)
    p_entangled = posterior.sf(2 / 3) / all_
    accuracy = float((seen * np.maximum(p_entangled, 1 - p_entangled)).sum())
    q = 0.5 + _mid(20_000) / 2
    value = np.maximum(0, 3 * q - 2)
    _, r2 = _expected(q > 2 / 3, value, value**2, binom.pmf(even, shots, q[:, None]))

    limit = bayes_limit(_BELL, "depolarizing", ["zz"], shots, n=2000, pool=16384, seed=1)
    _agrees(limit, accuracy, r2, 0.03)


def test_refined_samples_follow_the_posterior_where_prior_draws_cannot() -> None:
    """10^6 shots tell p of the two-basis states to 0.001 and nothing of θ and φ."""
    p = _mid(20_000)
    expected = _expected(*_depolarized_two_basis(p), given=np.eye(500)[np.arange(20_000) // 40])
    limit = bayes_limit("two_basis", "depolarizing", ["zz"], 1_000_000, n=128, pool=8192, seed=2)
    assert limit.method.endswith("refined")
    assert limit.effective_samples > 100
    _agrees(limit, *expected, within=0.06)


def test_noiseless_zz_of_depolarized_two_basis_states() -> None:
    """zz = 1 - p: the strength is known, the angle is not."""
    p = _mid(4000)
    expected = _expected(*_depolarized_two_basis(p), given=np.eye(4000))
    limit = bayes_limit("two_basis", "depolarizing", ["zz"], n=2000, pool=16384, seed=3)
    assert 0.6 < expected[0] < 0.99
    _agrees(limit, *expected, within=0.03)


def test_features_that_identify_the_state_leave_nothing_open() -> None:
    limit = bayes_limit("two_basis", "depolarizing", FEATURE_SETS["tomo15"], n=500, pool=32768, seed=4)
    assert limit.accuracy == pytest.approx(1, abs=0.002)
    assert limit.r2 == pytest.approx(1, abs=1e-6)


def test_published_limit_of_the_four_correlations() -> None:
    """Special 4-basis states, four noiseless correlations: 0.872 and 0.977 from 10^7 states."""
    limit = bayes_limit("special_four_basis", "dephasing", FEATURE_SETS["bell4"], n=2000, pool=32768, seed=5)
    _agrees(limit, 0.872, 0.977, within=0.012)


def test_more_shots_and_free_averages_raise_the_limit_of_the_special_states() -> None:
    def accuracy(features: str, shots: int) -> float:
        names = FEATURE_SETS[features]
        limit = bayes_limit("special_four_basis", "dephasing", names, shots, n=200, pool=16384, seed=6)
        assert limit.accuracy_se < 0.03
        return limit.accuracy

    four, eight, few = accuracy("bell4", 256), accuracy("bell8", 256), accuracy("bell8", 16)
    assert eight > four + 0.05
    assert eight > few + 0.05


def test_states_that_can_only_be_drawn() -> None:
    bell = np.array([1, 0, 0, 1]) / np.sqrt(2)

    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        return depolarize(np.outer(bell, bell), rng.random(n))

    exact = bayes_limit(draw, None, ["zz"], n=500, pool=16384, seed=7)
    assert exact.method == "neighbours"
    assert exact.accuracy == pytest.approx(1, abs=4 * exact.accuracy_se + 0.01)
    assert exact.r2 == pytest.approx(1, abs=1e-4)
    counted = bayes_limit(draw, None, settings=["zz"], shots=50, n=1000, pool=16384, seed=7)
    same = bayes_limit(_BELL, "depolarizing", ["zz"], 50, n=1000, pool=16384, seed=8)
    assert counted.accuracy == pytest.approx(same.accuracy, abs=4 * np.hypot(counted.accuracy_se, same.accuracy_se))


def test_limits_from_few_samples_are_not_biased() -> None:
    """P ~ U[0, 1]: the Bayes rule is right in 3/4 of cases; values with variance 1/12 within and 1/4 between."""
    rng = np.random.default_rng(9)
    n, k = 20_000, 32
    chance, middle = rng.random(n), rng.uniform(-np.sqrt(3) / 2, np.sqrt(3) / 2, n)
    posterior = Posterior(
        np.full((n, k), 1 / k),
        rng.random((n, k)) < chance[:, None],
        middle[:, None] + rng.random((n, k)),
        rng.random(n) < chance,
        middle + rng.random(n),
    )
    accuracy, r2 = accuracy_limit(posterior), r2_limit(posterior)
    assert accuracy.value == pytest.approx(0.75, abs=4 * accuracy.error)
    assert r2.value == pytest.approx(0.75, abs=4 * r2.error)
    assert accuracy.error < 0.006
    assert r2.error < 0.01


def test_an_overconfident_posterior_is_not_believed() -> None:
    rng = np.random.default_rng(10)
    n, k = 2000, 32
    sure = np.ones((n, k))
    truth = rng.random(n) < 0.6
    limit = accuracy_limit(Posterior(sure / k, sure > 0, sure, truth, truth.astype(float)))
    assert limit.achieved == pytest.approx(0.6, abs=0.05)
    assert limit.error > 0.3


def test_the_same_seed_gives_the_same_limit() -> None:
    def run() -> Limit:
        return bayes_limit("two_basis", "depolarizing", ["zz"], 100, n=200, pool=8192, seed=11)

    assert run() == run()


def test_outcomes_are_summed_where_the_features_do_not_tell_them_apart() -> None:
    pooled = told_apart(("xa",), ("xa",))
    assert sorted(map(tuple, pooled.T)) == [(0, 1, 1, 0), (1, 0, 0, 1)]
    assert told_apart(("xa", "yb"), ("xa", "yb", "x1")).shape == (8, 6)
    assert told_apart(("xa",), None).shape == (4, 4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bayes_limit("two_basis", "dephasing"), "either features or settings"),
        (lambda: bayes_limit("two_basis", "dephasing", ["zz"], settings=["zz"]), "either features or settings"),
        (lambda: bayes_limit("two_basis", "dephasing", ["zz"], 0.5), "shots: 0.5"),
        (lambda: bayes_limit("two_basis", "dephasing", ["zz"], n=10), "n = 10"),
        (lambda: bayes_limit("two_basis", "bitflip", ["zz"]), "'bitflip'"),
        (lambda: bayes_limit(lambda n, rng: None, "dephasing", ["zz"]), "must be None"),  # type: ignore[arg-type,return-value]
    ],
)
def test_bad_input_is_named(call: Callable[[], Limit], says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
