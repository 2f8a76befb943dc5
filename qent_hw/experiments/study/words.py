"""What the report of a study says in words and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qent_hw.circuits import load_family
from qent_hw.experiments.study.card import MIXED, Case, Study
from qent_hw.pages.table import Table

if TYPE_CHECKING:
    import pandas as pd

NETWORKS = ("bell8", "tomo15", "device")
"""The recommended ones."""


def case_title(case: Case) -> str:
    """What a case is called: its own title, or its family's where it is named after that."""
    if case.title or case.name != Path(case.family).stem:
        return case.title or case.name
    return "general mixed" if case.family == MIXED else load_family(case.family).title


def lead(study: Study, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """What was done and what came out: for each case the most accurate estimator at the fewest and the most shots."""
    shots = sorted(frame["shots"].unique())
    told = f"{shots[0]:,}" if len(shots) == 1 else f"{', '.join(f'{one:,}' for one in shots[:-1])} and {shots[-1]:,}"
    found = [("shots a state", f"{told}, shared out evenly over the settings that an estimator measures")]
    for case in study.cases:
        rows = frame[frame["case"] == case.name]
        if rows.empty:
            continue
        parts = []
        for number in dict.fromkeys((shots[0], shots[-1])):
            here = rows[rows["shots"] == number]
            if here.empty:
                continue
            best = here.loc[here["accuracy"].idxmax()]
            parts.append(f"at {number:,} shots {best['estimator']} is right most often, {percent(best, 'accuracy')}")
        found.append((case_title(case), "; ".join(parts)))
    return found


def merit_tables(study: Study, frame: pd.DataFrame) -> list[Table]:
    """For each case two tables, estimators by shots: accuracy, and RMSE of the concurrence; and one of the costs."""
    found = []
    for case in study.cases:
        rows = frame[frame["case"] == case.name]
        if rows.empty:
            continue
        title = case_title(case)
        found.append(_by_shots(rows, f"{title}: accuracy / %", lambda row: percent(row, "accuracy", unit=False)))
        found.append(_by_shots(rows, f"{title}: RMSE of the concurrence", lambda row: plain(row, "rmse")))
        if "behind_accuracy" in rows and rows["behind_accuracy"].notna().any():
            found.append(_by_shots(rows, f"{title}: points of accuracy behind {study.reference}", _behind))
            found.append(_by_shots(rows, f"{title}: RMSE in units of that of {study.reference}", _ratio))
    return [*found, _costs(frame)]


def remarks(study: Study, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """What a reader must know to read the figures rightly."""
    found = [
        (
            "Equal cost.",
            "Every estimator has the same total of shots for a state, however many settings it measures. All see the "
            "same states, and those that measure the same settings the same counts.",
        ),
        (
            "Errors.",
            "Accuracy, coverage and rates have binomial standard errors, RMSE and R² those of the linearised function. "
            "Differences from the reference are paired: batch by batch of the same states.",
        ),
        (
            "Model-based.",
            "Networks, bayes, likelihood and tuned thresholds are made for the family and the device that a case "
            "assumes: their verdicts hold where these do, and prove nothing elsewhere. A CHSH violation proves "
            "entanglement without a family; no violation proves nothing.",
        ),
    ]
    unresolved = frame[frame["unresolved"].fillna(0).astype(float) > 0.01]
    for row in unresolved.itertuples():
        found.append(
            (
                f"{row.estimator} is no reference here.",
                f"{row.case}, {row.shots:,} shots: the posterior of {100 * row.unresolved:.1f}% of the states was not "
                "resolved, so that these estimates are not the best possible.",
            )
        )
    return found


def claims(study: Study, frame: pd.DataFrame) -> list[str]:
    """Sentences that the table decides, where a study has shots for an axis and a reference: how far a network that
    measures the same settings is behind it, and whether networks or tuned tomography are ahead."""
    if study.axis is not None or study.reference is None:
        return []
    found = []
    for case in study.cases:
        rows = frame[frame["case"] == case.name]
        tuned = rows[rows["estimator"] == "tomography_mle_tuned"].set_index("shots").sort_index()
        for name in NETWORKS:
            network = rows[rows["estimator"] == name].set_index("shots").sort_index()
            told = _beside_tuned(network, name, tuned)
            if _settings(network) == _settings(rows[rows["estimator"] == study.reference]):
                told.insert(0, _beside_reference(network, name, study.reference))
            found += [f"{case_title(case)}: {sentence}" for sentence in told if sentence]
    return found


def _beside_reference(network: pd.DataFrame, name: str, reference: str) -> str:
    """Empty where the network was not compared, or the reference is none."""
    told = [
        f"{_behind(row)} and {_ratio(row)} at {number:,}"
        for number, row in network.iterrows()
        if not np.isnan(row.get("rmse_ratio", np.nan))
    ]
    if not told:
        return ""
    what = f"{name} behind {reference}, in points of accuracy, and its RMSE in units of {reference}'s"
    return f"{what}: {'; '.join(told)} shots."


def _settings(rows: pd.DataFrame) -> set[str]:
    return set(rows["settings"])


def _beside_tuned(network: pd.DataFrame, name: str, tuned: pd.DataFrame) -> list[str]:
    gains = [
        (number, *_gain(network.loc[number], tuned.loc[number])) for number in network.index.intersection(tuned.index)
    ]
    found = []
    for word, sign in (("ahead of", 1), ("behind", -1)):
        clear = [(number, gain, se) for number, gain, se in gains if sign * gain > 2 * se]
        told = [f"{100 * sign * gain:.2f} ± {100 * se:.2f} at {number:,}" for number, gain, se in clear]
        if told:
            found.append(f"{name} is {word} tuned tomography, in points of accuracy: {'; '.join(told)} shots.")
    return found


def _gain(ours: Any, theirs: Any) -> tuple[float, float]:
    return ours["accuracy"] - theirs["accuracy"], float(np.hypot(ours["accuracy_se"], theirs["accuracy_se"]))


def percent(row: Any, column: str, *, unit: bool = True) -> str:
    """A share with its standard error, in per cent."""
    value, error = row[column], row[f"{column}_se"]
    if value is None or np.isnan(value):
        return "–"
    return f"{100 * value:.2f} ± {100 * error:.2f}" + ("%" if unit else "")


def plain(row: Any, column: str) -> str:
    """A figure with its standard error, to two digits of the error."""
    value, error = row[column], row[f"{column}_se"]
    digits = 4 if not error > 0 else int(np.clip(1 - np.floor(np.log10(error)), 0, 6))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _behind(row: Any) -> str:
    value, error = row["behind_accuracy"], row.get("behind_accuracy_se")
    if value is None or np.isnan(value):
        return "–"
    told = f"{100 * value:+.2f}".replace("-", "−")
    return told if error is None or np.isnan(error) else f"{told} ± {100 * error:.2f}"


def _ratio(row: Any) -> str:
    value, error = row["rmse_ratio"], row.get("rmse_ratio_se")
    if value is None or np.isnan(value):
        return "–"
    return f"{value:.3f}" if error is None or np.isnan(error) else f"{value:.3f} ± {error:.3f}"


def _by_shots(rows: pd.DataFrame, caption: str, cell: Any) -> Table:
    shots = sorted(rows["shots"].unique())
    lines = []
    for name, line in rows.groupby("estimator", sort=False):
        at = {row["shots"]: row for _, row in line.iterrows()}
        lines.append((str(name), *(cell(at[number]) if number in at else "–" for number in shots)))
    return Table(caption, ("estimator", *(f"{number:,}" for number in shots)), tuple(lines))


def _costs(frame: pd.DataFrame) -> Table:
    lines = []
    for name, rows in frame.groupby("estimator", sort=False):
        settings = sorted({len(one.split(",")) for one in rows["settings"]})
        low, high = rows["cpu_ms"].min(), rows["cpu_ms"].max()
        spent = f"{low:.2g}" if np.isclose(low, high, rtol=0.2) else f"{low:.2g} to {high:.2g}"
        lines.append((str(name), ", ".join(map(str, settings)), spent, f"{1000 / high:,.0f}"))
    heads = ("estimator", "settings", "ms of one core a state", "states a second of one core, at least")
    return Table("What an estimate takes, beside measuring", heads, tuple(lines))
