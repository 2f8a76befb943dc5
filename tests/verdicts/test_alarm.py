import numpy as np
import pytest
from scipy.stats import beta, binom, chi2, kstest

from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import FamilyStates, state_source
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import resolve
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts
from qent_hw.verdicts.alarm import alarm_of, deviances, fit_of
from qent_hw.verdicts.calibration import rehearse

FALSE_ALARM = 1e-6
NULL, STATES = 1000, 1000


def special(shots=4000, settings=BELL_SETTINGS):
    return Situation(FamilyStates(load_family("special_four_basis")), "dephasing", shots, settings)


def most_fired(rate):
    """More alarms than this are no chance: binomial with a rate that NULL ranks leave open (a beta variable)."""
    highest = beta.isf(FALSE_ALARM / 2, np.floor(rate * (NULL + 1)), NULL + 1 - np.floor(rate * (NULL + 1)))
    return binom.isf(FALSE_ALARM / 2, STATES, highest)


def alarm(told, seed=1):
    null, fit = np.random.SeedSequence(seed).spawn(2)
    return alarm_of(told, rehearse(told, NULL, null).counts, fit)


def p_values(made, told, seed=2):
    states, fit = np.random.SeedSequence(seed).spawn(2)
    return made.p_values(rehearse(told, STATES, states).counts, fit)


@pytest.mark.parametrize("where", ["ideal", "fake_manila", "fake_torino"])
def test_fires_as_seldom_as_it_says(where):
    """False-alarm rate 1e-6 at each of two rates."""
    told = special(1000)
    if where != "ideal":
        case = Case(name="x", family="special_four_basis", injection="idle", device={"backend": where})
        told = Situation(resolve(case).assumed, "dephasing", 1000)
    p = p_values(alarm(told), told)
    for rate in (0.01, 0.1):
        assert (p <= rate).sum() <= most_fired(rate)
    # and it does fire
    assert (p <= 0.1).sum() >= 20


def test_general_mixed_states_are_fitted_by_any_state():
    told = Situation(state_source("general_mixed"), "none", 9000, ALL_SETTINGS)
    made = alarm(told)
    # of 27 averages 12 are of an axis that another setting measures too
    assert made.free == 12
    assert (p_values(made, told) <= 0.01).sum() <= most_fired(0.01)


def test_at_many_shots_the_deviance_is_a_chi_squared_variable():
    """Of states well inside the family; false-alarm rate 1e-6."""
    told = special(200_000)
    rng = np.random.default_rng(3)
    family = load_family("special_four_basis")
    values = {one.name: rng.uniform(0.3, 0.7, 800) * (one.high - one.low) + one.low for one in family.parameters}
    from qent_hw import physics

    rho = physics.dephase(physics.density(family.amplitudes(values)), rng.uniform(0.2, 0.5, 800))
    counts = Counts(
        BELL_SETTINGS, physics.sample_counts(physics.outcome_probabilities(rho, BELL_SETTINGS), 50_000, rng)
    )
    heights, free = fit_of(told)
    assert free == 9
    assert kstest(deviances(heights, counts, np.random.SeedSequence(1)), chi2(free).cdf).pvalue > FALSE_ALARM


def test_states_of_another_family_set_it_off():
    told = special(16_000)
    others = Situation(state_source("general_mixed"), "none", 16_000, BELL_SETTINGS)
    assert (p_values(alarm(told), others) <= 0.01).mean() > 0.95


def test_a_setting_that_was_not_measured_is_named():
    made = alarm(special(400))
    counts = rehearse(special(300, ("xa", "xb", "ya")), 3, np.random.SeedSequence(1)).counts
    with pytest.raises(InputError, match="yb"):
        made.p_values(counts, np.random.SeedSequence(1))
