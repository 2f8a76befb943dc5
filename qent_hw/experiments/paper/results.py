"""Results of tasks on disk: KEY.npz with the arrays, then KEY.json, whose presence says that the task is done."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.files import write_whole


@dataclass(frozen=True)
class Results:
    """A folder of results. Files appear complete or not at all, so that a killed run leaves nothing half done."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder and try to write in it; raises InputError where that cannot be done."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            where = str(self.folder.parent)
            raise InputError(f"out = {where!r}: cannot be written: {error.strerror or error}") from None

    def get(self, key: str) -> dict[str, Any] | None:
        """What the task with that key gave, without its arrays; None if it is not done."""
        try:
            return dict(json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def arrays(self, key: str) -> dict[str, NDArray[Any]]:
        """The arrays of a task that is done."""
        with np.load(self.folder / f"{key}.npz") as file:
            return dict(file)

    def put(self, key: str, summary: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep what a task gave."""
        named: dict[str, Any] = dict(arrays)
        write_whole(self.folder / f"{key}.npz", lambda file: np.savez_compressed(file, **named))
        text = json.dumps(summary, indent=1, ensure_ascii=False).encode()
        write_whole(self.folder / f"{key}.json", lambda file: file.write(text))
