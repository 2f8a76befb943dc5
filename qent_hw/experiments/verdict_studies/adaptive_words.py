"""What the study of adaptive shots shows, in sentences with its numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.verdict_studies.adaptive_rows import CHOSEN, EVEN, FIXED, LOOSER, MATCHED, OFTEN

_PARTS = ((1, 4), (5, 8), (9, 10_000))


def sentences(frame: pd.DataFrame) -> list[str]:
    """One for each thing that was asked."""
    found = []
    for rate in sorted(frame["error rate"].unique()):
        rows = frame[frame["error rate"] == rate]
        for title, of_case in rows.groupby("title", sort=False):
            found.append(_saved(str(title), float(rate), of_case))
        found.append(_kept(rows, float(rate)))
    found.append(_by_look(frame))
    found.append(_settings(frame))
    often = _often(frame)
    return [*found, often] if often else found


def _saved(title: str, rate: float, rows: pd.DataFrame) -> str:
    parts = []
    for shots in sorted(rows["shots"].unique()):
        one, fixed, matched = (
            rows[(rows["shots"] == shots) & (rows["way"] == way)].iloc[0] for way in (CHOSEN, FIXED, MATCHED)
        )
        easy = _percent(one["shots_easy_half"] / shots, one["shots_easy_half_se"] / shots)
        open_, left = (_percent(row["undecided"], row["undecided_se"]) for row in (one, fixed))
        text = (
            f"at a cap of {shots:,} shots it takes {_percent(one['share'], one['share_se'])} of them on the mean, "
            f"for the easier half of the states {easy}, and leaves {open_} undecided, where the fixed plan, with all "
            f"of them, leaves {left}"
        )
        text += _as_good(one, matched, "deciding as many by a fixed plan at the same thresholds", shots)
        looser = rows[(rows["shots"] == shots) & (rows["way"] == LOOSER)]
        if len(looser):
            words = "at thresholds so loose that it is wrong as often, by the posterior,"
            text += _as_good(one, looser.iloc[0], f"deciding as many {words}", None)
        parts.append(text)
    n = int(rows[rows["way"] == CHOSEN]["states"].iloc[0])
    return f"{title}, error rate {rate:g}, {n:,} states: {'. '.join(one[0].upper() + one[1:] for one in parts)}."


def _as_good(one: pd.Series, other: pd.Series, words: str, least: float | None) -> str:
    """How many times the adaptive shots the other plan takes; nothing where that is `least`, the fewest tried."""
    if pd.isna(other["shots_mean"]):
        tried = "the cap" if least is None else "16 times the cap"
        return f"; {words} takes more than {tried}"
    if least is not None and other["shots_mean"] <= least:
        return ""
    ratio = other["shots_mean"] / one["shots_mean"]
    error = ratio * float(np.hypot(*(row["shots_mean_se"] / row["shots_mean"] for row in (one, other))))
    return f"; {words} takes {ratio:.1f} ± {error:.1f} times the shots"


def _kept(rows: pd.DataFrame, rate: float) -> str:
    """All cases and caps together, which are of states of their own."""
    parts = []
    for way in (CHOSEN, FIXED):
        told = [json.loads(one) for one in rows[rows["way"] == way]["_counts"]]
        sides = []
        for kind in ("entangled", "separable"):
            called, wrong, doubt = (sum(one[kind][place] for one in told) for place in range(3))
            sides.append(
                f"{wrong} of {called:,} called {kind} ({_percent(wrong / called, share_error(wrong, called))}; the "
                f"posterior expected {doubt:.0f})"
                if called
                else f"none called {kind}"
            )
        parts.append(f"{'adaptive' if way == CHOSEN else 'the fixed plan, asked once'}: {' and '.join(sides)}")
    return f"Wrong verdicts at an error rate of {rate:g}, all cases and caps together, {'; '.join(parts)}."


def _by_look(frame: pd.DataFrame) -> str:
    """Whether verdicts after many looks are wrong more often."""
    adaptive = frame[frame["way"].isin([CHOSEN, EVEN, OFTEN])]
    looks = [
        (rate, *one)
        for rate, told in zip(adaptive["error rate"], adaptive["_looks"], strict=True)
        for one in json.loads(told)
    ]
    parts = []
    for low, high in _PARTS:
        here = [one for one in looks if low <= one[1] <= high]
        called, wrong, doubt = (sum(one[place] for one in here) for place in (2, 3, 4))
        if called:
            name = f"{low} to {high}" if high < 10_000 else f"{low} or more"
            parts.append(
                f"after {name}, {_percent(wrong / called, share_error(wrong, called))} of {called:,} "
                f"({doubt / called:.2%} by the posterior)"
            )
    return f"By the number of looks at a state, all adaptive ways together, wrong are {'; '.join(parts)}."


def _settings(frame: pd.DataFrame) -> str:
    """What choosing the setting is worth."""
    merged = _beside(frame, CHOSEN, EVEN)
    ratio = merged["shots_mean_one"] / merged["shots_mean_other"]
    low, high = ratio.idxmin(), ratio.idxmax()
    return (
        f"Choosing the setting instead of measuring all evenly: {ratio.min():.2f} ({_cell(merged.loc[low])}) to "
        f"{ratio.max():.2f} ({_cell(merged.loc[high])}) of the mean shots, each mean known to "
        f"{(merged['shots_mean_se_other'] / merged['shots_mean_other']).max():.0%} or better, and "
        f"{100 * (merged['undecided_other'] - merged['undecided_one']).mean():.1f} points fewer undecided on average."
    )


def _often(frame: pd.DataFrame) -> str | None:
    merged = _beside(frame, CHOSEN, OFTEN)
    if merged.empty:
        return None
    shots = merged["shots_mean_other"].sum() / merged["shots_mean_one"].sum()
    looks = merged["looks_other"].mean() / merged["looks_one"].mean()
    parts = []
    for kind in ("entangled", "separable"):
        more, fewer = (merged[f"wrong_of_{kind}_{which}"].mean() for which in ("other", "one"))
        error = (merged[f"wrong_of_{kind}_se_other"] ** 2).sum() ** 0.5 / len(merged)
        parts.append(f"{_percent(more, error)} of those called {kind} wrong instead of {100 * fewer:.2f}%")
    return (
        f"With {looks:.1f} times as many looks: {shots:.2f} of the mean shots, {' and '.join(parts)} (means of "
        f"{len(merged)} rows of the ideal case)."
    )


def _beside(frame: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    keys = ["title", "shots", "error rate"]
    left, right = (frame[frame["way"] == way] for way in (one, other))
    return left.merge(right, on=keys, suffixes=("_one", "_other"))


def _cell(row: pd.Series) -> str:
    return f"{row['title']}, {int(row['shots']):,} shots, error rate {row['error rate']:g}"


def _percent(value: float, error: float) -> str:
    digits = 1 if 100 * error >= 0.05 else 2
    return f"{100 * value:.{digits}f} ± {100 * error:.{digits}f}%"
