"""The best separable state: that it is one, that none is better, and that the bound holds whatever the counts."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.errors import InputError
from qent_hw.estimators.tomography_born import outcome_chances
from qent_hw.estimators.tomography_mle import most_likely_states
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, dirichlet_spectrum
from qent_hw.verdicts.separable_fit import GAP, best_of_all, best_separable, chances_of, log_likelihood

READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])
SETS = {"zz": ("zz",), "four": BELL_SETTINGS, "five": (*BELL_SETTINGS, "zz"), "nine": ALL_SETTINGS}


def counted(settings, shots, n, seed, assignment=None):
    """Counts of random states, a third each pure, of rank two, and mixed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, shots]))
    psi = rng.standard_normal((2, n, 4, 2)) @ [1, 1j]
    psi /= np.linalg.norm(psi, axis=-1, keepdims=True)
    first, second = physics.density(psi)
    share = rng.random(n)[:, None, None] * (np.arange(n) % 3 == 1)[:, None, None]
    rho = (1 - share) * first + share * second
    mixed = np.arange(n) % 3 == 2
    rho[mixed] = physics.random_mixed(int(mixed.sum()), dirichlet_spectrum(1.0), np.random.SeedSequence(seed))
    read = physics.outcome_probabilities(rho, settings, validate=False)
    chance = read if assignment is None else read @ assignment.T
    return physics.sample_counts(chance, max(1, shots // len(settings)), rng)


def separable_states(n, rng):
    """Mixtures of one to sixteen random product states."""
    parts = rng.standard_normal((n, 16, 2, 2, 2)) @ [1, 1j]
    parts /= np.linalg.norm(parts, axis=-1, keepdims=True)
    psi = np.einsum("nka,nkb->nkab", parts[:, :, 0], parts[:, :, 1]).reshape(n, 16, 4)
    weights = rng.exponential(size=(n, 16)) * (np.arange(16) < rng.integers(1, 17, n)[:, None])
    return np.einsum("nk,nka,nkb->nab", weights / weights.sum(axis=1, keepdims=True), psi, psi.conj())


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("shots", [9, 400, 64_000, 10**7])
@pytest.mark.parametrize("settings", SETS.values(), ids=SETS)
def test_the_best_is_separable_and_known_to_the_gap(settings, shots, assignment):
    counts = counted(settings, shots, 90, 1, assignment)
    chances = chances_of(settings, assignment)
    fit, free = best_separable(counts, chances), best_of_all(counts, chances)
    for one in (fit, free):
        assert np.all(one.upper - one.value <= GAP + 1e-13 * shots)
        assert np.linalg.eigvalsh(one.states).min() > -1e-14
    assert physics.ppt_min_eigenvalue(fit.states, validate=False).min() > -1e-14
    assert np.all(free.upper >= fit.value)
    if len(settings) == 9:
        entangled = physics.is_entangled(free.states, validate=False)
        assert entangled.any()
        # what the best of all lacks of being separable, it is more likely by
        assert np.all(fit.upper[~entangled] >= free.value[~entangled])


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("settings", SETS.values(), ids=SETS)
def test_no_separable_state_exceeds_the_bound(settings, assignment):
    """10,000 random ones for each of 40 counts, and the fit of each for all others: the bound is no estimate."""
    rng = np.random.default_rng(2)
    counts = counted(settings, 900, 40, 3, assignment)
    chances = chances_of(settings, assignment)
    fit = best_separable(counts, chances)
    candidates = [physics.features(separable_states(10_000, rng), validate=False), fit.averages]
    for averages in candidates:
        chance = np.maximum(chances(averages), 0)
        for seen, upper in zip(counts.reshape(40, -1), fit.upper, strict=True):
            assert log_likelihood(seen, chance).max() <= upper + 1e-9


def test_without_the_condition_it_is_plain_maximum_likelihood():
    counts = counted(ALL_SETTINGS, 4000, 60, 4, READOUT)
    chances = outcome_chances(READOUT)
    plain = most_likely_states(counts, chances)
    ours = best_of_all(counts, chances_of(ALL_SETTINGS, READOUT))
    best = log_likelihood(counts.reshape(60, -1), chances(plain.averages))
    assert np.all(np.abs(ours.value - best) < GAP)


def test_a_bound_holds_where_there_was_no_time(monkeypatch):
    """Two steps are far too few; the bound must know."""
    counts = counted(ALL_SETTINGS, 4000, 60, 5)
    chances = chances_of(ALL_SETTINGS)
    full = best_separable(counts, chances)
    monkeypatch.setattr("qent_hw.estimators.interior_point._STEPS", 3)
    hasty = best_separable(counts, chances)
    assert np.median(hasty.upper - hasty.value) > 1
    assert np.all(hasty.upper >= full.value)
    assert np.all(hasty.value <= full.upper)


@pytest.mark.parametrize("seed", range(12))
def test_counts_that_no_state_explains(seed):
    """Outcomes at random, of settings with one shot and with 10⁸: whatever the steps make of it, the bound holds."""
    rng = np.random.default_rng(np.random.SeedSequence([8, seed]))
    settings = tuple(rng.choice(ALL_SETTINGS, rng.integers(1, 10), replace=False).tolist())
    shots = (10 ** rng.uniform(0, 8, (60, len(settings)))).astype(np.int64)
    counts = rng.multinomial(shots, rng.dirichlet(np.full(4, 0.1), shots.shape))
    chances = chances_of(settings, READOUT if seed % 2 else None)
    fit = best_separable(counts, chances)
    assert np.all(fit.upper - fit.value < 0.3)
    chance = np.maximum(chances(physics.features(separable_states(500, rng), validate=False)), 0)
    for seen, upper in zip(counts.reshape(60, -1), fit.upper, strict=True):
        assert log_likelihood(seen, chance).max() <= upper + 1e-12 * seen.sum()


def test_settings_keep_their_order():
    counts = counted(("zz", "xa"), 400, 30, 6)
    one = best_separable(counts, chances_of(("zz", "xa")))
    other = best_separable(counts[:, ::-1], chances_of(("xa", "zz")))
    np.testing.assert_allclose(one.value, other.value, atol=2 * GAP)


def test_states_do_not_depend_on_their_company():
    counts = counted(BELL_SETTINGS, 400, 40, 7)
    chances = chances_of(BELL_SETTINGS)
    together = best_separable(counts, chances)
    alone = np.concatenate([best_separable(one[None], chances).upper for one in counts])
    np.testing.assert_allclose(together.upper, alone, atol=1e-7)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match=r"setting 'xq' is unknown: did you mean 'xa'"):
        chances_of(("xq",))
    with pytest.raises(InputError, match=r"assignment of shape \(2, 2\): must be \(4, 4\)"):
        chances_of(("xa",), np.eye(2))
