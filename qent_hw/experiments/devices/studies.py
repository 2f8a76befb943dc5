"""Two questions about training for a device, answered by simulation: how much drift to train over, and whether to
correct the counts for misreadings or to train with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qent_hw.circuits import load_family
from qent_hw.estimators.averages import averages_from_counts
from qent_hw.estimators.blueprint import device_blueprint
from qent_hw.estimators.build import build_model
from qent_hw.estimators.device_states import DeviceStates, TrainingDevice
from qent_hw.estimators.drift import even_spread
from qent_hw.estimators.model import Model
from qent_hw.estimators.scores import accuracy, r2
from qent_hw.experiments.training_device import training_device
from qent_hw.physics import Counts, concurrence, is_entangled, sample_counts
from qent_hw.physics.settings import features_of

FAMILY, CHANNEL, DEVICE = "special_four_basis", "dephasing", "fake_torino"
SETTINGS, SHOTS = ("xa", "yb", "xz", "za", "zz"), 3276
TRAINED_DRIFTS = (0.0, 0.1, 0.2)
TESTED_DRIFTS = (0.0, 0.1, 0.2, 0.3)
BAD_PAIR = (0, 1)
_TESTED, _SEED = 100_000, 11


def drift_study(trained: float) -> dict[str, Any]:
    """A model trained over a relative spread `trained`, on devices that have drifted by each of `TESTED_DRIFTS`."""
    device = _device(None, drift=trained)
    model = _model(device)
    tested = {}
    for drift in TESTED_DRIFTS:
        drifted = replace(device, spread=even_spread(drift) if drift else None)
        tested[f"{drift:g}"] = _scores(model, drifted)
    return {
        "device": DEVICE,
        "trained": trained,
        "settings": list(SETTINGS),
        "shots": SHOTS,
        "n_states": _TESTED,
        "tested": tested,
    }


def readout_study(pair: tuple[int, int] | None) -> dict[str, Any]:
    """A model trained with the misreadings, on raw counts; and one trained without them, on corrected counts."""
    device = _device(pair)
    assignment = device.template.errors.readout
    read_right = replace(device.template.errors, readout=np.eye(4))
    without = replace(device, template=replace(device.template, errors=read_right))
    return {
        "device": DEVICE,
        "qubits": list(device.facts["qubits"]),
        "settings": list(SETTINGS),
        "shots": SHOTS,
        "read_right": float(np.diagonal(assignment).mean()),
        "n_states": _TESTED,
        "trained with them": _scores(_model(device), device),
        "corrected": _scores(_model(without), device, corrected=True),
    }


def _device(pair: tuple[int, int] | None, drift: float = 0.0) -> TrainingDevice:
    device = training_device(DEVICE, pair, "idle", drift=drift)
    assert device is not None
    return device


def _model(device: TrainingDevice) -> Model:
    blueprint = device_blueprint(FAMILY, CHANNEL, ",".join(features_of(SETTINGS)), SHOTS, device)
    return build_model(replace(blueprint, n_test=1000, n_intervals=1000), _SEED)


def _scores(model: Model, device: TrainingDevice, corrected: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(np.random.SeedSequence(_SEED).spawn(1)[0])
    states = DeviceStates(load_family(FAMILY), device).draw(CHANNEL, _TESTED, rng)
    counts = Counts(SETTINGS, sample_counts(states.probabilities(SETTINGS)[:, :, 0], SHOTS, rng))
    assignment = device.template.errors.readout if corrected else None
    averages = averages_from_counts(counts, model.averages, assignment)
    p_entangled, predicted = model.predict(averages, np.full(_TESTED, float(SHOTS)))
    return {
        "accuracy": accuracy(p_entangled, is_entangled(states.truth, validate=False)),
        "r2": r2(predicted, concurrence(states.truth, validate=False)),
    }
