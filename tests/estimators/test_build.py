"""Making models: the pieces together at a small size, and the command that makes the shipped ones."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.blueprint import Blueprint, paper_blueprint, recommended_blueprint
from qent_hw.estimators.build import build_model
from qent_hw.estimators.make_zoo import blueprints, main
from qent_hw.estimators.model import Model
from qent_hw.estimators.training import Recipe

SMALL = Blueprint(
    family="special_four_basis",
    channel="dephasing",
    feature_set="bell8",
    shots=(100, 65536),
    classifier=Recipe((12,), "adam", 0.02, 256, 8, "cosine"),
    n_classifier=6000,
    regressor=Recipe((12, 12), "adam", 0.02, 256, 8, "cosine"),
    n_regressor=8000,
    n_intervals=1000,
    n_test=2000,
)


@pytest.fixture(scope="module")
def told() -> list[tuple[str, float, str]]:
    return []


@pytest.fixture(scope="module")
def model(told) -> Model:
    return build_model(SMALL, 3, lambda *what: told.append(what))


def test_small_model_learns_and_its_card_tells_how(model, told) -> None:
    """Over eight seeds accuracies are 0.91 to 0.93 and R² 0.97 to 0.99."""
    scores = model.card["test_scores"]["4096_shots_per_setting"]
    assert scores["accuracy"]["value"] > 0.88
    assert scores["r2"]["value"] > 0.85
    assert scores["accuracy"]["n_states"] == 2000
    assert model.card["held_out_scores"]["accuracy"]["n_states"] == 1200
    assert model.card["held_out_scores"]["r2"]["n_states"] == 1600
    assert model.card["training_shots_per_setting"] == {"low": 100, "high": 65536, "law": "log-uniform"}
    assert model.card["classifier"]["states"] == 6000
    assert model.card["share_entangled"]["value"] == pytest.approx(0.421, abs=0.04)
    assert "warning" not in model.card
    json.dumps(dict(model.card))
    assert model.shot_aware
    assert [w for w, _, _ in told if w == "training the classifier"] == ["training the classifier"] * 8
    assert told[-1][:2] == ("done", 1.0)


def test_model_is_fixed_by_its_seed(model) -> None:
    again = build_model(SMALL, 3)
    for a, b in zip(model.classifier.weights, again.classifier.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.intervals.offsets, again.intervals.offsets)
    assert model.card["test_scores"] == again.card["test_scores"]


def test_a_constant_class_is_said_on_the_card() -> None:
    tiny = Recipe((4,), "adam", 0.02, 256, 1)
    model = build_model(
        replace(SMALL, family="two_basis", shots=np.inf, classifier=tiny, regressor=tiny, n_intervals=600), 0
    )
    assert "class is constant" in model.card["warning"]
    assert "are entangled" in model.card["warning"]
    assert not model.shot_aware
    assert model.card["training_shots_per_setting"] == "exact"


def test_shipped_blueprints_are_the_papers_and_the_recommended_ones() -> None:
    shipped = blueprints()
    assert len(shipped) == 12
    assert ("general_mixed", "none", "tomo15") in {(b.family, b.channel, b.feature_set) for b in shipped}
    paper = paper_blueprint("two_basis", "depolarizing")
    assert paper in shipped
    assert (paper.n_classifier, paper.n_regressor, paper.train_share) == (200_000, 100_000, 0.8)
    assert (paper.classifier.hidden, paper.regressor.hidden) == ((15,), (100, 50, 50))
    assert not paper.shot_aware
    assert recommended_blueprint("special_four_basis", "dephasing").shot_aware


def test_unknown_family_and_pattern_are_refused(capsys) -> None:
    with pytest.raises(InputError, match="no_such"):
        build_model(replace(SMALL, family="no_such"), 0)
    assert main(["--only", "no_such*"]) == 2
    assert "special_four_basis-dephasing-bell8" in capsys.readouterr().err
