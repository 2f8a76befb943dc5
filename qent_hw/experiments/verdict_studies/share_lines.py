"""Shares of states against shots, as the figures of these studies draw them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from qent_hw.experiments.report.marks import Mark
from qent_hw.experiments.study.figures import line_with_band, shots_axis

if TYPE_CHECKING:
    import pandas as pd


def draw_shares(
    axis: Axes, rows: pd.DataFrame, share: str, by: str, looks: Mapping[str, Mark], dashed: Container[str] = ()
) -> None:
    """Column `share` in %, a line for each value of column `by`, in bands of one standard error, `share`_se.

    dashed: values of `by` whose lines are.
    """
    for name, line in rows.groupby(by, sort=False):
        line = line.sort_values("shots")
        x, y, error = (line[column].to_numpy(float) for column in ("shots", share, f"{share}_se"))
        line_with_band(axis, x, 100 * y, 100 * error, looks[str(name)], dashed=name in dashed)
    shots_axis(axis, sorted(rows["shots"].unique()))
    axis.set_xlabel("shots a state")
    axis.grid(True, color="#eeeeee", linewidth=0.6)
