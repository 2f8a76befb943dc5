"""Which settings are worth their shots: small trainings for several sets at the same total, and what each achieves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qent_hw.errors import InputError
from qent_hw.estimators.blueprint import Blueprint, device_blueprint
from qent_hw.estimators.build import build_model
from qent_hw.estimators.data import labelled_states
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.estimators.scores import Score, accuracy, r2
from qent_hw.physics.settings import ALL_SETTINGS, BELL_SETTINGS, features_of

CANDIDATES: tuple[tuple[str, ...], ...] = (
    ("xa", "yb"),
    ("xa", "yb", "zz"),
    BELL_SETTINGS,
    (*BELL_SETTINGS, "zz"),
    ("xa", "yb", "xz", "za", "zz"),
    ALL_SETTINGS,
)
"""From two settings to all nine; every one of them with the averages that it gives for free."""

_STATES, _EPOCHS, _TESTED = 150_000, 12, 60_000


@dataclass(frozen=True)
class Candidate:
    """A set of settings, the shots for each of them, and how right small networks for it are on fresh states."""

    settings: tuple[str, ...]
    shots: int
    accuracy: Score
    r2: Score


def compare_settings(
    family: str,
    channel: str,
    budget: int,
    device: TrainingDevice | None,
    seed: int,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> list[Candidate]:
    """Every candidate at `budget` shots in all, on the same states. Needs TensorFlow.

    Raises
    ------
    InputError
        for a budget that gives some setting less than ten shots.
    """
    if budget < 10 * len(ALL_SETTINGS):
        raise InputError(f"budget = {budget}: at least {10 * len(ALL_SETTINGS)} shots, ten for each of nine settings")
    train_seed, test_seed = np.random.SeedSequence(seed).spawn(2)
    found, parts = [], _parts(device)
    for number, settings in enumerate(CANDIDATES):
        shots = budget // len(settings) // parts * parts
        blueprint = _small(family, channel, settings, shots, device)
        model = build_model(blueprint, int(train_seed.generate_state(1)[0]))
        states = labelled_states(blueprint.source, channel, model.averages, _TESTED, test_seed, shots)
        p_entangled, concurrence = model.predict(states.features, states.shots)
        found.append(
            Candidate(settings, shots, accuracy(p_entangled, states.entangled), r2(concurrence, states.concurrence))
        )
        told(number + 1, len(CANDIDATES))
    return found


def choose_settings(candidates: list[Candidate]) -> Candidate:
    """The most accurate; of those that are within two standard errors of it, the one of the highest R²."""
    best = max(candidates, key=lambda one: one.accuracy["value"])

    def close(one: Candidate) -> bool:
        error = np.hypot(best.accuracy["standard_error"], one.accuracy["standard_error"])
        return bool(best.accuracy["value"] - one.accuracy["value"] <= 2 * error)

    return max(filter(close, candidates), key=lambda one: one.r2["value"])


def reason(candidates: list[Candidate], chosen: Candidate, budget: int) -> str:
    """The comparison in words, one line a candidate."""
    lines = [f"{budget} shots in all, by small networks on {_TESTED:,} simulated states:"]
    for one in candidates:
        lines.append(
            f"  {len(one.settings)} × {one.shots} ({','.join(one.settings)}): accuracy "
            f"{100 * one.accuracy['value']:.2f} ± {100 * one.accuracy['standard_error']:.2f}%, "
            f"R² {one.r2['value']:.4f} ± {one.r2['standard_error']:.4f}" + (" ← chosen" if one is chosen else "")
        )
    lines.append("chosen: the highest accuracy, and within two standard errors of it the highest R²")
    return "\n".join(lines)


def _parts(device: TrainingDevice | None) -> int:
    """Into how many equal parts the shots of a setting must divide: a twirl has four, of whatever kind."""
    if device is None:
        return 1
    return 4 ** ((device.injection == "twirl") + (device.facts.get("readout") == "twirled"))


def _small(
    family: str, channel: str, settings: tuple[str, ...], shots: int, device: TrainingDevice | None
) -> Blueprint:
    blueprint = device_blueprint(family, channel, ",".join(features_of(settings)), shots, device, _STATES)
    return replace(
        blueprint,
        classifier=replace(blueprint.classifier, epochs=_EPOCHS),
        regressor=replace(blueprint.regressor, epochs=_EPOCHS),
        n_intervals=1000,
        n_test=1000,
    )
