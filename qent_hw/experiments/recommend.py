"""Which method, by the tables of studies: what is right most often at a budget, and the cheapest of its equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qent_hw import bench
from qent_hw.circuits.injection import CHANNELS, INJECTIONS
from qent_hw.errors import InputError
from qent_hw.estimators.sources import NO_CHANNEL
from qent_hw.hardware.backends import fake_device, is_ibm, local_backends

if TYPE_CHECKING:
    import pandas as pd

TABLES = "tables"
IDEAL = "ideal"
# what counts as equal to the best: behind by so little that nobody would notice, or by less than two standard errors if
# these are small
_POINTS, _MOST_POINTS = 0.003, 0.005
_RMSE_RATIO = 1.05
_MOST_UNRESOLVED = 0.01
_WORDS = ("case", "family", "channel", "backend", "injection", "assumes", "estimator", "settings")
_NUMBERS = ("shots", "accuracy", "accuracy_se", "rmse", "rmse_se", "qpu_s", "cpu_ms")


@dataclass(frozen=True)
class Option:
    """An estimator at a budget: figures as its table has them, between two numbers of shots interpolated.

    accuracy and rmse have standard errors; qpu_s: seconds of the QPU for a state; cpu_ms: of one core for an estimate.
    """

    estimator: str
    settings: tuple[str, ...]
    accuracy: float
    accuracy_se: float
    rmse: float
    rmse_se: float
    qpu_s: float
    cpu_ms: float


@dataclass(frozen=True)
class Recommendation:
    """The option to take, all of them from the most accurate down, and in words what that rests on."""

    chosen: Option
    options: tuple[Option, ...]
    reasons: tuple[str, ...]
    table: str
    case: str


def recommend(
    family: str,
    backend: str,
    budget: int,
    injection: str | None = None,
    tables: Sequence[str | Path] = (),
    channel: str = "dephasing",
) -> Recommendation:
    """What the tables favour for states of `family` on `backend` at `budget` shots a state, all settings together.

    Parameters
    ----------
    backend
        ``aer`` and ``ideal`` are the same here.
    injection
        of the case; any if not said.
    tables
        of studies (table.csv or table.parquet, or the study's folder); the shipped ones if none are given.

    Raises
    ------
    InputError
        for a family that no table has, or a table that cannot be read.
    """
    choices: dict[str, tuple[str | None, tuple[str, ...]]] = {
        "injection": (injection, tuple(INJECTIONS)),
        "channel": (channel, (*CHANNELS, NO_CHANNEL)),
    }
    for name, (value, allowed) in choices.items():
        if value is not None and value not in allowed:
            raise InputError(f"{name} = {value!r}: use one of {', '.join(allowed)}")
    wanted = IDEAL if backend in ("aer", IDEAL) else backend
    # the names of fakes take a second to load
    if wanted != IDEAL and not is_ibm(backend) and backend not in local_backends():
        fake_device(backend)  # names the nearest
    if budget < 4:
        raise InputError(f"budget = {budget}: four settings need at least 4 shots")
    found = _frames(tables)
    for frame, _ in found:
        frame["family"] = [Path(str(name)).stem for name in frame["family"]]
    known = sorted({name for frame, _ in found for name in frame["family"]})
    if family not in known:
        raise InputError(
            f"family = {family!r}: no table has it; they have {', '.join(known) or 'nothing'}; run a study of it (see "
            "experiments/shot_noise.toml) and give its folder with --table"
        )
    reasons: list[str] = []
    cases = _cases(found, family, channel, wanted, injection)
    if not cases and wanted != IDEAL:
        reasons.append(
            f"no table has {family} on {backend}{f' by {injection}' if injection else ''}: these figures are without "
            "its errors, and real ones will be lower; train for it (the estimator device), or run a study there"
        )
        cases = _cases(found, family, channel, IDEAL, None)
    if not cases:
        raise InputError(f"backend = {backend!r}: no table has {family} there, nor on the ideal simulator")
    rows, table = cases[0]
    if injection is None and wanted != IDEAL and not reasons:
        reasons.append(f"measured for {rows['injection'].iloc[0]}; --injection asks for another")
    low, high = rows["shots"].min(), rows["shots"].max()
    if not low <= budget <= high:
        reasons.append(f"the table covers {low:,} to {high:,} shots: figures are those at the nearest of these")
    rows = rows[rows["shots"].isin(_around(rows["shots"].unique(), budget))]
    unresolved = rows.groupby("estimator")["unresolved"].max() if "unresolved" in rows else {}
    left_out = [str(name) for name, share in dict(unresolved).items() if share > _MOST_UNRESOLVED]
    if left_out:
        reasons.append(f"{', '.join(left_out)} left out: not resolved in this table")
    n_shots = rows["shots"].nunique()
    options = [
        _at(line, budget)
        for estimator, line in rows.groupby("estimator", sort=False)
        if estimator not in left_out and line["shots"].nunique() == n_shots
    ]
    options = [one for one in options if len(one.settings) <= budget]
    if not options:
        raise InputError(f"budget = {budget}: no estimator of the table serves so many shots")
    options.sort(key=lambda one: -one.accuracy)
    chosen = _choice(options)
    return Recommendation(chosen, tuple(options), (_why(chosen, options), *reasons), table, rows["case"].iloc[0])


def _frames(tables: Sequence[str | Path]) -> list[tuple[pd.DataFrame, str]]:
    import pandas as pd

    paths = [Path(one) / "table.parquet" if Path(one).is_dir() else Path(one) for one in tables]
    if not paths:
        paths = sorted((bench.folder("experiments") / TABLES).glob("*.csv"))
    found = []
    for path in paths:
        try:
            frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise InputError(f"table {str(path)!r}: cannot be read: {' '.join(str(error).split())}") from None
        if missing := [column for column in (*_WORDS, *_NUMBERS) if column not in frame]:
            if not tables:  # shipped tables of verdicts compare no estimators
                continue
            raise InputError(f"table {str(path)!r}: is no table of a study: it has no column {missing[0]!r}")
        for column in _NUMBERS:
            frame[column] = pd.to_numeric(frame[column], errors="coerce")
        frame = frame.dropna(subset=["shots", "accuracy", "rmse"])
        found.append((frame, path.stem if path.stem != "table" else path.parent.name))
    return found


def _cases(
    found: Sequence[tuple[pd.DataFrame, str]], family: str, channel: str, backend: str, injection: str | None
) -> list[tuple[pd.DataFrame, str]]:
    """The cases that fit, those with most numbers of shots first; shifted devices are no basis for advice."""
    fitting = []
    for frame, table in found:
        rows = frame[(frame["family"] == family) & (frame["backend"] == backend)]
        rows = rows[rows["channel"].isin([channel, NO_CHANNEL])]
        if backend != IDEAL:
            rows = rows[rows["assumes"] == "device"]
        if injection is not None and backend != IDEAL:
            rows = rows[rows["injection"] == injection]
        for shift in ("value", "drift", "misread"):
            if shift in rows:
                rows = rows[rows[shift].isna() | (rows[shift] == 0)]
        fitting += [(one, table) for _, one in rows.groupby("case", sort=False)]
    return sorted(fitting, key=lambda one: -one[0]["shots"].nunique())


def _around(shots: Sequence[int], budget: int) -> list[int]:
    """Of a table's numbers of shots those that the budget lies between, or the nearest."""
    low, high = [one for one in shots if one <= budget], [one for one in shots if one >= budget]
    return [*([max(low)] if low else []), *([min(high)] if high else [])]


def _at(line: pd.DataFrame, budget: int) -> Option:
    """The figures of one estimator at the budget, linear between its numbers of shots on a logarithmic scale."""
    line = line.sort_values("shots")
    shots = np.log(line["shots"].to_numpy(float))

    def at(column: str, logarithmic: bool = False) -> float:
        values = line[column].to_numpy(float)
        if logarithmic:
            return float(np.exp(np.interp(np.log(budget), shots, np.log(np.maximum(values, 1e-12)))))
        return float(np.interp(np.log(budget), shots, values))

    per_shot = float((line["qpu_s"] / line["shots"]).iloc[0])
    return Option(
        str(line["estimator"].iloc[0]),
        tuple(str(line["settings"].iloc[0]).split(",")),
        at("accuracy"),
        at("accuracy_se"),
        at("rmse", logarithmic=True),
        at("rmse_se"),
        per_shot * budget,
        at("cpu_ms"),
    )


def _choice(options: Sequence[Option]) -> Option:
    best = options[0]
    equal = [one for one in options if best.accuracy - one.accuracy <= _equal(best, one)]
    least = min(one.rmse for one in equal)
    return min((one for one in equal if one.rmse <= _RMSE_RATIO * least), key=lambda one: one.cpu_ms)


def _equal(best: Option, one: Option) -> float:
    return min(_MOST_POINTS, max(_POINTS, 2 * _difference_se(best, one)))


def _difference_se(one: Option, other: Option) -> float:
    # on the same states, so this is too much rather than too little
    return float(np.hypot(one.accuracy_se, other.accuracy_se))


def _why(chosen: Option, options: Sequence[Option]) -> str:
    def told(one: Option) -> str:
        return f"{one.estimator} {100 * one.accuracy:.2f} ± {100 * one.accuracy_se:.2f}%"

    best = options[0]
    others = [one for one in options if one is not chosen]
    if chosen is best:
        beside = f"; next is {told(others[0])}" if others else ""
        return f"it is right most often: {told(chosen)}{beside}"
    return (
        f"it is as right as the best within errors or {100 * _POINTS:g} points ({told(chosen)}; {told(best)}), its "
        f"concurrence within {100 * (_RMSE_RATIO - 1):.0f}% of the least error, and it is the quickest of such, "
        f"{chosen.cpu_ms:.2g} ms a state"
    )


def as_plain(found: Recommendation) -> dict[str, Any]:
    """For JSON."""
    return {
        "schema": 1,
        "estimator": found.chosen.estimator,
        "settings": list(found.chosen.settings),
        "reasons": list(found.reasons),
        "table": found.table,
        "case": found.case,
        "options": [{**vars(one), "settings": list(one.settings)} for one in found.options],
    }
