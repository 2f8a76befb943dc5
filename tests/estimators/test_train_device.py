"""`qent-hw train --backend …`: a model for a device says so, serves in runs, and is better there than one without."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qent_hw import Experiment
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators import load_estimator, named_estimator
from qent_hw.estimators.data import labelled_states
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.scores import accuracy
from qent_hw.estimators.train_command import train_model
from qent_hw.experiments.report.text import assumptions
from qent_hw.experiments.runcard import parse_runcard
from qent_hw.experiments.training_device import training_device
from qent_hw.physics import FEATURE_SETS

FAMILY, CHANNEL = "special_four_basis", "dephasing"
CARD = {
    "title": "mine",
    "family": FAMILY,
    "shots": 64,
    "states": {"kind": "random", "n": 8},
    "channel": {"p": [0.5]},
    "injection": {"kind": "idle"},
    "backend": {"name": "aer:fake_lima", "qubits": [0, 1]},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """bell8 for fake_lima, whose qubit 1 is read wrongly one time in thirty, waiting on qubits 0 and 1."""
    out = tmp_path_factory.mktemp("models") / "lima.npz"
    device = training_device("fake_lima", (0, 1), "idle")
    train_model(FAMILY, CHANNEL, "bell8", "recommended", None, str(out), 5, states=40_000, epochs=4, device=device)
    return out, device


def test_it_is_better_there_than_the_shipped_one(trained):
    """20,000 states: a standard error below 0.003 of each accuracy; the bound is five of the difference's."""
    out, device = trained
    source = DeviceStates(load_family(FAMILY), device)
    states = labelled_states(source, CHANNEL, FEATURE_SETS["bell8"], 20_000, 6, 4096)
    scores = []
    for model in (named_estimator(str(out)).model, load_estimator("bell8", FAMILY, CHANNEL).model):
        p_entangled, _ = model.predict(states.features, states.shots)
        scores.append(accuracy(p_entangled, states.entangled)["value"])
    assert scores[0] > scores[1] + 0.02


def test_its_card_says_for_what_it_was_made(trained):
    out, _ = trained
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["device"]["backend"] == card["device"]["device"] == "fake_lima"
    assert card["device"]["qubits"] == [0, 1]
    assert card["device"]["injection"] == "idle"
    assert card["device"]["properties_dated"].startswith("20")
    assert card["title"] == "bell8: special_four_basis under dephasing by idle on fake_lima, qubits 0 and 1"
    assert "qubits 0 and 1 of fake_lima" in card["assumes"]
    assert "wait" in card["assumes"]
    assert "no noise but the shots" not in card["assumes"]


def test_in_a_run_it_is_called_device_and_is_known_for_what_it_is(trained):
    out, _ = trained
    run = Experiment(parse_runcard({**CARD, "estimators": ["bell8", str(out)]}, "test")).run()
    assert set(run.comparison["estimators"]) == {"bell8", "device"}
    headings = [heading for heading, _ in assumptions(run)]
    assert "device was trained for this device." in headings
    assert "Not of this device: bell8." in headings
    elsewhere = {**CARD, "backend": {"name": "aer:fake_lima", "qubits": [1, 0]}, "estimators": [str(out)]}
    run = Experiment(parse_runcard(elsewhere, "test")).run()
    assert "device was trained for idle on fake_lima, qubits 0 and 1, and this run is" in str(assumptions(run))


def test_two_models_of_a_name_are_told_apart_by_their_files(trained, tmp_path):
    out, _ = trained
    other, same = tmp_path / "other.npz", tmp_path / "lima.npz"
    for copy in (other, same):
        copy.write_bytes(out.read_bytes())
    run = Experiment(parse_runcard({**CARD, "estimators": [str(out), str(other)]}, "test")).run()
    assert set(run.comparison["estimators"]) == {"lima", "other"}
    with pytest.raises(InputError, match="would both be called 'lima'"):
        Experiment(parse_runcard({**CARD, "estimators": [str(out), str(same)]}, "test")).run()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((None, None, "idle"), "injection = 'idle'.*--backend"),
        ((None, (0, 1), None), "qubits = 0,1.*--backend"),
        (("fake_limo", None, None), "did you mean 'fake_lima'"),
        (("ibm_torino", None, None), "'ibm_torino': training is for simulated devices"),
        (("fake_lima", (0, 4), None), "qubits = 0,4"),
        (("fake_lima", None, "wait"), "injection = 'wait': use one of noise-model"),
        (("aer", None, "idle"), "have no T1 and T2"),
        (("fake_lima", None, "twirl", "depolarizing"), "depolarizing needs noise-model"),
    ],
)
def test_devices_that_cannot_be_trained_for_end_in_one_line(arguments, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        training_device(*arguments)
    assert "\n" not in str(caught.value)


def test_without_a_backend_there_is_no_device():
    assert training_device(None, None, None) is None
    on_aer = training_device("aer", None, None)
    assert on_aer is not None
    np.testing.assert_array_equal(on_aer.template.errors.readout, np.eye(4))
    assert on_aer.facts["T1_s"] == [None, None]
