"""Certificates: no separable state gets one more often than it may, entangled ones do, and the command says so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.situation import measured
from qent_hw.estimators.sources import ExactStates, FamilyStates
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts
from qent_hw.verdicts.certificate import certify, pool_evidence, random_halves, split_evidence
from qent_hw.verdicts.family_numerator import family_mean, family_pool
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.separable_fit import best_separable, chances_of

FALSE_ALARM = 1e-4
"""The chance that each test of random numbers here fails with nothing wrong."""

SPECIAL = FamilyStates(load_family("special_four_basis"))
READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])


def werner(share):
    """Shares (n,) of the singlet in white noise; separable up to 1/3."""
    psi = np.array([0, 1, -1, 0]) / np.sqrt(2)
    share = np.asarray(share)[:, None, None]
    return share * np.outer(psi, psi) + (1 - share) * np.eye(4) / 4


def pool_of(settings, size=2000):
    return family_pool(family_source(SPECIAL, "dephasing"), settings, np.random.default_rng(8), size)


@pytest.mark.parametrize("settings", [BELL_SETTINGS, ALL_SETTINGS], ids=["four", "nine"])
@pytest.mark.parametrize("shots", [18, 120])
def test_evidence_against_a_separable_state_has_a_mean_of_at_most_one(settings, shots):
    """Both numerators, at few shots, where sampling finds the whole of E's mean; of states on the very border."""
    n = 4000
    rng = np.random.default_rng(9)
    border = werner(np.full(n, 1 / 3))
    counts = measured(ExactStates(border), settings, shots, rng)
    chances = chances_of(settings)
    pool = pool_of(settings)
    upper = best_separable(counts.values, chances).upper
    for log_evidence in (
        pool_evidence(counts, chances, pool),
        family_mean(pool, counts.values, np.random.default_rng(25)) - upper,
        split_evidence(counts.values, chances, 1, np.random.default_rng(10)),
    ):
        evidence = np.exp(log_evidence)
        error = evidence.std() / np.sqrt(n)
        assert evidence.mean() < 1.0 + 3.7 * error
        assert error < 0.1


def test_false_certificates_are_as_rare_as_said():
    """At α = 0.3, where there are some to be counted: of separable states on the border, misread and not."""
    n, alpha = 1500, 0.3
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
