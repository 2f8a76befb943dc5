"""What settings can certify: rates in closed form, zero where nothing can be proved, and the shares of families."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.sources import ExactStates, FamilyStates, state_source
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS
from qent_hw.verdicts.certificate import certify
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.reach import NO_RATE, Reach, best_addition, can_certify_something, rates, reach
from qent_hw.verdicts.separable_fit import chances_of
from tests.verdicts.test_separable_fit import separable_states

READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])
SHARES = np.array([0.34, 0.4, 0.5, 0.6, 0.8, 0.95, 1.0])


def source(name, channel="dephasing"):
    return family_source(FamilyStates(load_family(name)), channel)


def werner(share):
    """Shares (n,) of the singlet, its second qubit turned so that a and b are its x and y, in white noise."""
    turn = np.exp([-1j * np.pi / 8, 1j * np.pi / 8])
    psi = np.array([0, turn[1], -turn[0], 0]) / np.sqrt(2)
    share = np.asarray(share)[:, None, None]
    return share * np.outer(psi, psi.conj()) + (1 - share) * np.eye(4) / 4


def divergence(v, w):
    """KL of outcomes with correlation v from those with w, in nats."""
    parts = [(1 + sign * v) / 2 * np.log(np.maximum(1 + sign * v, 1e-300) / (1 + sign * w)) for sign in (1, -1)]
    return np.where(v > w, sum(parts), 0.0)


def rates_of(rho, settings, assignment=None):
    chance = physics.outcome_probabilities(rho, settings)
    return rates(chance if assignment is None else chance @ assignment.T, chances_of(settings, assignment))


def test_werner_states_have_rates_in_closed_form():
    """By symmetry the closest separable state is the Werner state of share 1/3; of two settings alone, one with both
    correlations 1/2 (their sizes add up to one at most)."""
    rho = werner(SHARES)
    np.testing.assert_allclose(physics.features(rho)[:, [0, 3, 8]], -np.repeat(SHARES[:, None], 3, axis=1), atol=1e-12)
    np.testing.assert_allclose(rates_of(rho, ("xa", "yb", "zz")), divergence(SHARES, 1 / 3), atol=2e-9)
    np.testing.assert_allclose(rates_of(rho, ALL_SETTINGS), divergence(SHARES, 1 / 3) / 3, atol=2e-9)
    np.testing.assert_allclose(rates_of(rho, ("xa", "zz")), divergence(SHARES, 1 / 2), atol=2e-9)


def test_shots_count_where_they_are_put():
    rho = werner([0.9])
    chance = physics.outcome_probabilities(rho, ALL_SETTINGS)
    weights = np.array([1.0 if name in ("xa", "yb", "zz") else 0.0 for name in ALL_SETTINGS])
    weighted = rates(chance, chances_of(ALL_SETTINGS), weights)
    np.testing.assert_allclose(weighted, rates_of(rho, ("xa", "yb", "zz")), atol=2e-9)


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("settings", [("zz",), BELL_SETTINGS, ALL_SETTINGS], ids=["one", "four", "nine"])
def test_separable_states_have_none(settings, assignment):
    rho = separable_states(300, np.random.default_rng(41))
    assert not rates_of(rho, settings, assignment).any()


def test_one_setting_certifies_nothing():
    rho = werner([1.0])
    for setting in ALL_SETTINGS:
        assert rates_of(rho, (setting,)) == 0


def test_settings_that_certify_nothing_are_those_along_one_axis():
    """Every pair of settings, and some threes, against the rates of the maximally entangled states turned at random."""
    turns = np.random.default_rng(48).standard_normal((60, 2, 2, 2)) @ [1, 1j]
    turns = np.linalg.qr(turns)[0]
    rho = physics.density((turns / np.sqrt(2)).reshape(60, 4))
    for settings in [*itertools.combinations(ALL_SETTINGS, 2), ("xa", "xb", "xz"), ("xa", "xb", "ya"), BELL_SETTINGS]:
        assert can_certify_something(settings) == bool(rates_of(rho, settings).any())


def test_misreading_costs_rate_and_proves_nothing_new():
    rho = physics.random_mixed(100, physics.dirichlet_spectrum(0.3), np.random.SeedSequence(42))
    rightly, misread = rates_of(rho, ALL_SETTINGS), rates_of(rho, ALL_SETTINGS, READOUT)
    assert np.all(misread <= rightly + NO_RATE)
    assert not misread[~physics.is_entangled(rho)].any()


@pytest.mark.parametrize(
    ("family", "settings", "low", "high"),
    [
        ("special_four_basis", BELL_SETTINGS, 0.0, 0.0),
        ("special_four_basis", (*BELL_SETTINGS, "zz"), 0.15, 0.30),
        ("special_four_basis", ALL_SETTINGS, 0.985, 1.0),
        ("general_four_basis", BELL_SETTINGS, 0.05, 0.17),
        ("general_four_basis", (*BELL_SETTINGS, "zz"), 0.80, 0.92),
        ("general_four_basis", ALL_SETTINGS, 0.985, 1.0),
    ],
)
def test_what_settings_reach_of_the_families(family, settings, low, high):
    """As a semidefinite program finds on exact data. Bands of four standard errors and more of some 350 states."""
    found = reach(source(family), settings, 800, 43)
    assert low <= found.share <= high
    assert len(found.rates) > 250


def test_the_setting_that_helps_most():
    more = best_addition(source("special_four_basis"), BELL_SETTINGS, 400, 44, 16_384, 0.01)
    assert more is not None
    assert set(more.settings) - set(BELL_SETTINGS) <= {"za", "zb", "xz", "yz", "zz"}
    every = [reach(source("special_four_basis"), (*BELL_SETTINGS, one), 400, 44) for one in ("xz", "yz", "za", "zz")]
    assert all(more.share_within(16_384, 0.01) >= one.share_within(16_384, 0.01) for one in every)
    assert best_addition(source("special_four_basis"), ALL_SETTINGS, 100, 44, 1000, 0.01) is None


def test_as_many_shots_as_the_rate_says_certify_about_half():
    """Of Werner states of one share: with the shots that the rate asks for, some, and with four times as many, all."""
    share = 0.8
    found = Reach(ALL_SETTINGS, rates_of(werner([share]), ALL_SETTINGS))
    shots = found.median_shots(0.01)
    rng = np.random.default_rng(45)
    for factor, low, high in ((0.25, 0, 10), (1, 20, 200), (4, 198, 200)):
        chance = ExactStates(werner(np.full(200, share))).probabilities(ALL_SETTINGS)[:, :, 0]
        counts = physics.Counts(ALL_SETTINGS, physics.sample_counts(chance, int(factor * shots / 9), rng))
        assert low <= certify(counts, 46).certified(0.01).sum() <= high


def test_nothing_to_reach():
    none = Reach(ALL_SETTINGS, np.zeros(0))
    assert np.isnan(none.share)
    assert none.median_shots(0.01) == np.inf
    assert np.isnan(none.share_within(1000, 0.01))
    unreached = Reach(BELL_SETTINGS, np.array([0.0, 0.0, 0.1]))
    assert unreached.median_shots(0.01) == np.inf
    assert unreached.share == pytest.approx(1 / 3)


def test_general_mixed_states_can_only_be_drawn():
    found = reach(family_source(state_source("general_mixed"), "none"), ALL_SETTINGS, 300, 47)
    assert found.share > 0.95
    with pytest.raises(InputError, match=r"channel = 'dephasing': these states pass through none"):
        family_source(state_source("general_mixed"), "dephasing")
