"""The model card: how a model was made and how well it does, every figure with its sample size and standard error."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

import qent_hw
from qent_hw.estimators.blueprint import Blueprint
from qent_hw.estimators.data import Shots, Source, labelled_states_at
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.estimators.model import Model
from qent_hw.estimators.scores import Score, accuracy, r2, share

# Below this share a class is rounding at the boundary (p within 1e-6 of 1) and no class to be learnt.
_CONSTANT = 1e-4


def model_card(
    blueprint: Blueprint,
    seed: int,
    entangled: Score,
    held_out: Mapping[str, Score],
    fresh: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The card as plain values for JSON; `Model.save` adds the names of the features and settings."""
    card: dict[str, Any] = {
        "title": f"{blueprint.feature_set}: {blueprint.family} under {blueprint.channel}{_where(blueprint)}",
        "feature_set": blueprint.feature_set,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "training_shots_per_setting": _plain(blueprint.shots),
        "classifier": {"states": blueprint.n_classifier, **asdict(blueprint.classifier)},
        "regressor": {"states": blueprint.n_regressor, **asdict(blueprint.regressor)},
        "train_share": blueprint.train_share,
        "share_entangled": entangled,
        "held_out_scores": dict(held_out),
        "test_scores": dict(fresh),
        "interval_states": blueprint.n_intervals,
        "seconds": dict(seconds),
        "versions": _versions(),
        "assumes": assumed_of(blueprint.device),
        "citation": "arXiv:2410.21504v2",
    }
    if blueprint.device is not None:
        card |= {"estimator": "device", "device": dict(blueprint.device.facts)}
    rarer = min(entangled["value"], 1 - entangled["value"])
    if rarer < _CONSTANT:
        label = "entangled" if entangled["value"] > 0.5 else "separable"
        card["warning"] = (
            f"All training states but {round(rarer * entangled['n_states'])} of {entangled['n_states']} are {label}: "
            "the class is constant, the classifier has learnt that and nothing else, and its accuracy says nothing."
        )
    return card


def fresh_scores(
    model: Model, source: Source, n: int, seed: int | np.random.SeedSequence
) -> dict[str, dict[str, Score]]:
    """Figures on `n` fresh states of the source, with exact features and at 4,096 shots per setting: accuracy, R² and
    the share of concurrences inside their 90% interval; the latter over all states, and over those predicted above
    0.05, where no surely separable states raise it."""
    scores = {}
    levels = labelled_states_at(source, model.channel, model.averages, n, seed, (np.inf, 4096))
    for name, level in zip(("ideal", "4096_shots_per_setting"), levels, strict=True):
        p_entangled, concurrence = model.predict(level.features, level.shots)
        low, high = model.intervals.interval(concurrence, level.shots)
        inside = (low <= level.concurrence) & (level.concurrence <= high)
        scores[name] = {
            "accuracy": accuracy(p_entangled, level.entangled),
            "r2": r2(concurrence, level.concurrence),
            "interval_coverage": share(inside),
            "interval_coverage_predicted_above_0.05": share(inside[concurrence > 0.05]),
        }
    return scores


def _where(blueprint: Blueprint) -> str:
    if blueprint.device is None:
        return ""
    facts = blueprint.device.facts
    return f" by {facts['injection']} on {facts['backend']}, qubits {facts['qubits'][0]} and {facts['qubits'][1]}"


def assumed_of(device: TrainingDevice | None) -> str:
    """What an estimator for a device (or for none) takes for granted, in words."""
    uniform = "parameters and p uniform"
    if device is None:
        return (
            f"A state of this family after this channel, the same p on both qubits; {uniform}; no noise but the shots."
        )
    facts = device.facts
    injected = {
        "noise-model": "this channel acts between preparation and rotation, the same p on both qubits",
        "idle": "both qubits wait equally long, which dephases them by p on their average and relaxes them (T1, T2)",
        "twirl": "this channel is emulated by virtual z rotations, the same p on both qubits",
    }[device.injection]
    dated = f", with its properties of {facts['properties_dated']}" if "properties_dated" in facts else ""
    known = "the gate, relaxation and readout errors that these say"
    if "record" in facts:
        record = facts["record"]
        known = f"the gate errors that these say, and the wait and the readout of the record {record['source']} on "
        known += record["date"]
    drift = f" (T1, T2 and misreadings spread by {100 * facts['drift']:.0f}%)" if "drift" in facts else ""
    return (
        f"A state of this family prepared and read by qubits {facts['qubits'][0]} and {facts['qubits'][1]} of "
        f"{facts['device']}{dated}, with {known}{drift} and no others; {injected}; {uniform}. Estimates are of the "
        "state right after the injection, without gate and readout errors."
    )


def _plain(shots: Shots) -> Any:
    if isinstance(shots, tuple):
        return {"low": shots[0], "high": shots[1], "law": "log-uniform"}
    return "exact" if np.isinf(shots) else shots


def _versions() -> dict[str, str]:
    libraries = {name: importlib.metadata.version(name) for name in ("numpy", "tensorflow")}
    return {"python": platform.python_version(), "qent-hw": qent_hw.__version__, **libraries}
