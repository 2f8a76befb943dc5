"""What a study of certificates shows, in sentences with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from qent_hw.experiments.comparison import share_error

if TYPE_CHECKING:
    import pandas as pd

_OURS = ("certificate", "certificate, family")


def claims(frame: pd.DataFrame) -> list[str]:
    """What came out."""
    return [*_false(frame), *_power(frame), *_beside_witness(frame), *_reach(frame), *_foretold(frame)]


def _false(frame: pd.DataFrame) -> list[str]:
    rows = frame[frame["part"] == "separable"]
    told = []
    for method, ours in rows.groupby("method", sort=False):
        n, k = int(ours["n"].sum()), int(ours["certified"].sum())
        border = ours[ours["states"] == "on the border"]
        worst = border.loc[border["share"].idxmax()]
        where = f", {worst['title']} at {worst['shots']:,} shots" if worst["certified"] else ""
        told.append(
            f"{method} {k:,} ({100 * k / n:.4f}%, at most {100 * _most(k, n):.4f}%; in the worst row on the border "
            f"{int(worst['certified'])} of {int(worst['n']):,}{where})"
        )
    one = rows[rows["method"] == _OURS[0]]
    n, n_border = int(one["n"].sum()), int(one[one["states"] == "on the border"]["n"].sum())
    return [
        f"Of {n:,} separable states, {n_border:,} of them exactly on the border of the entangled ones, were falsely "
        f"certified, with Clopper and Pearson's upper end of 95%: {'; '.join(told)}."
    ]


def _power(frame: pd.DataFrame) -> list[str]:
    rows = frame[frame["part"] == "entangled"]
    found = []
    every = sorted(rows["shots"].unique())
    at = list(dict.fromkeys((every[0], every[len(every) // 2], every[-1])))
    shots = ", ".join(f"{one:,}" for one in at)
    for title, case in rows.groupby("title", sort=False):
        told = []
        for method, line in case.groupby("method", sort=False):
            line = line[line["shots"].isin(at)].sort_values("shots")
            shares = ", ".join(f"{100 * row.share:.1f} ± {100 * row.share_se:.1f}" for row in line.itertuples())
            told.append(f"{method} {shares}")
        n = int(case["n"].max())
        found.append(f"{title}, {n:,} entangled states, per cent certified at {shots} shots: {'; '.join(told)}.")
    return found


def _beside_witness(frame: pd.DataFrame) -> list[str]:
    """The certificate without a family against the witness, all cases together."""
    rows = frame[frame["part"] == "entangled"].groupby(["method", "shots"])[["n", "certified"]].sum()
    told = []
    for shots in sorted(frame["shots"].unique()):
        ours, theirs = (rows.loc[(method, shots)] for method in ("certificate", "fidelity witness"))
        pairs = [(int(one["certified"]), int(one["n"])) for one in (ours, theirs)]
        shares = [f"{100 * k / n:.1f} ± {100 * share_error(k, n):.1f}" for k, n in pairs]
        told.append(f"{' against '.join(shares)} at {shots:,}")
    return [
        "All cases together, per cent of the entangled states that the certificate without a family finds, against the "
        f"fidelity witness, which knows the state that was prepared: {'; '.join(told)} shots."
    ]


def _reach(frame: pd.DataFrame) -> list[str]:
    rows = frame[frame["part"] == "reach"]
    found = []
    for title, case in rows.groupby("title", sort=False):
        told = []
        for method, line in case.groupby("method", sort=False):
            n, k = int(line["n"].sum()), int(line["certified"].sum())
            told.append(f"{method} {_percent(k, n)}")
        n = int(case[case["method"] == case["method"].iloc[0]]["n"].sum())
        found.append(f"{title}, what settings can certify at all, of {n:,} entangled states: {'; '.join(told)}.")
    if found:
        found.append(
            "What is missing there is imitated by a separable state, or would need more than 10¹⁰ shots; on a device, "
            "some states that would be entangled are none any more after its gates' errors."
        )
    return found


def _foretold(frame: pd.DataFrame) -> list[str]:
    """How well the rate foretells the power, for cases that measure all nine settings."""
    rates = frame[(frame["part"] == "reach") & (frame["method"] == "nine")].set_index(["case", "shots"])
    power = frame[(frame["part"] == "entangled") & (frame["method"] == "certificate, family")]
    power = power[power["settings"] == 9].set_index(["case", "shots"])
    both = rates.index.intersection(power.index)
    if not len(both):
        return []
    gap = rates.loc[both, "share_by_now"] - power.loc[both, "share"]
    return [
        "The share that the rates foretell for a number of shots, before any is taken, differs from the share that the "
        f"certificate with the family reaches by {100 * gap.mean():+.1f} points on the mean of {len(both)} rows, by "
        f"{100 * np.abs(gap).max():.1f} at most (standard error of a difference about "
        f"{100 * float(np.hypot(power.loc[both, 'share_se'], 0.02).mean()):.1f})."
    ]


def _percent(k: int, n: int) -> str:
    digits = 3 if k < 0.01 * n else 1
    return f"{100 * k / n:.{digits}f} ± {100 * share_error(k, n):.{digits}f}%"


def _most(k: int, n: int) -> float:
    """Clopper and Pearson's upper end, two-sided 95%."""
    return float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
