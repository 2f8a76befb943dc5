"""Doing a study of verdicts: the rows of each case at each number of shots, side by side, and kept as they are done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qent_hw.errors import BackendError, InputError
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import resolve
from qent_hw.experiments.study.table import NAME, append_rows, read_rows
from qent_hw.experiments.verdict_studies.card import VerdictStudy, kind_of, options_of
from qent_hw.seeds import fresh_seed

# Part of every key: raise it when the same cell comes to mean other numbers.
_REVISION = 1

_PARTS = {"key": str, "rows": list}

Cell = dict[str, Any]


def perform_study(
    study: VerdictStudy, folder: Path, workers: int, watch: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """The table of a study: what `folder` has of it already, and the rest done by so many processes (-1: all cores).

    watch: called with (cells done, cells in all).

    Raises
    ------
    InputError
        for a case that cannot be, or a folder that cannot be written.
    BackendError
        where a process was killed; what is done is kept.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    for case in study.cases:
        resolve(case)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out = {str(folder)!r}: cannot be written: {error.strerror or error}") from None
    cells = list(_cells(study))
    known = read_rows(folder / NAME, _PARTS)
    left = [cell for cell in cells if _key(cell) not in known]
    # the longest first, so that no core waits for the other at the end
    left.sort(key=lambda cell: -cell["shots"])
    tell = watch or (lambda _done, _all: None)
    tell(len(cells) - len(left), len(cells))
    parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
    try:
        for found in parallel(delayed(_perform)(cell) for cell in left):
            append_rows(folder / NAME, [found])
            known[found["key"]] = found
            tell(sum(_key(cell) in known for cell in cells), len(cells))
    except TerminatedWorkerError:
        raise BackendError(
            "a worker process was killed (out of memory?); what was finished is kept, and the same command goes on"
        ) from None
    rows = [
        {"case": cell["case"]["name"], "title": cell["title"], "shots": cell["shots"], **row}
        for cell in cells
        for row in known[_key(cell)]["rows"]
    ]
    return pd.DataFrame(rows)


def _cells(study: VerdictStudy) -> Iterator[Cell]:
    options = options_of(study, study.title).model_dump(mode="json")
    for number, case in enumerate(study.cases):
        for shots in study.shots:
            yield {
                "kind": study.kind,
                "case": case.model_dump(mode="json", exclude_none=True),
                "title": case.title or case.name,
                "shots": shots,
                "options": options,
                # by the number of the case, so that another's states are others
                "seed": [study.seed, number, shots],
            }


def _perform(cell: Cell) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    kind, case = kind_of(cell["kind"]), Case.model_validate(cell["case"])
    with threadpool_limits(1):
        rows = kind.perform(
            case,
            resolve(case),
            cell["shots"],
            kind.options.model_validate(cell["options"]),
            fresh_seed(*cell["seed"]),
        )
    return {"key": _key(cell), "rows": rows}


def _key(cell: Mapping[str, Any]) -> str:
    told = {"revision": _REVISION, **{name: value for name, value in cell.items() if name != "title"}}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]
