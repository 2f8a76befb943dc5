"""A training written down between two epochs, so that one that was stopped goes on to the same result."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.files import write_whole

# Part of every fingerprint: a file that holds its arrays otherwise is one of another training.
_FORMAT = b"layers"


@dataclass(frozen=True)
class State:
    """A training after `epoch` epochs.

    Attributes
    ----------
    layers, slots
        the networks, and the optimizer's moments, as `compiled_epoch` takes them.
    step
        number of mini-batches so far.
    losses, validation
        (epoch, n_models) mean training and validation loss of each epoch; validation is empty without validation data.
    best
        for each model the layers of its epoch of lowest validation loss; empty without validation data.
    order
        state of the random generator that shuffles the rows.
    """

    epoch: int
    layers: list[NDArray[np.float32]]
    slots: list[NDArray[np.float32]]
    step: int
    losses: NDArray[np.float32]
    validation: NDArray[np.float32]
    best: list[NDArray[np.float32]]
    order: dict[str, Any]


def fingerprint(*parts: object) -> str:
    """A hash of everything that decides a training; arrays count with their bytes, the rest with its `repr`."""
    digest = hashlib.sha256(_FORMAT)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def write(path: Path, state: State, key: str) -> None:
    """Write the state of the training with that fingerprint; the file is whole at any moment."""
    arrays = {f"layer_{i}": a for i, a in enumerate(state.layers)}
    arrays |= {f"slot_{i}": a for i, a in enumerate(state.slots)}
    arrays |= {f"best_{i}": a for i, a in enumerate(state.best)}
    header = json.dumps({"key": key, "epoch": state.epoch, "step": state.step, "order": state.order})
    arrays |= {"losses": state.losses, "validation": state.validation}
    try:
        write_whole(path, lambda file: np.savez(file, allow_pickle=False, header=np.array(header), **arrays))
    except OSError as error:
        raise InputError(f"checkpoint {path}: cannot be written: {error.strerror or error}") from None


def read(path: Path, key: str) -> State | None:
    """The state in that file; None where there is no file.

    Raises
    ------
    InputError
        if the file is no checkpoint, or one of another training (data, recipe or seed differ).
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays["header"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"checkpoint {path}: not readable ({error}); remove it to start anew") from None
    if header["key"] != key:
        raise InputError(
            f"checkpoint {path}: of another training (its data, recipe or seed differ); remove it or name another"
        )
    return State(
        epoch=header["epoch"],
        layers=_numbered(arrays, "layer"),
        slots=_numbered(arrays, "slot"),
        step=header["step"],
        losses=arrays["losses"],
        validation=arrays["validation"],
        best=_numbered(arrays, "best"),
        order=header["order"],
    )


def _numbered(arrays: dict[str, NDArray[Any]], name: str) -> list[NDArray[np.float32]]:
    return [arrays[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in arrays))]
