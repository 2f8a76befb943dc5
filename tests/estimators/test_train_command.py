"""`qent-hw train`: a model file from one line, usable in a run and in a prediction."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qent_hw import Experiment
from qent_hw.errors import InputError
from qent_hw.estimators import Model, build, named_estimator, training
from qent_hw.estimators.train_command import train_model
from qent_hw.experiments.runcard import parse_runcard

SMALL = {"states": 3000, "epochs": 4}


def small(out, **changes):
    asked = {
        "family": "special_four_basis",
        "channel": "dephasing",
        "features": "xa,yb,x1,y1,1a,1b",
        "recipe": "paper",
        "shots": None,
        "seed": 3,
    }
    return train_model(**{**asked, **changes}, out=str(out), **SMALL)


def test_trained_model_serves_a_run_of_two_settings(tmp_path):
    out = tmp_path / "two.npz"
    model = small(out)
    assert model.settings == ("xa", "yb")
    assert json.loads(out.with_suffix(".json").read_text())["classifier"]["states"] == 3000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    card = {
        "title": "mine",
        "family": "special_four_basis",
        "shots": 64,
        "settings": ["xa", "yb"],
        "estimators": [str(out)],
        "states": {"kind": "random", "n": 8},
        "channel": {"p": [0.5]},
    }
    comparison = Experiment(parse_runcard(card, "test")).run().comparison["estimators"]
    assert comparison["two"]["settings"] == 2
    with pytest.raises(InputError, match="made for special_four_basis under dephasing, not two_basis"):
        Experiment(parse_runcard({**card, "family": "two_basis"}, "test")).run()


def test_recipe_and_shots_are_as_asked(tmp_path):
    model = small(tmp_path / "m.npz", recipe="recommended", features="bell8", shots="64-512")
    assert model.shot_aware
    assert model.card["training_shots_per_setting"]["high"] == 512
    assert model.card["classifier"]["optimizer"] == "adam"
    assert named_estimator(str(tmp_path / "m.npz")).settings == ("xa", "xb", "ya", "yb")


def test_stopped_call_goes_on_to_the_same_model(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", -1.0)
    whole = small(tmp_path / "whole.npz")

    def stop_in_the_regressor(what, share, _remark):
        if what == "training the regressor" and share >= 0.5:
            raise KeyboardInterrupt

    out = tmp_path / "m.npz"
    arguments = ("special_four_basis", "dephasing", "xa,yb,x1,y1,1a,1b", "paper", None, str(out), 3)
    with pytest.raises(KeyboardInterrupt):
        train_model(*arguments, **SMALL, progress=stop_in_the_regressor)
    assert not out.exists()
    epochs = []
    resumed = train_model(*arguments, **SMALL, progress=lambda what, share, remark: epochs.append((what, share)))
    assert ("training the regressor", 0.5) not in epochs
    assert ("training the regressor", 1.0) in epochs
    saved = Model.load(out)
    for network in ("classifier", "regressor"):
        for ours, theirs in zip(getattr(saved, network).weights, getattr(whole, network).weights, strict=True):
            assert np.array_equal(ours, theirs)
    assert resumed.card["test_scores"] == whole.card["test_scores"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"family": "nope"}, "shipped: general_four_basis"),
        ({"channel": "amplitude"}, "channel = 'amplitude'"),
        ({"features": "bell5"}, "bell5"),
        ({"features": "xa,xq"}, "xq"),
        ({"recipe": "best"}, "recipe = 'best'"),
        ({"shots": "few"}, "shots = 'few'"),
        ({"shots": "0"}, "shots = '0'"),
        ({"shots": "9-3"}, "shots = '9-3'"),
    ],
)
def test_wrong_options_end_in_one_line_before_training(tmp_path, monkeypatch, changes, complaint):
    monkeypatch.setattr(build, "train", None)
    with pytest.raises(InputError, match=complaint) as caught:
        small(tmp_path / "m.npz", **changes)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["m.keras", "missing/m.npz"])
def test_wrong_places_are_refused(tmp_path, out):
    with pytest.raises(InputError, match="out = "):
        small(tmp_path / out)
