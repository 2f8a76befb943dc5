"""All states together: predicted against true, how often and where verdicts are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from qent_hw.experiments.report.figures import estimates_by_name
from qent_hw.experiments.report.marks import Mark, mark_handle, marks
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, TRUTH, WIDTH, finish, grid_of_axes, legend_above, new_figure
from qent_hw.physics import ppt_min_eigenvalue

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.experiments.run import Run

_COLUMNS = 3
_BARS_UP_TO = 300
_DOTS_UP_TO = 5000
_STRENGTH_BINS = 20
_STATES_PER_BIN = 50
_PROBABILITY_BINS = 10
_FEWEST_IN_BIN = 5
# between the points of two estimators at the same strength
_DODGE = 0.006


def draw_scatter(run: Run) -> Picture:
    """Predicted against exact concurrence, one panel per estimator."""
    estimates = estimates_by_name(run)
    looks, n = marks(estimates), len(run.plan.psi)
    figure, axes = _panels(len(estimates), 3.9)
    top = max(float(rows[["concurrence", "true_concurrence"]].max().max()) for rows in estimates.values())
    if n <= _BARS_UP_TO:
        top = max(top, max(float(rows["concurrence_high"].max()) for rows in estimates.values()))
    for panel, (name, rows) in zip(axes, estimates.items(), strict=True):
        _scatter(panel, rows, looks[name], n)
        panel.plot([0, top], [0, top], color=TRUTH, linewidth=0.9, zorder=2.5)
        panel.set(xlim=(-0.04 * top, 1.04 * top), ylim=(-0.04 * top, 1.04 * top), aspect="equal")
        panel.set_title(f"{name}: {_r2_text(run.comparison['estimators'][name])}")
        panel.set_xlabel("exact concurrence")
    axes[0].set_ylabel("predicted concurrence")
    density = "Bars are 90% intervals" if n <= _BARS_UP_TO else "Darker means more states"
    if n > _DOTS_UP_TO:
        density += ", on a logarithmic scale"
    return finish(
        figure,
        "Predicted against exact concurrence",
        f"All {n:,} states; on the line the prediction is right. {density}. Separable states stand at exact C = 0.",
        "Scatter of predicted against exact concurrence; "
        + "; ".join(f"{name}: {_r2_text(run.comparison['estimators'][name])}" for name in estimates),
    )


def draw_reliability(run: Run) -> Picture:
    """Accuracy against the noise strength, and how often states called entangled with probability P are."""
    estimates = estimates_by_name(run)
    looks = marks(estimates)
    p = mean_strength(run)
    figure = new_figure(WIDTH, 4.1)
    against_p, calibration = figure.subplots(1, 2)
    distinct = np.unique(p)
    bins = min(_STRENGTH_BINS, len(distinct), max(1, len(p) // _STATES_PER_BIN))
    in_bin = [(p >= part[0]) & (p <= part[-1]) for part in np.array_split(distinct, bins)]
    at = np.array([p[members].mean() for members in in_bin])
    for number, (name, rows) in enumerate(estimates.items()):
        truth = rows["true_entangled"].to_numpy()
        right = (rows["call"].to_numpy() == "entangled") == truth
        dodged = at + _DODGE * (number - (len(estimates) - 1) / 2)
        _shares(against_p, dodged, [right[m] for m in in_bin], looks[name])
        said = rows["p_entangled"].to_numpy()
        which = np.minimum((said * _PROBABILITY_BINS).astype(int), _PROBABILITY_BINS - 1)
        groups = [which == index for index in range(_PROBABILITY_BINS) if (which == index).sum() >= _FEWEST_IN_BIN]
        _shares(calibration, np.array([said[m].mean() for m in groups]), [truth[m] for m in groups], looks[name])
    truth = next(iter(estimates.values()))["true_entangled"].to_numpy()
    against_p.plot(at, [truth[m].mean() for m in in_bin], color=QUIET, drawstyle="steps-mid", linestyle=(0, (4, 2)))
    against_p.set(xlim=(0, 1), ylim=(-0.02, 1.04), xlabel=strength_title(run), ylabel="share of states")
    against_p.set_title("right verdicts")
    calibration.plot([0, 1], [0, 1], color=TRUTH, linewidth=0.9)
    calibration.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.04), xlabel="P(entangled) as given")
    calibration.set(ylabel="share truly entangled", title="reliability of P(entangled)")
    handles = [mark_handle(looks[name], name) for name in estimates]
    handles += [
        Line2D([], [], color=QUIET, linestyle=(0, (4, 2)), label="share truly entangled"),
        Line2D([], [], color=TRUTH, linewidth=0.9, label="perfectly reliable"),
    ]
    legend_above(figure, handles)
    return finish(
        figure,
        "How often verdicts are right",
        f"Left: share of right verdicts over noise strength, in {bins} groups of about {len(p) // bins} states; "
        "dashed, the share of states that are truly entangled there. Right: among states given about the same "
        f"P(entangled), the share that truly are; groups of fewer than {_FEWEST_IN_BIN} states are left out. Bars are "
        "68% binomial (Wilson) intervals.",
        "Accuracy against noise strength, and reliability of the predicted probability of entanglement",
    )


def draw_misclassified(run: Run) -> Picture:
    """Where the wrong verdicts are: noise strength against the smallest eigenvalue of the partial transpose."""
    estimates = estimates_by_name(run)
    looks, p = marks(estimates), mean_strength(run)
    lowest = ppt_min_eigenvalue(run.plan.truth)
    figure, axes = _panels(len(estimates), 4.1)
    wrong_numbers = []
    for panel, (name, rows) in zip(axes, estimates.items(), strict=True):
        called, truth = rows["call"].to_numpy() == "entangled", rows["true_entangled"].to_numpy()
        colour = looks[name].colour
        panel.axhline(0, color=TRUTH, linewidth=0.8, zorder=2)
        panel.scatter(p, lowest, s=3, color="#d4d4d4", linewidths=0, zorder=1, rasterized=True)
        false, missed = called & ~truth, ~called & truth
        panel.scatter(p[false], lowest[false], s=13, marker="^", color=colour, linewidths=0, zorder=3, rasterized=True)
        panel.scatter(
            p[missed], lowest[missed], s=13, marker="v", facecolors="white", edgecolors=colour, linewidths=0.7,
            zorder=3, rasterized=True,
        )  # fmt: skip
        wrong_numbers.append(f"{name}: {(false | missed).sum():,} of {len(p):,} wrong")
        panel.set(xlim=(-0.02, 1.02), xlabel=strength_title(run), title=wrong_numbers[-1])
    axes[0].set_ylabel("smallest eigenvalue of the\npartial transpose (below 0: entangled)")
    grey = "#444444"
    handles = [
        Line2D([], [], linestyle="", marker="^", color=grey, markersize=5, label="separable, called entangled"),
        Line2D([], [], linestyle="", marker="v", markerfacecolor="white", markeredgecolor=grey, markersize=5,
               label="entangled, called separable"),
        Line2D([], [], linestyle="", marker="o", color="#c8c8c8", markersize=4, label="right"),
    ]  # fmt: skip
    legend_above(figure, handles)
    return finish(
        figure,
        "Where verdicts are wrong",
        "Every state at its noise strength and the smallest eigenvalue of its partial transpose, whose sign is the "
        "truth: wrong verdicts near the line are close calls that shots decide; those far from it are states that the "
        "features cannot tell apart, or a bias of the device.",
        "Map of misclassified states; " + "; ".join(wrong_numbers),
    )


def mean_strength(run: Run) -> NDArray[np.float64]:
    """One dephasing strength per state, (n,): 1 − √((1−p₁)(1−p₂)), which is p where both qubits have the same."""
    plan = run.plan
    return plan.p1 if plan.tau_s is None else 1 - np.sqrt((1 - plan.p1) * (1 - plan.p2))


def strength_title(run: Run) -> str:
    """The axis title of `mean_strength`."""
    channel = run.runcard.channel.kind
    return f"{channel} strength p" if run.plan.tau_s is None else "mean dephasing strength 1 − √((1−p₁)(1−p₂))"


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 68% interval (one standard error) of a share of `hits` among `n` ≥ 1."""
    share = hits / n
    centre = (share + 1 / (2 * n)) / (1 + 1 / n)
    half = np.sqrt(share * (1 - share) / n + 1 / (4 * n * n)) / (1 + 1 / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def _panels(number: int, height: float) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, number)
    rows = -(-number // columns)
    figure = new_figure(WIDTH * (0.5, 0.86, 1.0)[columns - 1], rows * (height if columns < 3 else 0.9 * height) + 0.3)
    return figure, grid_of_axes(figure, number, columns)


def _scatter(panel: Axes, rows: pd.DataFrame, mark: Mark, n: int) -> None:
    exact, value = rows["true_concurrence"].to_numpy(), rows["concurrence"].to_numpy()
    if n <= _BARS_UP_TO:
        low, high = rows["concurrence_low"].to_numpy(), rows["concurrence_high"].to_numpy()
        bars = [np.maximum(value - low, 0), np.maximum(high - value, 0)]
        panel.errorbar(
            exact, value, yerr=bars, fmt=mark.marker, color=mark.colour, ecolor=mark.colour + "70", markersize=3.4,
            markeredgewidth=0, elinewidth=0.7,
        )  # fmt: skip
    elif n <= _DOTS_UP_TO:
        panel.scatter(exact, value, s=7, color=mark.colour, alpha=0.28, linewidths=0, rasterized=True)
    else:
        shade = LinearSegmentedColormap.from_list(mark.colour, ["#e8e8e8", mark.colour, "#101010"])
        panel.hexbin(exact, value, gridsize=70, bins="log", mincnt=1, cmap=shade, linewidths=0, rasterized=True)


def _shares(panel: Axes, at: NDArray[np.float64], groups: list[NDArray[np.bool_]], mark: Mark) -> None:
    shares = np.array([group.mean() for group in groups])
    ends = np.array([wilson_interval(int(group.sum()), len(group)) for group in groups]).reshape(-1, 2)
    panel.errorbar(
        at, shares, yerr=[np.maximum(shares - ends[:, 0], 0), np.maximum(ends[:, 1] - shares, 0)],
        fmt=mark.marker + "-", color=mark.colour, markersize=3.8, markeredgewidth=0, linewidth=0.7, elinewidth=0.9,
    )  # fmt: skip


def _r2_text(figures: dict[str, Any]) -> str:
    return "R² not defined" if figures["r2"] is None else f"R² = {figures['r2']:.4f} ± {figures['r2_se']:.4f}"
