"""Where the shots of an adaptive run went: how many states needed how many, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, TRUTH, WIDTH, finish, legend_above, new_figure
from qent_hw.physics import is_entangled, ppt_min_eigenvalue
from qent_hw.verdicts.adaptive import OPEN, Decided

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

LOOKS = {"entangled": "#0072b2", "separable": "#d55e00", OPEN: QUIET}
_LABELS = {"entangled": "called entangled", "separable": "called separable", OPEN: OPEN}
# states that share a number of shots, apart by so much of it at most
_JITTER = 0.13


def draw_adaptive(run: Run) -> Picture:
    """How many states each number of shots was enough for, and shots against the distance to the boundary."""
    decided, n = run.adaptive, len(run.plan.psi)
    assert decided is not None
    cap = run.comparison["adaptive"]["shots_cap"]
    figure = new_figure(WIDTH, 4.0)
    numbers, distance = figure.subplots(1, 2)
    _stacked(numbers, decided)
    lowest, truth = ppt_min_eigenvalue(run.plan.truth), is_entangled(run.plan.truth)
    wrong = ((decided.verdict == "entangled") & ~truth) | ((decided.verdict == "separable") & truth)
    _scattered(distance, decided, lowest, wrong)
    for axis in (numbers, distance):
        axis.grid(True, color="#eeeeee", linewidth=0.6)
    distance.axhline(cap, color=TRUTH, linewidth=0.8, linestyle=(0, (4, 2)))
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4.5, linewidth=0, label=_LABELS[name])
        for name, colour in LOOKS.items()
    ]
    handles.append(Line2D([], [], color=TRUTH, linewidth=0.8, linestyle=(0, (4, 2)), label="fixed plan"))
    if wrong.any():
        handles.append(Line2D([], [], color=TRUTH, marker="x", markersize=6, linewidth=0, label="wrong"))
    legend_above(figure, handles)
    return finish(
        figure,
        "Shots where they tell most",
        f"All {n:,} states. Left: after how many shots, all settings together, each was decided, or left open when "
        f"measuring ended (a fixed plan takes {cap:,}). Right: the same against the exact state's smallest eigenvalue "
        "of the partial transpose, below zero where it is entangled; the longest are near zero. Points of one round "
        "are spread upwards and downwards a little to be seen.",
        "Histogram of shots until a state was decided, and shots against the distance from the boundary",
    )


def _stacked(axis: Axes, decided: Decided) -> None:
    totals = [one.total for one in decided.rounds]
    places, below = np.arange(len(totals)), np.zeros(len(totals))
    for name, colour in LOOKS.items():
        shots = decided.shots[decided.verdict == name]
        heights = np.array([(shots == total).sum() for total in totals])
        axis.bar(places, heights, bottom=below, color=colour, width=0.8, linewidth=0)
        below += heights
    axis.set_xticks(places, [f"{total:,}" for total in totals], rotation=60, ha="right", rotation_mode="anchor")
    axis.set(xlabel="shots of a state", ylabel="states", title="shots until decided")


def _scattered(axis: Axes, decided: Decided, lowest: NDArray[np.float64], wrong: NDArray[np.bool_]) -> None:
    # any spread that is the same again will do
    spread = 1 + _JITTER * (2 * np.random.default_rng(0).random(len(lowest)) - 1)
    at = decided.shots * spread
    for name, colour in LOOKS.items():
        rows = decided.verdict == name
        axis.scatter(lowest[rows], at[rows], s=6, color=colour, alpha=0.6, linewidths=0, rasterized=True)
    axis.scatter(lowest[wrong], at[wrong], s=30, marker="x", color=TRUTH, linewidths=1.0, zorder=3)
    axis.axvline(0, color=TRUTH, linewidth=0.6)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel="smallest eigenvalue of the partial transpose", ylabel="shots of a state")
    axis.set_title("the longest are near the boundary")
    axis.minorticks_off()
