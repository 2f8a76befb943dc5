"""The estimator `device`: a model trained for exactly this family, device and injection, when a run asks for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from qent_hw.calibration.record import DeviceRecord
from qent_hw.estimators.blueprint import Blueprint, device_blueprint
from qent_hw.estimators.build import Progress
from qent_hw.experiments.runcard import Runcard
from qent_hw.experiments.training_device import DRIFT, device_of_run
from qent_hw.hardware.device import Device
from qent_hw.physics.settings import feature_set_name, features_of

NAME = "device"
FOLDER = Path("runs") / "models"
# not one that a person is likely to give a run or a study: its states must not be those that are trained on
_SEED = 20241021


def is_specialised(name: str) -> bool:
    """Whether an estimator's name is the file of such a model."""
    return Path(name).name.startswith(f"{NAME}-") and Path(name).suffix == ".npz"


def specialised(
    runcard: Runcard, device: Device, record: DeviceRecord | None, progress: Progress | None = None
) -> Runcard:
    """The runcard with the model's file in place of `device` among its estimators, trained if there is none yet.

    The model sees every feature that the runcard's settings give, at its shots. Files are kept in `runs/models`, named
    by everything that decides the model, and used again.

    Raises
    ------
    InputError
        for what cannot be trained, such as waiting on qubits that do not relax.
    """
    if NAME not in runcard.estimators:
        return runcard
    path = str(trained(_blueprint(runcard, device, record), record, progress))
    names = [path if one == NAME else one for one in runcard.estimators]
    return runcard.model_copy(update={"estimators": names})


def _blueprint(runcard: Runcard, device: Device, record: DeviceRecord | None) -> Blueprint:
    drift = 0.0 if record is None else DRIFT
    trained_for = device_of_run(runcard, device, record, drift)
    names = feature_set_name(features_of(runcard.settings))
    return device_blueprint(runcard.family, runcard.channel.kind, names, runcard.shots, trained_for)


def trained(blueprint: Blueprint, record: DeviceRecord | None = None, progress: Progress | None = None) -> Path:
    """The model file of a blueprint for a device, trained if there is none yet."""
    path = FOLDER / f"{NAME}-{_key(blueprint, record)}.npz"
    if not path.is_file():
        from qent_hw.estimators.train_command import train_into

        FOLDER.mkdir(parents=True, exist_ok=True)
        train_into(path, blueprint, _SEED, progress)
    return path


def _key(blueprint: Blueprint, record: DeviceRecord | None) -> str:
    """A hash of what decides the model."""
    family = Path(blueprint.family)
    assert blueprint.device is not None
    told = {
        **asdict(replace(blueprint, device=None)),
        "family": family.read_text(encoding="utf-8") if family.is_file() else blueprint.family,
        "device": blueprint.device.facts,
        "record": None if record is None else [record.idle.model_dump(), record.readout.model_dump()],
        "seed": _SEED,
    }
    canonical = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
