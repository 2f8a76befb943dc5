"""Tasks: what a card asks for, as plain definitions, their keys, and how long they take.

A task is a pure function of its definition, which is what JSON can hold; its key is the definition's hash. Cards that
ask for the same thing share the task.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from qent_hw.experiments.paper import limit, sampling, training
from qent_hw.experiments.paper.card import Card, Sample, Training
from qent_hw.experiments.paper.feature_sets import TABLE, feature_sets

# Part of every definition: raise it when the same definition comes to mean other numbers.
_REVISION = 2

Definition = Mapping[str, Any]
# Called with the share of a task that is done, in [0, 1].
Tell = Callable[[float], None]
Outcome = tuple[dict[str, Any], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class _Kind:
    perform: Callable[[Definition, Tell], Outcome]
    seconds: Callable[[Definition], float]


_KINDS = {
    "sample": _Kind(sampling.perform, sampling.seconds),
    "training": _Kind(training.perform, training.seconds),
    "limit": _Kind(limit.perform, limit.seconds),
}


def key(definition: Definition) -> str:
    """The name of a task's result: a hash of its definition, the same on every machine."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def perform(definition: Definition, tell: Tell) -> Outcome:
    """Do a task: (what JSON can hold, arrays for the figures)."""
    return _KINDS[definition["kind"]].perform(definition, tell)


def seconds(definition: Definition) -> float:
    """About how long a task takes on one core; only the order and the bar depend on it."""
    return _KINDS[definition["kind"]].seconds(definition)


def sample_tasks(card: Card, name: str) -> list[Definition]:
    """The tasks of a sample, one for each seed."""
    one: Sample = card.samples[name]
    states = card.states[one.states].plain()
    return [_numbered(kind="sample", states=states, n=one.n, seed=seed) for seed in one.seeds]


def training_tasks(card: Card, name: str) -> list[list[Definition]]:
    """The tasks of a training: for each seed, its parts."""
    one: Training = card.trainings[name]
    models = [[label, list(features)] for label, features in feature_sets(one.features).items()]
    return [
        [
            _numbered(
                kind="training",
                states=card.states[one.states].plain(),
                target=one.target,
                n=one.n,
                train_share=one.train_share,
                hidden=one.hidden,
                epochs=one.epochs,
                learning_rate=one.learning_rate,
                batch_size=one.batch_size,
                models=part,
                tested_on=[[other, card.states[other].plain()] for other in one.tested_on],
                seed=seed,
            )
            for part in _parts(models, one.parts)
        ]
        for seed in one.seeds
    ]


def limit_tasks(card: Card, name: str) -> dict[int, Definition]:
    """Number of features -> task, for a limit; accuracy and R² are of one task."""
    one = card.limits[name]
    states = card.states[one.states].plain()
    return {
        int(label): _numbered(
            kind="limit",
            states=states,
            features=list(features),
            n=one.n,
            pool=one.pool,
            seed=one.seed,
        )
        for label, features in feature_sets(TABLE).items()
    }


def all_tasks(card: Card) -> dict[str, Definition]:
    """Every task of a card by its key."""
    asked = [task for name in card.samples for task in sample_tasks(card, name)]
    asked += [task for name in card.trainings for parts in training_tasks(card, name) for task in parts]
    asked += [task for name in card.limits for task in limit_tasks(card, name).values()]
    return {key(task): task for task in asked}


def _parts(models: list[list[Any]], number: int) -> list[list[list[Any]]]:
    """Every `number`-th together: the parts then have about as many features, and take about as long."""
    return [models[part::number] for part in range(number)]


def _numbered(**definition: Any) -> Definition:
    return {"revision": _REVISION, **definition}
