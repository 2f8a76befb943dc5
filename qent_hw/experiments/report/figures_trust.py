"""Did intervals hold the truth in this run, wherever that lies; and how are verdicts shared out?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from qent_hw.experiments.report.figures import estimates_by_name
from qent_hw.experiments.report.marks import mark_handle, marks
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, legend_above, new_figure
from qent_hw.verdicts.quality import coverage_by_concurrence

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

_KINDS = (("entangled", "#7a9e3d"), ("undecided", "#d8d8d8"), ("withheld", "#d9822b"), ("separable", "#5b7fa6"))
_BARS = 20


def draw_trust(run: Run) -> Picture:
    """Coverage of the 90% intervals by concurrence, and the verdicts of the first estimator that has a calibration."""
    estimates = estimates_by_name(run)
    looks = marks(estimates)
    figure = new_figure(WIDTH, 3.8)
    coverage, shares = figure.subplots(1, 2)
    coverage.axhline(90, color=QUIET, linewidth=0.8)
    for name, rows in estimates.items():
        true = rows["true_concurrence"].to_numpy()
        inside = (rows["concurrence_low"].to_numpy() <= true) & (true <= rows["concurrence_high"].to_numpy())
        at, share, n = np.array(coverage_by_concurrence(inside, true)).T
        smoothed = (n * share + 1) / (n + 2)
        error = 100 * np.sqrt(smoothed * (1 - smoothed) / n)
        coverage.errorbar(
            at, 100 * share, error, color=looks[name].colour, marker=looks[name].marker, markersize=4, linewidth=1.0
        )
    coverage.set(xlabel="true concurrence", ylabel="inside the 90% interval / %", ylim=(None, 102))
    coverage.set_title("do intervals hold the truth?")
    name, rows = list(estimates.items())[-1]
    lowest = rows["true_concurrence"].to_numpy()
    signed = np.where(rows["true_entangled"], lowest, -0.0)
    edges = np.quantile(signed[signed > 0], np.linspace(0, 1, _BARS + 1)) if (signed > 0).any() else np.array([0.0])
    groups = [signed <= 0] + [(signed > low) & (signed <= high) for low, high in pairwise(edges)]
    verdict = rows["verdict"].to_numpy()
    groups = [group for group in groups if group.any()]
    bottom = np.zeros(len(groups))
    for kind, colour in _KINDS:
        part = np.array([100 * (verdict[group] == kind).mean() for group in groups])
        shares.bar(np.arange(len(groups)), part, 0.9, bottom=bottom, color=colour, label=kind)
        bottom += part
    ticks = [0, *range(5, len(groups), 5)]
    shares.set_xticks(ticks, ["separable" if k == 0 else f"{signed[groups[k]].mean():.2f}" for k in ticks])
    shares.set(xlabel="true concurrence, in groups of as many states", ylabel="states / %", ylim=(0, 100))
    shares.set_title(f"verdicts of {name}")
    shares.legend(loc="lower right", ncols=2, fontsize=8, frameon=True, framealpha=0.9)
    legend_above(figure, [mark_handle(looks[one], one) for one in estimates])
    return finish(
        figure,
        "Intervals and verdicts",
        "Left: separable states at 0, and the entangled ones in ten groups by their concurrence; bars: one standard "
        "error. Right: what was said of states, by what they are.",
        "Coverage of the intervals by true concurrence, and shares of verdicts",
    )
