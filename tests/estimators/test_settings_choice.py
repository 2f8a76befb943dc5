"""Choosing settings for a budget: the comparison is at equal shots in all, and the choice follows its stated rule."""

from __future__ import annotations

import pytest

from qent_hw.errors import InputError
from qent_hw.estimators import settings_choice
from qent_hw.estimators.scores import Score
from qent_hw.estimators.settings_choice import CANDIDATES, Candidate, choose_settings, compare_settings, reason
from qent_hw.experiments.training_device import training_device
from qent_hw.physics.settings import ALL_SETTINGS, check_settings


def candidate(settings, accuracy, r2, error=0.001):
    return Candidate(settings, 500, Score(value=accuracy, standard_error=error, n_states=60_000), r2_of(r2))


def r2_of(value):
    return Score(value=value, standard_error=0.001, n_states=60_000)


def test_the_most_accurate_is_chosen_and_of_equals_the_one_of_the_highest_r2():
    two, three, four = (
        candidate(CANDIDATES[k], a, r) for k, (a, r) in enumerate([(0.95, 0.99), (0.96, 0.9), (0.9, 1)])
    )
    assert choose_settings([two, three, four]) is three
    # within two standard errors of the difference, √2 · 0.001 each
    near = candidate(CANDIDATES[3], 0.9575, 0.95)
    assert choose_settings([two, three, four, near]) is near
    far = candidate(CANDIDATES[3], 0.9570, 0.95)
    assert choose_settings([two, three, four, far]) is three


def test_the_reason_names_every_candidate_and_marks_the_chosen_one():
    every = [candidate(("xa", "yb"), 0.95, 0.99), candidate(("xa", "yb", "zz"), 0.96, 0.9)]
    lines = reason(every, every[1], 1500).splitlines()
    assert lines[0].startswith("1500 shots in all")
    assert lines[1] == "  2 × 500 (xa,yb): accuracy 95.00 ± 0.10%, R² 0.9900 ± 0.0010"
    assert lines[2].endswith("R² 0.9000 ± 0.0010 ← chosen")
    assert "within two standard errors" in lines[3]


def test_candidates_reach_from_two_settings_to_all():
    sizes = [len(check_settings(one)) for one in CANDIDATES]
    assert sizes[0] == 2
    assert sizes[-1] == len(ALL_SETTINGS)
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("budget", [0, 89])
def test_a_budget_that_gives_nothing_to_go_by_is_refused(budget):
    with pytest.raises(InputError, match=rf"^budget = {budget}: at least 90 shots"):
        compare_settings("two_basis", "dephasing", budget, None, 1)


def test_candidates_are_compared_at_equal_shots_in_all(monkeypatch):
    """On a twirl with twirled readout a setting's shots come in sixteen equal parts. Trainings of a second."""
    monkeypatch.setattr(settings_choice, "CANDIDATES", (("xa", "yb"), ("xa", "yb", "zz")))
    monkeypatch.setattr(settings_choice, "_STATES", 2000)
    monkeypatch.setattr(settings_choice, "_EPOCHS", 1)
    monkeypatch.setattr(settings_choice, "_TESTED", 1000)
    device = training_device("fake_manila", (3, 4), "twirl", readout_twirl=True)
    told = []
    found = compare_settings("two_basis", "dephasing", 1000, device, 3, lambda *done: told.append(done))
    assert [(one.settings, one.shots) for one in found] == [(("xa", "yb"), 496), (("xa", "yb", "zz"), 320)]
    assert told == [(1, 2), (2, 2)]
    for one in found:
        assert 0.4 < one.accuracy["value"] <= 1
        assert one.accuracy["n_states"] == one.r2["n_states"] == 1000
