"""Tasks: an estimator on a batch of states at one number of shots, as a plain definition with a hash for its key.

A task is a pure function of its definition and of the files that the definition names by their hash. States are those
of the case, the seed and the batch; counts those of these and of the shots and settings: estimators that measure the
same settings see the same counts, and all see the same states.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qent_hw import bench
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.catalogue import CORRECTED, is_network
from qent_hw.estimators.shipped import model_path
from qent_hw.experiments.study.card import MIXED, Case, Chosen, Study

# Part of every definition: raise it when the same definition comes to mean other numbers.
_REVISION = 2

Definition = Mapping[str, Any]
# content by the name that a definition has for it: its hash, and the ending that says what it is
Files = dict[str, bytes]


@dataclass(frozen=True)
class Cell:
    """A row of the table: an estimator in a case at a number of shots."""

    case: Case
    chosen: Chosen
    shots: int

    def definition(self, study: Study, seed: int, batch: int) -> Definition:
        """The task of one of its batches."""
        case = self.case
        told: dict[str, Any] = {
            "revision": _REVISION,
            "family": _family(case),
            "channel": case.channel,
            "injection": case.injection,
            "assumes": self.chosen.assumes or case.assumes,
            "shots": self.shots,
            "estimator": _estimator(self.chosen.name, case),
            "settings": self.chosen.settings or case.settings,
            "n": study.stop.batch,
            "batch": batch,
            "seed": seed,
        }
        if case.device is not None:
            told["device"] = case.device.model_dump(exclude_none=True)
        if study.map is not None and set(study.map) <= _mapped(case):
            told["map"] = study.map
        return told


def cells_of(study: Study) -> list[Cell]:
    """The rows of a study's table, in its order."""
    return [
        Cell(case, chosen, shots)
        for case in study.cases
        for shots in sorted(study.shots)
        for chosen in study.estimators_of(case)
    ]


def batches(study: Study) -> Iterator[tuple[int, int]]:
    """(seed, batch) for ever, the seeds in turn."""
    batch = 0
    while True:
        for seed in study.seeds:
            yield seed, batch
        batch += 1


def key(definition: Definition) -> str:
    """The name of a task's result: a hash of its definition, the same on every machine."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def files_of(cells: Iterable[Cell]) -> Files:
    """Files of the user's own, and models that were trained for it: tasks carry these with them."""
    named = {name for cell in cells for name in (cell.case.family, cell.chosen.name)}
    paths = [path for path in map(_path_of, sorted(named)) if path is not None]
    return {_called(path): path.read_bytes() for path in paths}


def needed(definition: Definition, files: Files) -> Files:
    """Those of the files that a task needs."""
    named = (definition["family"], definition["estimator"]["name"].partition(":")[0])
    return {name: files[name] for name in named if name in files}


def _family(case: Case) -> str:
    path = _path_of(case.family)
    if path is None:
        return case.family
    load_family(case.family)  # raises what is wrong with it
    return _called(path)


def _estimator(name: str, case: Case) -> dict[str, str]:
    """A name and what is behind it: a file that goes with the task, or for a shipped network its weights."""
    path = _path_of(name)
    if path is not None:
        _, colon, attribute = name.rpartition(":")
        return {"name": f"{_called(path)}:{attribute}" if colon else _called(path)}
    if ":" in name:
        return {"name": name, "source": _source(name.partition(":")[0])}
    if is_network(name):
        shipped = model_path(Path(case.family).stem, case.channel, name.removesuffix(CORRECTED))
        return {"name": name, "model": _hash(shipped)} if shipped.is_file() else {"name": name}
    return {"name": name}


def _source(module: str) -> str:
    """Of an installed module the hash of its text, as far as it has one."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    return _hash(Path(spec.origin)) if spec is not None and spec.origin and Path(spec.origin).is_file() else ""


def _path_of(name: str) -> Path | None:
    """The file that a family or an estimator is, or whose class it is; None for one that is installed."""
    own = bench.own_file(name)
    if own is not None:
        return Path(own)
    module, colon, _ = name.partition(":")
    path = Path(*module.split(".")).with_suffix(".py")
    return path if colon and path.is_file() else None


def _called(path: Path) -> str:
    return f"{_hash(path)}{path.suffix}"


def _hash(path: Path) -> str:
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"{str(path)!r}: cannot be read: {error.strerror}") from None
    return _hash_at(path, stamp)


@cache
def _hash_at(path: Path, stamp: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


@cache
def _parameters(family: str) -> frozenset[str]:
    return frozenset(one.name for one in load_family(family).parameters)


def _mapped(case: Case) -> frozenset[str]:
    """What a map of errors can have for axes."""
    return frozenset() if case.family == MIXED else _parameters(case.family) | {"p"}
