"""What `train` is asked for and what it makes of that: defaults for a device, and one line for what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qent_hw.errors import InputError
from qent_hw.estimators import settings_choice
from qent_hw.estimators.wanted import Wanted, resolve_wanted
from qent_hw.experiments.training_device import training_device

PLAIN = Wanted("two_basis", "dephasing", None, None, None, None, None, "mine.npz")


@pytest.fixture(scope="module")
def manila():
    return training_device("fake_manila", (3, 4), "idle")


def resolved(device=None, **changes):
    return resolve_wanted(replace(PLAIN, **changes), device, 1)


def test_without_a_device_it_is_what_was_asked_for_by_the_papers_recipe():
    found = resolved(features="corr9", shots="100-200")
    assert (found.features, found.recipe, found.shots, found.out, found.why) == (
        "corr9",
        "paper",
        "100-200",
        "mine.npz",
        "",
    )


def test_for_a_device_it_is_bell8_by_the_recommended_recipe_in_a_file_named_for_it(manila):
    found = resolved(manila, out=None)
    assert (found.features, found.recipe, found.shots) == ("bell8", "recommended", None)
    assert found.out == "two_basis-fake_manila-q3-q4-idle.npz"
    assert resolved(manila, recipe="paper", features="bell4").recipe == "paper"
    assert resolved(manila).out == "mine.npz"


def test_settings_mean_all_that_they_give_and_share_a_budget():
    found = resolved(settings="xa,zz", budget=1001)
    assert found.features.split(",") == ["xa", "zz", "x1", "z1", "1a", "1z"]
    assert found.shots == "500"
    assert resolved(settings="xa,zz", shots="70").shots == "70"
    assert resolved(settings="xa,zz").shots is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "features: say which, such as --features bell8"),
        ({"features": "bell8", "out": None}, "out: name the model file, such as --out mine.npz"),
        ({"features": "bell8", "settings": "xa"}, "features and settings: give one of them"),
        ({"settings": "xa", "shots": "70", "budget": 100}, "budget and shots: give one of them"),
        ({"features": "bell8", "budget": 100}, "budget: is for --settings"),
        ({"budget": 100}, "budget: is for --settings"),
        ({"settings": "xa,qq"}, "setting 'qq' is unknown"),
        ({"settings": "xa,xa"}, "given 2 times"),
        ({"settings": "auto"}, "settings = auto: say for how many shots in all, with --budget"),
        ({"settings": "auto", "budget": 20}, "budget = 20: at least 90 shots"),
        # before anything is compared, which takes minutes
        ({"settings": "auto", "budget": 1000, "out": "mine.h5"}, "out = 'mine.h5': a model file ends in .npz"),
        ({"settings": "auto", "budget": 1000, "recipe": "best"}, "recipe = 'best': use one of paper, recommended"),
        ({"settings": "auto", "budget": 1000, "family": "three_basis"}, "three_basis"),
        ({"settings": "auto", "budget": 1000, "channel": "loss"}, "channel = 'loss'"),
    ],
)
def test_what_does_not_fit_is_one_line(changes, said):
    with pytest.raises(InputError) as caught:
        resolved(**changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_are_chosen_for_a_budget_with_the_reason(monkeypatch):
    """Trainings of a second, of which nothing but their use is asked."""
    monkeypatch.setattr(settings_choice, "CANDIDATES", (("xa", "yb"), ("za", "zz", "xz")))
    monkeypatch.setattr(settings_choice, "_STATES", 2000)
    monkeypatch.setattr(settings_choice, "_EPOCHS", 1)
    monkeypatch.setattr(settings_choice, "_TESTED", 1000)
    twirled = training_device("aer", None, "twirl")
    told = []
    found = resolve_wanted(
        replace(PLAIN, settings="auto", budget=1001), twirled, 1, lambda *progress: told.append(progress)
    )
    chosen = next(line for line in found.why.splitlines() if line.endswith("← chosen"))
    names = {"xa,yb,x1,y1,1a,1b": "2 × 500 (xa,yb)", "xz,za,zz,x1,z1,1a,1z": "3 × 332 (za,zz,xz)"}
    assert names[found.features] in chosen
    assert found.shots == chosen.split()[2]
    assert [one[0] for one in told] == ["comparing settings"] * 2
