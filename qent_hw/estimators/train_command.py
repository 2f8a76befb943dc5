"""`qent-hw train`: from what a person types to a model file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from qent_hw.errors import InputError
from qent_hw.estimators.blueprint import Blueprint, device_blueprint, paper_blueprint, recommended_blueprint
from qent_hw.estimators.build import Progress, build_model
from qent_hw.estimators.data import Shots
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.estimators.model import Model
from qent_hw.estimators.quiet import load_tensorflow_quietly
from qent_hw.estimators.sources import state_source
from qent_hw.physics.settings import FEATURE_SETS, FEATURES

_BLUEPRINTS = {"paper": paper_blueprint, "recommended": recommended_blueprint}


def train_model(
    family: str,
    channel: str,
    features: str,
    recipe: str,
    shots: str | None,
    out: str,
    seed: int,
    *,
    states: int | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    device: TrainingDevice | None = None,
    progress: Progress | None = None,
) -> Model:
    """Train the networks and write the model file `out`, with its card beside it.

    Parameters
    ----------
    recipe
        ``paper`` or ``recommended``.
    shots
        ``ideal``, a number, a range ``LOW-HIGH``, or None for what the recipe has.

    states, epochs
        in place of the recipe's; few states also mean fewer for the interval table and the test scores.
    device
        what to train for; None for measurements without error.

    A call that was stopped leaves a folder of checkpoints beside `out`, from which the same call goes on.

    Raises
    ------
    InputError
        for a wrong option, in one line; nothing is trained then.
    """
    check_choices(family, channel, recipe, out)
    blueprint = _resized(_blueprint(family, channel, features, recipe, shots, device), states, epochs)
    return train_into(Path(out), blueprint, seed, progress, patience=patience)


def check_choices(family: str, channel: str, recipe: str, out: str) -> None:
    """Raise `InputError` for an unknown family, channel or recipe, or a file that is not called a model's."""
    channels = state_source(family).channels
    for name, value, known in (("channel", channel, channels), ("recipe", recipe, tuple(_BLUEPRINTS))):
        if value not in known:
            raise InputError(f"{name} = {value!r}: use one of {', '.join(known)}")
    if Path(out).suffix != ".npz":
        raise InputError(f"out = {out!r}: a model file ends in .npz")


def train_into(
    target: Path, blueprint: Blueprint, seed: int, progress: Progress | None = None, *, patience: int | None = None
) -> Model:
    """Train what the blueprint says and write the model file `target`; a call that was stopped goes on.

    Raises
    ------
    InputError
        if the file cannot be written.
    """
    checkpoints = target.with_name(f".{target.stem}.training")
    try:
        checkpoints.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"out = {str(target)!r}: cannot be written: {error.strerror}") from None
    load_tensorflow_quietly()
    try:
        model = build_model(blueprint, seed, progress, patience=patience, checkpoints=checkpoints)
        model.save(target)
    except InputError:
        if not any(checkpoints.iterdir()):
            checkpoints.rmdir()
        raise
    shutil.rmtree(checkpoints)
    return model


def _blueprint(
    family: str, channel: str, features: str, recipe: str, shots: str | None, device: TrainingDevice | None
) -> Blueprint:
    if features not in (*FEATURE_SETS, *FEATURES) and "," not in features:
        sets = ", ".join(FEATURE_SETS)
        raise InputError(f"features = {features!r}: use {sets}, or names with commas between, such as xa,yb,x1,y1")
    blueprint = _BLUEPRINTS[recipe](family, channel, features)
    if device is not None:
        blueprint = replace(blueprint, device=device)
        if recipe == "recommended":
            blueprint = device_blueprint(family, channel, features, blueprint.shots, device)
    if shots is not None:
        blueprint = replace(blueprint, shots=_shots(shots))
    return blueprint


def _resized(blueprint: Blueprint, states: int | None, epochs: int | None) -> Blueprint:
    if states is not None:
        if states < 1000:
            raise InputError(f"states = {states}: at least 1,000, of which some are held out and tested on")
        blueprint = replace(
            blueprint,
            n_classifier=states,
            n_regressor=states,
            n_intervals=min(states, blueprint.n_intervals),
            n_test=min(states, blueprint.n_test),
        )
    if epochs is not None:
        blueprint = replace(
            blueprint,
            classifier=replace(blueprint.classifier, epochs=epochs),
            regressor=replace(blueprint.regressor, epochs=epochs),
        )
    return blueprint


def _shots(text: str) -> Shots:
    if text == "ideal":
        return np.inf
    low, dash, high = text.partition("-")
    try:
        numbers = int(low), int(high if dash else low)
    except ValueError:
        numbers = (0, 0)
    if not 1 <= numbers[0] <= numbers[1]:
        raise InputError(f"shots = {text!r}: write ideal, a number from 1 up, or a range such as 100-65536")
    return numbers if dash else numbers[0]
