"""The results of a study: a file to which a line is added for every task that is done, and never one taken away.

Lines are JSON, and name their task in "key". A line that was cut off by a crash is passed over; of lines with the same
key the first counts, so that files of several machines can simply be put together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from qent_hw.errors import InputError

NAME = "results.jsonl"

Row = dict[str, Any]

_PARTS: Mapping[str, type] = {
    "key": str,
    "task": dict,
    "tally": dict,
    "settings": list,
    "shot_s": float,
    "cost": dict,
}


def read_rows(path: Path, parts: Mapping[str, type] = _PARTS) -> dict[str, Row]:
    """The rows of a file by the keys of their tasks; none for a file that does not exist.

    parts: what every row has, "key" among it, and of which type.

    Raises
    ------
    InputError
        if it cannot be read, or holds no results.
    """
    found: dict[str, Row] = {}
    strange = False
    for line in _lines(path):
        row = _parsed(line, parts)
        if row is not None:
            found.setdefault(row["key"], row)
        # the end of a line is what a crash cuts off first
        elif line.endswith(b"\n"):
            strange = True
    if strange and not found:
        raise InputError(f"results {path}: no line of it is a result of a study")
    return found


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add rows to a file, each in one write that is on disk before the next; returns how many.

    Raises
    ------
    InputError
        if it cannot be written.
    """
    number = 0
    try:
        with open(path, "ab") as file:
            if file.tell() and not _ends_with_newline(path):
                file.write(b"\n")
            for row in rows:
                file.write(json.dumps(row, separators=(",", ":"), ensure_ascii=True).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                number += 1
    except OSError as error:
        raise InputError(f"out = {str(path.parent)!r}: cannot be written: {error.strerror or error}") from None
    return number


def merge(path: Path, other: str | Path) -> int:
    """Add to a file the rows of another, or of the folder of another study, that it has not; returns how many.

    Raises
    ------
    InputError
        if there are none to be read.
    """
    source = Path(other) / NAME if Path(other).is_dir() else Path(other)
    if not source.is_file():
        raise InputError(f"merge = {str(other)!r}: there is no file of results; give a study's folder or its {NAME}")
    have = read_rows(path)
    return append_rows(path, (row for key, row in read_rows(source).items() if key not in have))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            yield from (line for line in file if line.strip())
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"results {path}: cannot be read: {error.strerror or error}") from None


def _parsed(line: bytes, parts: Mapping[str, type]) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(row, dict) and all(isinstance(row.get(name), kind) for name, kind in parts.items())
    return row if whole else None


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
