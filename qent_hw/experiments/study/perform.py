"""Doing a task: draw, measure, estimate, count. What does not depend on the batch is made once in each process."""

from __future__ import annotations

import datetime
import json
import tempfile
import time
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import qent_hw
from qent_hw.errors import InputError
from qent_hw.estimators.catalogue import make_estimator
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.estimates import Estimates, Estimator
from qent_hw.estimators.situation import Situation, measured
from qent_hw.estimators.sources import FamilyStates, draw_parameters
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import World, resolve
from qent_hw.experiments.study.tally import error_map, reliability, tally
from qent_hw.experiments.study.tasks import Definition, Files, key
from qent_hw.physics import Counts, concurrence, is_entangled
from qent_hw.physics.settings import ALL_SETTINGS
from qent_hw.seeds import fresh_seed

_SHARES = ("p_entangled", "concurrence", "concurrence_low", "concurrence_high")
_ROUNDING = 1e-9
_CASE = ("family", "channel", "injection", "device", "assumes", "settings")


def perform(definition: Definition, files: Files) -> dict[str, Any]:
    """A task's row of the results: its key, its definition, what was counted, and what it cost.

    Raises
    ------
    InputError
        for an estimator that cannot be made for this case.
    """
    # one thread: tasks run side by side, and sums come out the same on any number of cores
    with threadpool_limits(1):
        world, estimator = _made(_canonical(definition), tuple(sorted(files.items())))
        found, cost = _counted(definition, world, estimator)
    made = {"date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "version": qent_hw.__version__}
    return {
        "key": key(definition),
        "task": dict(definition),
        "settings": list(estimator.settings),
        "shot_s": world.shot_s,
        **found,
        "cost": cost,
        "made": made,
    }


def check_cell(definition: Definition, files: Files) -> None:
    """Raise `InputError` if a task like this cannot be done; what takes long is not tried."""
    world, settings = _world(_canonical(definition), tuple(sorted(files.items())))
    name = definition["estimator"]["name"]
    # tuning takes long, and can be done where the estimator itself can
    estimator = make_estimator(_local(name.removesuffix("_tuned"), files), _situation(definition, world, settings))
    rng = np.random.default_rng(1)
    measured(world.actual.draw(definition["channel"], 1, rng), tuple(estimator.settings), definition["shots"], rng)


def _counted(definition: Definition, world: World, estimator: Estimator) -> tuple[dict[str, Any], dict[str, float]]:
    seed, batch, n, channel = (definition[name] for name in ("seed", "batch", "n", "channel"))
    settings = tuple(estimator.settings)

    def child(*path: int) -> np.random.SeedSequence:
        return fresh_seed(seed, batch, *path)

    drawn = world.actual.draw(channel, n, np.random.default_rng(child(0)))
    which = sum(1 << ALL_SETTINGS.index(setting) for setting in settings)
    counts = measured(drawn, settings, definition["shots"], np.random.default_rng(child(1, definition["shots"], which)))
    wall, used = time.perf_counter(), time.thread_time()
    estimates = _estimates(estimator, counts, child(2))
    cost = {"cpu_s": time.thread_time() - used, "wall_s": time.perf_counter() - wall}
    entangled, true = is_entangled(drawn.truth, validate=False), concurrence(drawn.truth, validate=False)
    found: dict[str, Any] = {
        "tally": tally(estimates, entangled, true),
        "reliability": reliability(estimates, entangled),
    }
    if "map" in definition and isinstance(world.actual, FamilyStates | DeviceStates):
        # states are drawn from the same stream, and begin with their parameters
        parameters, p = draw_parameters(world.actual.family, n, np.random.default_rng(child(0)))
        values = {**parameters, "p": p}
        ranges = {one.name: (one.low, one.high) for one in world.actual.family.parameters} | {"p": (0.0, 1.0)}
        x, y = definition["map"]
        wrong = (estimates.verdict == "entangled") != entangled
        found["map"] = error_map(wrong, values[x], values[y], [ranges[x], ranges[y]])
    return found, cost


def _estimates(estimator: Estimator, counts: Counts, seed: np.random.SeedSequence) -> Estimates:
    """What the estimator says; `InputError` where that is no estimate of every state."""
    try:
        found = estimator.estimate(counts, seed)
        numbers = np.stack([getattr(found, name) for name in _SHARES])
        fine = numbers.shape[1] == len(counts.values) and bool((np.abs(numbers - 0.5) <= 0.5 + _ROUNDING).all())
    except Exception as error:  # a person's own code may raise anything
        said = " ".join(str(error).split())
        raise InputError(f"estimator {estimator.name!r} failed: {type(error).__name__}: {said}") from None
    if not fine:
        raise InputError(f"estimator {estimator.name!r}: gives no number between 0 and 1 for every state")
    return found


def _canonical(definition: Definition) -> str:
    """What of a definition does not change from batch to batch."""
    return json.dumps({name: definition.get(name) for name in (*_CASE, "estimator", "shots")}, sort_keys=True)


@lru_cache(maxsize=16)
def _made(canonical: str, files: tuple[tuple[str, bytes], ...]) -> tuple[World, Estimator]:
    world, settings = _world(canonical, files)
    told = json.loads(canonical)
    name = _local(told["estimator"]["name"], dict(files))
    return world, make_estimator(name, _situation(told, world, settings))


def _world(canonical: str, files: tuple[tuple[str, bytes], ...]) -> tuple[World, tuple[str, ...]]:
    told = json.loads(canonical)
    entries = {name: told[name] for name in _CASE if told[name] is not None}
    entries["family"] = _local(entries["family"], dict(files))
    return _resolved(json.dumps(entries, sort_keys=True)), tuple(told["settings"])


@lru_cache(maxsize=8)
def _resolved(entries: str) -> World:
    return resolve(Case.model_validate({"name": "case", **json.loads(entries)}))


def _situation(told: Definition, world: World, settings: tuple[str, ...]) -> Situation:
    return Situation(world.assumed, told["channel"], told["shots"], settings)


def _local(name: str, files: Files) -> str:
    """With the path of a file that came with the task; other names as they are."""
    called, colon, attribute = name.partition(":")
    if called not in files:
        return name
    path = Path(_folder().name) / called
    if not path.is_file():
        path.write_bytes(files[called])
    return f"{path}{colon}{attribute}"


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Goes away with the process."""
    return tempfile.TemporaryDirectory(prefix="qent-hw-")
