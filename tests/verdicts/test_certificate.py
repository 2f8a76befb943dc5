"""Certificates: no separable state gets one more often than it may, entangled ones do, and the command says so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binom, multinomial, norm

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.situation import measured
from qent_hw.estimators.sources import ExactStates, FamilyStates
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts
from qent_hw.verdicts.certificate import certify, family_evidence, pool_evidence, random_halves, split_evidence
from qent_hw.verdicts.family_numerator import family_pool
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.separable_fit import Fit, chances_of, log_likelihood

FALSE_ALARM = 1e-4
"""The chance that each test of random numbers here fails with nothing wrong."""

Z = float(norm.isf(FALSE_ALARM / 2))

SPECIAL = FamilyStates(load_family("special_four_basis"))
READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])


def werner(share):
    """Shares (n,) of the singlet in white noise; separable up to 1/3."""
    psi = np.array([0, 1, -1, 0]) / np.sqrt(2)
    share = np.asarray(share)[:, None, None]
    return share * np.outer(psi, psi) + (1 - share) * np.eye(4) / 4


def pool_of(settings, size=2000):
    return family_pool(family_source(SPECIAL, "dephasing"), settings, np.random.default_rng(8), size)


def all_counts(chance, shots):
    """Every possible counts (k, n_settings, 4) of so many shots of each setting, and their chances (k,)."""
    one = [c for c in itertools.product(range(shots + 1), repeat=4) if sum(c) == shots]
    likely = [multinomial.pmf(one, shots, p) for p in chance]
    places = itertools.product(range(len(one)), repeat=len(chance))
    values, weights = zip(
        *(
            ([one[k] for k in place], np.prod([like[k] for like, k in zip(likely, place, strict=True)]))
            for place in places
        ),
        strict=True,
    )
    return np.array(values), np.array(weights)


@pytest.fixture
def known(monkeypatch):
    """Every outcome of four shots of xa and zz in a separable state on the border, with its chances. The state itself
    stands for the best separable one, so that the mean of E is one where all is right."""
    settings = ("xa", "zz")
    chance = physics.outcome_probabilities(werner([1 / 3]), settings)[0]

    def itself(values, chances):
        value = log_likelihood(values.reshape(len(values), -1), chance.reshape(-1))
        return Fit(np.zeros((len(values), 15)), value, value)

    monkeypatch.setattr("qent_hw.verdicts.certificate.best_separable", itself)
    return settings, chances_of(settings), *all_counts(chance, 4)


def test_the_mean_evidence_of_a_pool_is_one_and_of_a_family_no_more(known):
    settings, chances, values, weights = known
    counts = Counts(settings, values)
    pool = pool_of(settings, 500)
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.exp(pool_evidence(counts, chances, pool)) == pytest.approx(1, abs=1e-9)
    means = [weights @ np.exp(family_evidence(counts, chances, pool, np.random.default_rng(k))) for k in range(24)]
    # the mean over the cube in place of the pool's, less what the window around its most likely point leaves out
    assert np.mean(means) < 1 + Z * np.std(means) / np.sqrt(24)
    assert np.mean(means) > 0.7


def test_the_mean_evidence_of_a_split_is_one(known):
    _, chances, values, weights = known
    means = [weights @ np.exp(split_evidence(values, chances, 1, np.random.default_rng(k))) for k in range(24)]
    assert np.mean(means) == pytest.approx(1, abs=Z * np.std(means) / np.sqrt(24))
    assert np.std(means) < 0.1


def test_a_fit_to_the_counts_that_it_is_judged_on_would_be_found_out(known, monkeypatch):
    """That the test before can fail: with each half judged by its own fit the mean is far above one."""
    _, chances, values, weights = known
    monkeypatch.setattr("qent_hw.verdicts.certificate.random_halves", lambda both, rng: (both, both))
    assert weights @ np.exp(split_evidence(values, chances, 1, np.random.default_rng(1))) > 3


@pytest.mark.parametrize("settings", [BELL_SETTINGS, ALL_SETTINGS], ids=["four", "nine"])
def test_evidence_against_a_separable_state_has_a_mean_of_at_most_one(settings):
    """Against the best separable state in truth, at few shots, on the very border."""
    n = 1000
    counts = measured(ExactStates(werner(np.full(n, 1 / 3))), settings, 40, np.random.default_rng(9))
    for family in (None, pool_of(settings)):
        evidence = np.exp(certify(counts, 10, family=family).log_evidence)
        assert evidence.mean() + Z * evidence.std() / np.sqrt(n) < 1


def test_false_certificates_are_as_rare_as_said():
    """At α = 0.3, where there are some to be counted: of separable states on the border, misread and not."""
    n, alpha = 1000, 0.3
    rng = np.random.default_rng(11)
    for assignment in (None, READOUT):
        chance = physics.outcome_probabilities(werner(np.full(n, 1 / 3)), ALL_SETTINGS)
        read = chance if assignment is None else chance @ assignment.T
        counts = Counts(ALL_SETTINGS, physics.sample_counts(read, 20, rng))
        false = certify(counts, 12, assignment).certified(alpha).sum()
        assert false <= binom.isf(FALSE_ALARM / 2, n, alpha)


def test_singlets_are_certified_without_a_family():
    counts = measured(ExactStates(werner(np.full(50, 0.9))), ALL_SETTINGS, 900, np.random.default_rng(13))
    found = certify(counts, 14)
    assert found.certified(0.01).all()
    assert np.all(found.p_value < 1e-3)
    np.testing.assert_allclose(found.log10_evidence, -np.log10(found.p_value), rtol=1e-12)


def test_a_family_lends_power_at_few_shots():
    drawn = SPECIAL.draw("dephasing", 600, np.random.default_rng(15))
    entangled = physics.is_entangled(drawn.truth)
    counts = measured(drawn, ALL_SETTINGS, 400, np.random.default_rng(16))
    without = certify(counts, 17).certified(0.01)
    helped = certify(counts, 17, family=pool_of(ALL_SETTINGS)).certified(0.01)
    assert helped[entangled].sum() > without[entangled].sum()
    assert not helped[~entangled].any()


def test_halves_are_hypergeometric_and_add_up():
    values = np.tile(np.array([[[5, 0, 3, 1], [2, 2, 2, 2]]]), (20_000, 1, 1))
    half, rest = random_halves(values, np.random.default_rng(18))
    assert np.array_equal(half + rest, values)
    assert half.min() >= 0
    assert rest.min() >= 0
    assert set(half[:, 0].sum(axis=1)) == {4, 5}
    assert np.all(half[:, 1].sum(axis=1) == 4)
    # mean n/2 and variance of a draw of 4 of 8, from which 4 standard errors
    np.testing.assert_allclose(half.mean(axis=0), values[0] / 2, atol=4 * 1.2 / np.sqrt(20_000))
    np.testing.assert_allclose(half[:, 1].var(axis=0), 4 * (2 / 8) * (6 / 8) * (4 / 7), rtol=0.08)


def test_a_setting_with_a_single_shot_can_be_split():
    found = certify(Counts(("xa", "zz"), np.array([[[1, 0, 0, 0], [3, 0, 0, 4]]])), 19)
    assert np.isfinite(found.log_evidence).all()
    assert found.p_value[0] == 1


def test_the_same_seed_has_the_same_evidence():
    counts = measured(ExactStates(werner(np.full(5, 0.9))), ALL_SETTINGS, 90, np.random.default_rng(20))
    assert np.array_equal(certify(counts, 21).log_evidence, certify(counts, 21).log_evidence)
    assert not np.array_equal(certify(counts, 21).log_evidence, certify(counts, 22).log_evidence)


def test_bad_input_is_refused():
    counts = measured(ExactStates(werner([0.9])), BELL_SETTINGS, 90, np.random.default_rng(23))
    with pytest.raises(InputError, match=r"family: a pool in the settings xa, zz; the counts are of xa, xb, ya, yb"):
        certify(counts, 1, family=pool_of(("xa", "zz"), 10))
    with pytest.raises(InputError, match=r"splits = 0: must be 1 or more"):
        certify(counts, 1, splits=0)
    for alpha in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(InputError, match=r"alpha = .*between 0 and 1"):
            certify(counts, 1).certified(alpha)
    with pytest.raises(InputError, match=r"channel = 'none': these states pass through dephasing or depolarizing"):
        family_source(SPECIAL, "none")
