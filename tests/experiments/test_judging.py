import numpy as np
import pytest

from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators import Estimates, load_estimator
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import FamilyStates, state_source
from qent_hw.experiments.judging import alarm_figures, certificate_figures, judge, verdict_figures
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import resolve
from qent_hw.experiments.verdict_words import alarm_text, certificate_text, sight_text, too_many, verdicts_text
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts
from qent_hw.verdicts.calibration import rehearse, rehearsed_states
from qent_hw.verdicts.shifts import Shift, Sight

BELL8 = load_estimator("bell8", "special_four_basis", "dephasing")


def situation(shots=4000, settings=BELL_SETTINGS):
    return Situation(FamilyStates(load_family("special_four_basis")), "dephasing", shots, settings)


def judged_counts(counts, told, error_rate=0.01, estimator=BELL8):
    results = {estimator.name: estimator.estimate(counts, 1)}
    return judge([estimator], results, counts, told, error_rate, 0.01)


@pytest.fixture(scope="module")
def ordinary():
    told = situation()
    tried = rehearse(told, 400, np.random.SeedSequence(99))
    return judged_counts(tried.counts, told), tried


def test_every_state_has_a_verdict_and_a_p_value(ordinary):
    judged, tried = ordinary
    verdict = judged.verdicts["bell8"]
    assert set(verdict) <= {"entangled", "separable", "undecided", "withheld"}
    assert judged.calibrated == {"bell8": 20_000}
    assert np.all((judged.fit_p > 0) & (judged.fit_p <= 1))
    np.testing.assert_array_equal(verdict == "withheld", judged.fit_p <= 0.01)
    # of 400 states more than 4% wrong on a side of 1% is a chance of 1e-6
    figures = verdict_figures(verdict, tried.entangled)
    assert figures["separable_called_entangled"] < 0.05
    assert sum(figures[kind] for kind in ("entangled", "separable", "undecided", "withheld")) == 400


def test_judging_again_says_the_same(ordinary):
    judged, tried = ordinary
    again = judged_counts(tried.counts, situation())
    np.testing.assert_array_equal(again.verdicts["bell8"], judged.verdicts["bell8"])
    np.testing.assert_array_equal(again.fit_p, judged.fit_p)
    np.testing.assert_array_equal(again.estimates["bell8"].p_entangled, judged.estimates["bell8"].p_entangled)


def test_a_looser_rate_leaves_less_undecided(ordinary):
    judged, tried = ordinary
    loose = judged_counts(tried.counts, situation(), 0.1)
    undecided = [(one.verdicts["bell8"] == "undecided").sum() for one in (judged, loose)]
    assert undecided[1] <= undecided[0]


def test_an_interval_holds_its_estimate_also_where_that_is_biased():
    case = Case(name="x", family="special_four_basis", device={"backend": "fake_manila"})
    told = Situation(resolve(case).assumed, "dephasing", 4000)
    found = judged_counts(rehearse(told, 300, np.random.SeedSequence(8)).counts, told).estimates["bell8"]
    assert np.all(found.concurrence_low <= found.concurrence)
    assert np.all(found.concurrence <= found.concurrence_high)


def test_states_of_another_kind_are_withheld():
    others = rehearse(
        Situation(state_source("general_mixed"), "none", 40_000, BELL_SETTINGS), 50, np.random.SeedSequence(3)
    )
    judged = judged_counts(others.counts, situation(40_000))
    assert (judged.verdicts["bell8"] == "withheld").mean() > 0.9
    figures = alarm_figures(judged)["alarm"]
    assert too_many(figures)
    assert "not as assumed" in alarm_text(figures)


def test_four_settings_prove_nothing_and_zz_does(ordinary):
    judged, tried = ordinary
    assert judged.certificate.certified is None
    figures = certificate_figures(judged, tried.entangled)["certificate"]
    assert figures["reach"] == 0
    assert "cannot prove" in certificate_text(figures)

    told = situation(50_000, (*BELL_SETTINGS, "zz"))
    more = rehearse(told, 60, np.random.SeedSequence(4))
    judged = judged_counts(more.counts, told)
    figures = certificate_figures(judged, more.entangled)["certificate"]
    # field note 5b: 23% of special 4-basis states
    assert figures["reach"] == pytest.approx(0.23, abs=5 * figures["reach_se"])
    assert figures["false"] == 0
    assert "whatever their family" in certificate_text(figures)


def test_where_nothing_is_known_verdicts_say_so():
    told = situation()
    counts = rehearse(told, 20, np.random.SeedSequence(5)).counts
    judged = judged_counts(counts, None)
    assert judged.fit_p is None
    assert judged.calibrated == {"bell8": 0}
    assert "neither calibrated nor checked" in judged.notes[0]
    p = judged.estimates["bell8"].p_entangled
    np.testing.assert_array_equal(judged.verdicts["bell8"] == "entangled", p >= 0.99)


def test_uneven_shots_are_rehearsed_as_they_were_taken():
    told = situation()
    found = rehearsed_states(told, 30, np.random.SeedSequence(6)).probabilities(BELL_SETTINGS).mean(axis=2)
    rng = np.random.default_rng(1)
    shots = rng.integers(50, 3000, (30, 4))
    values = rng.multinomial(shots, found)
    judged = judged_counts(Counts(BELL_SETTINGS, values), told)
    # alarms of 30 states at 1%: eight or more are a chance of 1e-9
    assert (judged.fit_p <= 0.01).sum() < 8


def test_a_lone_kind_of_state_is_said_to_teach_nothing():
    class Silent:
        name, settings = "silent", BELL_SETTINGS

        def estimate(self, counts, seed):
            raise InputError("silent: says nothing")

    counts = rehearse(situation(), 5, np.random.SeedSequence(7)).counts
    half = np.full(5, 0.5)
    found = Estimates(half, half, half, half, half, half, np.full(5, "entangled"))
    judged = judge([Silent()], {"silent": found}, counts, situation(), 0.01, 0.01)
    assert judged.notes == ("silent: silent: says nothing",)
    assert set(judged.verdicts["silent"]) <= {"undecided", "withheld"}


def test_words():
    figures = verdict_figures(
        np.array(["entangled"] * 60 + ["separable"] * 30 + ["undecided"] * 10), np.arange(100) < 59
    )
    assert verdicts_text(figures, 0.01) == (
        "60 entangled, 30 separable, 10 undecided; 2.4 ± 3.3% of the separable states are called entangled, "
        "0.0 ± 1.7% of the entangled ones separable (1% allowed)"
    )
    alarm = {"rate": 0.01, "fired": 2, "n_states": 100, "share": 0.02, "share_se": 0.017, "simulated": 1000}
    assert alarm_text(alarm).endswith("as many as chance explains")
    shift = Shift("relaxation", "the qubits relax too", lambda *_: None)
    assert "with setting zz it would be, in 80%" in sight_text(Sight(shift, 0.011, "zz", 0.8))
    assert "of the family too" in sight_text(Sight(shift, 0.01, "zz", 0.01))
    assert "seen in 40%" in sight_text(Sight(shift, 0.4, "zz", 0.8))


def test_general_mixed_states_are_judged_without_a_family_of_parameters():
    told = Situation(state_source("general_mixed"), "none", 9000, ALL_SETTINGS)
    tomo15 = load_estimator("tomo15", "general_mixed", "none")
    judged = judged_counts(rehearse(told, 40, np.random.SeedSequence(9)).counts, told, estimator=tomo15)
    assert judged.notes == ()
    assert judged.certificate.reach.share > 0.9
    assert judged.calibrated == {"tomo15": 20_000}
