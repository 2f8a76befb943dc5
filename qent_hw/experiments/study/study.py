"""Running a study: which tasks are wanted, which are done, the rest to an engine, until every row is sure enough."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from qent_hw.errors import InputError, Interrupted
from qent_hw.estimators.build import Progress
from qent_hw.experiments.specialise import NAME as DEVICE
from qent_hw.experiments.study.card import Study
from qent_hw.experiments.study.engines import Engine
from qent_hw.experiments.study.perform import check_cell
from qent_hw.experiments.study.progress import Clock
from qent_hw.experiments.study.table import NAME, Row, append_rows, merge, read_rows
from qent_hw.experiments.study.tally import added, merits
from qent_hw.experiments.study.tasks import Cell, Definition, batches, cells_of, files_of, key, needed
from qent_hw.experiments.study.trained import check_trainable, with_trained

Watch = Callable[[float, float, int, int], None]
"""Told (seconds of work done, seconds in all, tasks done, tasks in all)."""

_TELL_SECONDS = 0.3


@dataclass(frozen=True)
class Finished:
    """The rows of one cell, of the batches in their order."""

    cell: Cell
    rows: tuple[Row, ...]


def run_study(
    study: Study,
    folder: Path,
    engine: AbstractContextManager[Engine],
    watch: Watch | None = None,
    training: Progress | None = None,
) -> list[Finished]:
    """Do what is not yet done in the folder's results, and return all that was asked for.

    Raises
    ------
    InputError
        for what cannot be run (found out before anything is done), or a folder that cannot be written.
    BackendError
        if workers died; what was finished is kept.
    Interrupted
        on Ctrl-C; what was finished is kept.
    """
    cells = cells_of(study)
    check_trainable(cells)
    # what can be done with the fewest shots can be done with more
    _check(study, [cell for cell in cells if cell.chosen.name != DEVICE and cell.shots == min(study.shots)])
    with locked(folder):
        path = folder / NAME
        cells = with_trained(cells, training)
        files, done = files_of(cells), read_rows(path)
        clock = Clock(done.values())
        with engine as work:
            while wanted := _wanted(study, cells, done):
                _work_off(wanted, files, work, path, done, clock, watch)
    return [Finished(cell, _rows(study, cell, done)) for cell in cells]


def take_in(folder: Path, other: str | Path) -> int:
    """Add to the folder's results those of another study, see `table.merge`; returns how many were new."""
    with locked(folder):
        return merge(folder / NAME, other)


def locked(folder: Path) -> AbstractContextManager[object]:
    """A context, entered already, in which no other process writes into the folder.

    Raises
    ------
    InputError
        if one does, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / ".lock", timeout=0).acquire()
    except Timeout:
        raise InputError(
            f"out = {str(folder)!r}: another process is at work there; wait for it or name another"
        ) from None
    except OSError as error:
        raise InputError(f"out = {str(folder)!r}: cannot be written: {error.strerror or error}") from None


def _check(study: Study, cells: list[Cell]) -> None:
    files = files_of(cells)
    for cell in cells:
        definition = cell.definition(study, study.seeds[0], 0)
        try:
            check_cell(definition, needed(definition, files))
        except InputError as error:
            raise InputError(f"case {cell.case.name!r}, {cell.shots} shots, {cell.chosen.label}: {error}") from None
    if study.map is not None and not any("map" in cell.definition(study, 1, 0) for cell in cells):
        raise InputError(f"map = {study.map}: no case has both; a family has its parameters and p")


def _work_off(
    wanted: Mapping[str, Definition],
    files: dict[str, bytes],
    work: Engine,
    path: Path,
    done: dict[str, Row],
    clock: Clock,
    watch: Watch | None,
) -> None:
    left = dict(wanted)
    spent = told = 0.0

    def tell() -> None:
        nonlocal told
        if watch is not None and (not left or time.monotonic() - told > _TELL_SECONDS):
            told = time.monotonic()
            remaining = sum(map(clock.seconds, left.values()))
            watch(spent, spent + remaining, len(done), len(done) + len(left))

    tell()
    try:
        for row in work([(one, needed(one, files)) for one in wanted.values()]):
            append_rows(path, [row])
            done[row["key"]] = row
            clock.saw(row)
            spent += row["cost"]["wall_s"]
            left.pop(row["key"], None)
            tell()
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {len(done)} tasks, {len(left)} to do; the same command goes on") from None


def _wanted(study: Study, cells: list[Cell], done: Mapping[str, Row]) -> dict[str, Definition]:
    """Tasks to be done next, by key; a cell's batches one after the other, so that its estimator is made once."""
    return {
        name: definition
        for cell in cells
        for name, definition in itertools.islice(_tasks(study, cell), _batches_wanted(study, cell, done))
        if name not in done
    }


def _tasks(study: Study, cell: Cell) -> Iterator[tuple[str, Definition]]:
    """All batches of a cell in their order, with their keys."""
    for seed, batch in batches(study):
        definition = cell.definition(study, seed, batch)
        yield key(definition), definition


def _batches_wanted(study: Study, cell: Cell, done: Mapping[str, Row]) -> int:
    """How many batches a cell needs, as far as can be told by now."""
    stop = study.stop
    most = _most(study, cell)
    if stop.standard_error is None:
        return most
    rows = _rows(study, cell, done)
    have, least = len(rows), min(most, len(study.seeds))
    if have < least:
        return least
    error = merits(added(row["tally"] for row in rows))["accuracy_se"]
    # an early guess of the error may be far off: at most double
    return min(most, 2 * have, max(have, math.ceil(have * (error / stop.standard_error) ** 2)))


def _most(study: Study, cell: Cell) -> int:
    return math.ceil(study.stop.states_of(cell.chosen.label) / study.stop.batch)


def _rows(study: Study, cell: Cell, done: Mapping[str, Row]) -> tuple[Row, ...]:
    """The rows of a cell's batches that are done, from the first on without a gap."""
    keys = (name for name, _ in itertools.islice(_tasks(study, cell), _most(study, cell)))
    return tuple(done[one] for one in itertools.takewhile(done.__contains__, keys))
