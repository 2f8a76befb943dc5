"""Anyone's counts from a file: CSV, parquet or JSON with the columns of `counts.parquet`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.experiments.tables import OUTCOMES
from qent_hw.physics import Counts

_READERS = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".json": pd.read_json}


def read_counts(path: str | Path) -> tuple[Counts, NDArray[Any]]:
    """The counts in a file, and the name of each state in its column `state`.

    The file has one row per state and setting: `state`, `setting` (such as xa) and the outcomes `n_pp`, `n_pm`,
    `n_mp`, `n_mm` (p is +1, m is −1, first letter the first qubit); other columns are ignored. JSON is a list of
    such rows.

    Raises
    ------
    InputError
        for a file that cannot be read, a missing column, counts that are no whole numbers from 0 up, or a state that
        lacks a setting or has it twice; the message names the place.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"counts file {path}: ending {path.suffix!r} is not known; use {', '.join(_READERS)}")
    try:
        table = reader(path)
    except OSError as error:
        raise InputError(f"counts file {path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, AttributeError) as error:  # each format's parser has its own, all of them ValueErrors
        raise InputError(f"counts file {path}: not readable as {path.suffix[1:]}: {error}") from None
    missing = [column for column in ("state", "setting", *OUTCOMES) if column not in table.columns]
    if missing:
        raise InputError(
            f"counts file {path}: column {missing[0]!r} is missing; it needs state, setting, {', '.join(OUTCOMES)}"
        )
    if table.empty:
        raise InputError(f"counts file {path}: holds no rows")
    numbers = table[list(OUTCOMES)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers) | (numbers < 0) | (numbers != np.floor(numbers))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = table[OUTCOMES[column]].iloc[row]
        raise InputError(
            f"counts file {path}: row {row}, {OUTCOMES[column]} = {value}: must be a whole number from 0 up"
        )
    return _arrange(table[["state", "setting"]], numbers.astype(np.int64), path)


def _arrange(rows: pd.DataFrame, numbers: NDArray[np.int64], path: Path) -> tuple[Counts, NDArray[Any]]:
    states, settings = pd.unique(rows["state"]), tuple(pd.unique(rows["setting"].astype(str)))
    state_of = pd.Index(states).get_indexer(rows["state"])
    setting_of = pd.Index(settings).get_indexer(rows["setting"].astype(str))
    seen = np.zeros((len(states), len(settings)), dtype=np.int64)
    np.add.at(seen, (state_of, setting_of), 1)
    if (seen != 1).any():
        state, setting = np.argwhere(seen != 1)[0]
        times = seen[state, setting]
        raise InputError(
            f"counts file {path}: state {states[state]} has {times} rows for setting {settings[setting]}; "
            "each state needs each setting once"
        )
    values = np.zeros((len(states), len(settings), 4), dtype=np.int64)
    values[state_of, setting_of] = numbers
    return Counts(settings, values), np.asarray(states)
