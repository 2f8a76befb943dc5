"""The folder of a run on a remote backend: with it alone, on any machine, the run can be sent and collected.

``runcard.toml``, ``provenance.json`` as of a local run; ``circuits.qpy`` (the template on the pair alone, and on the
backend's own qubits), ``device.json`` (what the backend published of the pair), ``plan.npz`` and ``plan.json`` (states,
how jobs are cut), ``rounds/N.npz`` (the shots that round N asks for; a run that is not adaptive has one round),
``ledger.sqlite``, and the raw results in ``raw/``. It is there completely before the first job is sent, and each round
before a job of it is.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, astuple
from pathlib import Path
from typing import IO, Annotated, Any, Literal, TypeVar

import filelock
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from qiskit import QuantumCircuit, qpy
from qiskit.exceptions import QiskitError

from qent_hw.circuits import load_family
from qent_hw.errors import BackendError, InputError
from qent_hw.experiments.measuring import Asked
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.remote.device_file import device_document, device_of_document
from qent_hw.experiments.remote.submission import Forecast, Submission
from qent_hw.experiments.run_folder import RunFolder, write_description
from qent_hw.experiments.runcard import load_runcard
from qent_hw.files import write_whole
from qent_hw.hardware import ledger as ledgers
from qent_hw.hardware.dispatch import raw_path
from qent_hw.hardware.jobs import Piece
from qent_hw.hardware.ledger import Ledger
from qent_hw.validation import first_problem

T = TypeVar("T")

RAW, ROUNDS = "raw", "rounds"
PARTIAL = ".finished."
"""How the folder begins in which the files of a finished run are written before they are put in their places."""
_LOCK = ".lock"
_LOCK_SECONDS = 30.0
_PLAN_ARRAYS = ("psi", "p", "delay_dt", "tau_s", "p1", "p2", "truth")
UNREADABLE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, struct.error)
"""Of a file that is missing, cut off, or something else."""
# what stays free beside the results: the report and its tables
_SPARE_BYTES = 20_000_000


def is_remote(folder: Path) -> bool:
    """Whether that is the folder of a run on a remote backend."""
    return (folder / ledgers.FILE).is_file()


def create(path: Path, submission: Submission, run: str) -> None:
    """Write the folder of a run, all of it or nothing; its jobs are planned and none is sent.

    Raises
    ------
    InputError
        if the folder exists and is not empty, cannot be written, or the disk has no room for the results.
    """
    with RunFolder(path) as place:
        place.fill(lambda partial: _write(partial, submission, run))
    check_space(path, submission)


def check_space(path: Path, submission: Submission) -> None:
    """Raise `InputError` unless the disk can hold what is still to come, before anything is sent for it."""
    needed = _SPARE_BYTES + sum(
        (piece.stop - piece.start) * submission.pubs[piece.pub].shots
        for number, job in enumerate(submission.jobs)
        if not raw_path(path / RAW, number).is_file()
        for piece in job
    )
    free = shutil.disk_usage(path).free
    if free < needed:
        raise InputError(
            f"out = {str(path)!r}: {free / 1e6:.0f} MB are free there, and the results may need {needed / 1e6:.0f} MB"
        )


def open_ledger(path: Path) -> Ledger:
    """The ledger of the run in that folder; raises `InputError` where there is none."""
    if not path.is_dir():
        raise InputError(f"run {str(path)!r}: there is no such folder")
    return Ledger(path / ledgers.FILE)


def lock(path: Path, seconds: float = _LOCK_SECONDS) -> filelock.BaseFileLock:
    """A lock of the run for one process at a time, as a context; it ends with the process, however that ends.

    Raises
    ------
    BackendError
        on entering it, if another process keeps it.
    InputError
        if the folder is none of a remote run, or cannot be written.
    """
    with open_ledger(path):
        return _Lock(str(path / _LOCK), timeout=seconds)


def clear(path: Path) -> None:
    """Remove what a process that was killed has left half written in the folder. Needs the run's lock."""
    for left in path.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in (*(path / RAW).glob(".*"), *(path / ROUNDS).glob(".*")):
        with contextlib.suppress(OSError):
            left.unlink()


class _Lock(filelock.FileLock):
    def acquire(self, *arguments: Any, **options: Any) -> Any:
        where = Path(self.lock_file).parent
        try:
            return super().acquire(*arguments, **options)
        except filelock.Timeout:
            raise BackendError(f"run {str(where)!r}: another process is at work on it; try again later") from None
        except OSError as error:
            raise InputError(f"run {str(where)!r}: cannot be written: {error.strerror or error}") from None


class _PlanFile(BaseModel):
    """What `plan.json` holds."""

    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[Literal[2], Field(alias="schema")]
    parameters: list[str]
    at_least: int
    rep_delay_s: float | None
    fractional: bool
    forecast: Forecast | None


def load(path: Path) -> Submission:
    """The submission in that folder.

    Raises
    ------
    InputError
        if a file is missing or cannot be read.
    """
    if not (path / "device.json").is_file():
        raise InputError(
            f"run {str(path)!r}: has no device.json, which every planned run has; if an older qent-hw has planned it, "
            "collect it with that"
        )
    runcard = load_runcard(path / "runcard.toml")
    plain = _read(path / "plan.json", _plain)
    arrays = _read(path / "plan.npz", _arrays)
    circuit, template = _read(path / "circuits.qpy", _two_circuits)
    parameters = _read(path / "plan.npz", lambda _: {name: arrays[f"parameter_{name}"] for name in plain.parameters})
    planned: dict[str, Any] = {name: arrays.get(name) for name in _PLAN_ARRAYS}
    lengths = {len(one) for one in (*parameters.values(), *planned.values()) if one is not None}
    if len(lengths) != 1 or any(planned[name] is None for name in ("psi", "truth")):
        raise InputError(f"{path / 'plan.npz'}: cannot be read: its arrays are not of the same states")
    submission = Submission(
        runcard=runcard,
        plan=Plan(load_family(runcard.family), parameters, **planned),
        device=_read(path / "device.json", lambda file: device_of_document(json.load(file))),
        circuit=circuit,
        template=template,
        rep_delay_s=plain.rep_delay_s,
        provenance=_read(path / "provenance.json", json.load),
        fractional=plain.fractional,
        forecast=plain.forecast,
        at_least=plain.at_least,
    )
    for number in itertools.count(1):
        kept = path / _round(number)
        if not kept.is_file():
            return submission
        submission = _read(kept, functools.partial(_with_round, submission))
    raise AssertionError


def check_rounds(path: Path, submission: Submission, ledger: Ledger) -> None:
    """Raise `InputError` if the ledger has jobs that no round has."""
    if len(ledger.jobs()) > len(submission.jobs):
        missing = path / _round(len(submission.rounds) + 1)
        raise InputError(f"{missing}: is missing, and its jobs are in the ledger; restore it from a copy of the folder")


def enter_jobs(path: Path, submission: Submission, ledger: Ledger) -> None:
    """Enter the jobs of rounds that are planned and not in the ledger yet: a process may have been killed in between.

    Raises
    ------
    InputError
        as `check_rounds` does.
    """
    check_rounds(path, submission, ledger)
    ledger.extend(len(submission.jobs))


def _read(path: Path, reader: Callable[[IO[bytes]], T]) -> T:
    try:
        with open(path, "rb") as file:
            return reader(file)
    except (*UNREADABLE, QiskitError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read: {said}; restore it from a copy of the folder") from None


def _plain(file: IO[bytes]) -> _PlanFile:
    try:
        return _PlanFile.model_validate_json(file.read())
    except ValidationError as error:
        raise ValueError(first_problem(error, _PlanFile)) from None


def _arrays(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def _two_circuits(file: IO[bytes]) -> tuple[QuantumCircuit, QuantumCircuit]:
    circuit, template = qpy.load(file)
    return circuit, template


def _with_round(submission: Submission, file: IO[bytes]) -> Submission:
    arrays = _arrays(file)
    asked = Asked(arrays["states"], arrays["shots"])
    n, n_settings = len(submission.plan.psi), len(submission.runcard.settings)
    if asked.shots.shape != (len(asked.states), n_settings) or not (asked.states < n).all():
        raise ValueError(f"it asks for {asked.shots.shape} of {len(asked.states)} states")
    pieces = arrays["pieces"]
    cut = [[Piece(*map(int, one[1:])) for one in pieces[pieces[:, 0] == job]] for job in range(pieces[:, 0].max() + 1)]
    longer = submission.asking(asked, cut)
    there = [0] * (len(longer.pubs) - len(submission.pubs))
    for piece in itertools.chain.from_iterable(cut):
        there[piece.pub] += piece.stop - piece.start
    if there != [pub.n_rows for pub in longer.pubs[len(submission.pubs) :]]:
        raise ValueError("its jobs do not measure what it asks for")
    return longer


def add_round(path: Path, submission: Submission) -> None:
    """Keep the last round of `submission`: it is in the folder then, and its jobs are in no ledger yet.

    Raises
    ------
    InputError
        if the folder cannot be written.
    """
    asked, number = submission.rounds[-1], len(submission.rounds)
    pieces = [(job, *astuple(piece)) for job, cut in enumerate(submission.last_cut) for piece in cut]
    keep_arrays(path, _round(number), {"states": asked.states, "shots": asked.shots, "pieces": np.array(pieces)})


def keep_arrays(path: Path, name: Path, arrays: dict[str, Any]) -> None:
    """Write arrays by their names into the file `name` of the folder; raises `InputError` if it cannot be written."""
    try:
        write_whole(path / name, lambda file: np.savez_compressed(file, **arrays))
    except OSError as error:
        raise InputError(f"run {str(path)!r}: cannot be written: {error.strerror or error}; collect again") from None


def _round(number: int) -> Path:
    return Path(ROUNDS) / f"{number}.npz"


def load_bits(path: Path, submission: Submission) -> list[list[NDArray[np.uint8]]]:
    """The kept bit patterns of each job's PUBs; raises `InputError` if a file of them is damaged."""
    found = []
    for number, pieces in enumerate(submission.jobs):
        kept = raw_path(path / RAW, number)
        try:
            with np.load(kept, allow_pickle=False) as file:
                arrays = [file[f"pub_{index}"] for index in range(len(pieces))]
            for piece, array in zip(pieces, arrays, strict=True):
                shape = (piece.stop - piece.start, submission.pubs[piece.pub].shots)
                if array.shape != shape:
                    raise ValueError(f"it holds {array.shape} instead of {shape} rows and shots")
        except UNREADABLE as error:
            raise InputError(f"raw result {kept}: cannot be read: {error}; remove it and collect again") from None
        found.append(arrays)
    return found


def _write(folder: Path, submission: Submission, run: str) -> None:
    plan = submission.plan
    write_description(folder, submission.runcard, submission.provenance)
    plain = {
        "schema": 2,
        "parameters": list(plan.parameters),
        "at_least": submission.at_least,
        "rep_delay_s": submission.rep_delay_s,
        "fractional": submission.fractional,
        "forecast": None if submission.forecast is None else asdict(submission.forecast),
    }
    for name, content in (("plan", plain), ("device", device_document(submission.device))):
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    arrays: dict[str, Any] = {f"parameter_{name}": values for name, values in plan.parameters.items()}
    arrays |= {name: getattr(plan, name) for name in _PLAN_ARRAYS if getattr(plan, name) is not None}
    np.savez_compressed(folder / "plan.npz", **arrays)
    with open(folder / "circuits.qpy", "wb") as file:
        qpy.dump([submission.circuit, submission.template], file)
    (folder / RAW).mkdir()
    (folder / ROUNDS).mkdir()
    add_round(folder, submission)
    backend = submission.runcard.backend.name
    with Ledger.create(folder / ledgers.FILE, run, len(submission.jobs), {"backend": backend}):
        pass
