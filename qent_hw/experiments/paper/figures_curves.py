"""Figures 5, 6 and 7: scores against the number of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qent_hw.experiments.paper.outcome import Outcome
from qent_hw.experiments.paper.published import CURVE_POINTS
from qent_hw.experiments.paper.training import OWN
from qent_hw.experiments.report.labels import thousands
from qent_hw.pages.style import QUIET, TRUTH, new_figure
from qent_hw.physics import FEATURES

_SIZE = (7.8, 5.4)
# Okabe and Ito's palette
_COLOURS = ("#0072b2", "#d55e00", "#56b4e9", "#e69f00")
_CROSS: dict[str, Any] = {"marker": "x", "linestyle": "none"}
_FAMILY_COLOURS = {"two_basis": "#009e73", "special": "#0072b2", "general": "#cc79a7", "mixed": "#d55e00"}


def draw_figure5(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 5: both models on both data sets."""
    figure, panel = _axes("accuracy")
    # without the channel, which all of Figure 5 shares
    special, mixed = (outcome.card.states[name].title.partition(",")[0] for name in ("special", "mixed"))
    curves = (
        ("curve_special", OWN, f"trained and tested on {special}", "o", "-"),
        ("curve_mixed", OWN, f"trained and tested on {mixed}", "s", "-"),
        ("curve_mixed", "special", f"trained on {mixed}, tested on {special}", "^", ":"),
        ("curve_special", "mixed", f"trained on {special}, tested on {mixed}", "v", ":"),
    )
    handles = []
    for colour, (training, tested_on, label, marker, line) in zip(_COLOURS, curves, strict=True):
        handles.append(_curve(panel, outcome, training, tested_on, label, colour, marker, line))
    ceilings = _ceilings(panel, outcome, {"special": _COLOURS[0], "mixed": _COLOURS[1]})
    _finish(figure, panel, [*handles, *ceilings])
    return figure, "Accuracy against the number of features: two models, each on the states of both kinds."


def draw_figure6(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 6: the small classifier and the large one on general mixed states."""
    figure, panel = _axes("accuracy")
    handles = []
    for colour, (name, marker) in zip(_COLOURS, (("small", "s"), ("large", "o")), strict=False):
        one = outcome.card.trainings[name]
        label = f"{one.hidden[0]} nodes, {thousands(one.n)} states"
        handles.append(_curve(panel, outcome, name, OWN, label, colour, marker, "-"))
    ceilings = _ceilings(panel, outcome, {"mixed": TRUTH})
    _finish(figure, panel, [*handles, *ceilings])
    return figure, "Accuracy on general mixed states against the number of features: a small and a large classifier."


def draw_figure7(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 7: R² of the regressor for four families."""
    figure, panel = _axes("R² of the concurrence")
    handles = []
    for (name, colour), marker in zip(_FAMILY_COLOURS.items(), "oDs^", strict=True):
        title = outcome.card.states[name].title
        handles.append(_curve(panel, outcome, f"curve_{name}", OWN, title, colour, marker, "-"))
    ceilings = _ceilings(panel, outcome, _FAMILY_COLOURS)
    _finish(figure, panel, [*handles, *ceilings], lowest=0.0)
    return figure, "R² of the predicted concurrence against the number of features, for four families of states."


def _axes(ylabel: str) -> tuple[Figure, Axes]:
    figure = new_figure(*_SIZE)
    panel = figure.subplots()
    numbers = range(1, len(FEATURES) + 1)
    panel.set(xlim=(0.5, len(FEATURES) + 0.5), xlabel="number of features", ylabel=ylabel)
    panel.set_xticks(numbers)
    # What each number adds, in the order of Table I.
    names = panel.secondary_xaxis("top")
    names.set_xticks(numbers, [f"+{name}" if k else name for k, name in enumerate(FEATURES)], fontsize=7.5)
    names.tick_params(length=0, colors=QUIET)
    names.spines["top"].set_visible(False)
    panel.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    return figure, panel


def _curve(
    panel: Axes, outcome: Outcome, training: str, tested_on: str, label: str, colour: str, marker: str, line: str
) -> Line2D:
    """One curve, and a cross of its colour at every published point of it."""
    points = outcome.curve(training, tested_on)
    (drawn,) = panel.plot(
        list(points), [one.mean for one in points.values()], color=colour, marker=marker, linestyle=line,
        markersize=4.2, linewidth=1.2, label=label,
    )  # fmt: skip
    for k, score in CURVE_POINTS[outcome.card.figure][training, tested_on]:
        panel.plot(k, score, **_CROSS, color=TRUTH, markersize=7.5, markeredgewidth=2.8, zorder=4)
        panel.plot(k, score, **_CROSS, color=colour, markersize=6.5, markeredgewidth=1.5, zorder=5)
    return drawn


def _ceilings(panel: Axes, outcome: Outcome, colours: Mapping[str, str]) -> list[Line2D]:
    """The limits that the card asks for, dashed in their curves' colours."""
    for name in outcome.card.limits:
        limit = outcome.limit(name)
        values = [one.mean for one in limit.values()]
        panel.plot(list(limit), values, color=colours[name], linestyle="--", linewidth=0.9, alpha=0.8)
    return [Line2D([], [], color=QUIET, linestyle="--", linewidth=0.9, label="limit")] if outcome.card.limits else []


def _finish(figure: Figure, panel: Axes, handles: list[Line2D], lowest: float = 0.5) -> None:
    cross = Line2D([], [], color=TRUTH, **_CROSS, markersize=7, markeredgewidth=1.5, label="published")
    panel.set_ylim(min(lowest, panel.dataLim.y0 - 0.01), 1.01)
    # Below the axes: the curves leave no corner free for sure.
    figure.legend(handles=[*handles, cross], loc="outside lower center", ncols=2, columnspacing=1.8)
