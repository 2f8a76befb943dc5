"""The figures of a study: how right each estimator is against shots (or the study's axis), and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from qent_hw.experiments.report.marks import Mark, mark_handle, marks
from qent_hw.experiments.study.card import Study
from qent_hw.experiments.study.figures_map import draw_map
from qent_hw.experiments.study.study import Finished
from qent_hw.experiments.study.words import case_title
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, grid_of_axes, legend_above, new_figure, plain_style

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 3
_APART = 1.3
_BANDS = "bands: one standard error"


@dataclass(frozen=True)
class _Curve:
    """A figure of merit that is drawn."""

    column: str
    title: str
    label: str
    scale: float = 100.0
    logarithmic: bool = False


_ACCURACY = _Curve("accuracy", "Accuracy of the verdict", "accuracy / %")
_RMSE = _Curve("rmse", "Error of the concurrence", "RMSE of the concurrence", 1.0, True)
_FALSE = (
    _Curve("false_positive_rate", "", "separable states called entangled / %"),
    _Curve("false_negative_rate", "", "entangled states called separable / %"),
)


def draw_study(study: Study, frame: pd.DataFrame, finished: Sequence[Finished]) -> dict[str, Picture]:
    """The figures by name."""
    with plain_style():
        looks = marks(dict.fromkeys(frame["estimator"]))
        found = {
            "accuracy": _figure(study, frame, looks, [_ACCURACY]),
            "false_verdicts": _figure(study, frame, looks, list(_FALSE)),
            "rmse": _figure(study, frame, looks, [_RMSE]),
            "cost": _cost(study, frame, looks),
        }
        drawn = draw_map(study, finished)
        return found | ({"map": drawn} if drawn is not None else {})


@dataclass(frozen=True)
class _Panel:
    title: str
    rows: pd.DataFrame
    x: str


def _panels(study: Study, frame: pd.DataFrame) -> list[_Panel]:
    """A panel for each case against shots, or where the study has an axis for each number of shots against that."""
    if study.axis is not None:
        return [_Panel(f"{shots:,} shots a state", rows, "value") for shots, rows in frame.groupby("shots", sort=True)]
    titles = {case.name: case_title(case) for case in study.cases}
    return [_Panel(titles[name], rows, "shots") for name, rows in frame.groupby("case", sort=False)]


def _figure(study: Study, frame: pd.DataFrame, looks: dict[str, Mark], curves: list[_Curve]) -> Picture:
    panels = _panels(study, frame)
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns) * len(curves)
    # a curve after the other, each with all its panels
    figure = new_figure(WIDTH if columns > 1 else 0.62 * WIDTH, 0.9 + 2.9 * rows)
    axes = grid_of_axes(figure, len(panels) * len(curves), columns)
    for number, curve in enumerate(curves):
        for axis, panel in zip(axes[number * len(panels) :], panels, strict=False):
            _curves(axis, study, panel, looks, curve)
            axis.set_title(panel.title)
    legend_above(figure, [mark_handle(mark, name) for name, mark in looks.items()], _legend_columns(columns))
    names = " and ".join(curve.label for curve in curves)
    against = study.axis or "shots a state, all settings together"
    title = curves[0].title or "False verdicts"
    caption = f"Every estimator on the same states and at the same total of shots; {_BANDS}. " + _sizes(frame)
    return finish(figure, title, caption, f"{names} of each estimator against {against}")


def _curves(axis: Axes, study: Study, panel: _Panel, looks: dict[str, Mark], curve: _Curve) -> None:
    for name, rows in panel.rows.groupby("estimator", sort=False):
        known = rows.dropna(subset=[curve.column]).sort_values(panel.x)
        x, y = known[panel.x].to_numpy(float), curve.scale * known[curve.column].to_numpy(float)
        error = curve.scale * known[f"{curve.column}_se"].to_numpy(float)
        line_with_band(axis, x, y, error, looks[str(name)], dashed=_is_plain(str(name)))
    axis.set_ylabel(curve.label)
    if panel.x == "shots":
        shots_axis(axis, sorted(panel.rows["shots"].unique()))
        axis.set_xlabel("shots a state")
    else:
        axis.set_xlabel(study.axis or "")
    if curve.logarithmic:
        _logarithmic(axis)
    axis.grid(True, color="#eeeeee", linewidth=0.6)


def line_with_band(axis: Axes, x: Any, y: Any, error: Any, mark: Mark, dashed: bool = False) -> None:
    """Points (n,) joined by a line, in a band that reaches `error` (n,) either way."""
    style = "--" if dashed else "-"
    axis.plot(x, y, style, color=mark.colour, marker=mark.marker, markersize=4, linewidth=1.1)
    axis.fill_between(x, y - error, y + error, color=mark.colour, alpha=0.18, linewidth=0)


def _is_plain(name: str) -> bool:
    """Drawn with dashes: methods without the knowledge of the family that the others of their kind have."""
    return name.startswith(("tomography", "chsh")) and not name.endswith("_tuned")


def shots_axis(axis: Axes, shots: Sequence[int]) -> None:
    """A logarithmic axis of shots, with a tick for each of these numbers, in increasing order."""
    axis.set_xscale("log")
    # a tick for each, but for those that would stand in one another's way
    ticks = [one for place, one in enumerate(shots) if place == 0 or one > _APART * shots[place - 1]]
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(FuncFormatter(_short))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.minorticks_off()


def _logarithmic(axis: Axes) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _short(value: float, _: Any = None) -> str:
    return f"{value / 1000:g}k" if value >= 1000 and value % 1000 == 0 else f"{value:g}"


def _cost(study: Study, frame: pd.DataFrame, looks: dict[str, Mark]) -> Picture:
    """Wrong verdicts against what the shots cost."""
    titles = {case.name: case_title(case) for case in study.cases}
    panels = list(frame.groupby("case", sort=False))
    figure = new_figure(WIDTH if len(panels) > 1 else 0.62 * WIDTH, 0.9 + 2.9 * -(-len(panels) // _COLUMNS))
    for axis, (case, rows) in zip(grid_of_axes(figure, len(panels), _COLUMNS), panels, strict=True):
        for name, line in rows.groupby("estimator", sort=False):
            line = line.sort_values("qpu_s")
            wrong = 100 * (1 - line["accuracy"].to_numpy())
            error = np.minimum(100 * line["accuracy_se"].to_numpy(), 0.99 * wrong)
            x = 1000 * line["qpu_s"].to_numpy()
            seen = wrong > 0
            line_with_band(axis, x[seen], wrong[seen], error[seen], looks[name], _is_plain(name))
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        _logarithmic(axis)
        axis.set_title(titles[case])
        axis.set_xlabel("QPU seconds for 1,000 states")
        axis.set_ylabel("wrong verdicts / %")
        axis.grid(True, which="both", color="#eeeeee", linewidth=0.6)
        axis.axvline(600, color=QUIET, linewidth=0.7, linestyle=":")
    handles = [mark_handle(mark, name) for name, mark in looks.items()]
    legend_above(figure, handles, _legend_columns(len(panels)))
    caption = (
        "A shot costs its circuit and 250 µs of pause, as IBM's devices take by default; waits come on top. The dotted "
        "line is ten minutes, what an open account has in a month."
    )
    return finish(figure, "What accuracy costs", caption, "wrong verdicts of each estimator against QPU seconds")


def _legend_columns(panels: int) -> int:
    """Of a legend above so many panels side by side: names are up to a third of a narrow figure long."""
    return 6 if panels > 1 else 2


def _sizes(frame: pd.DataFrame) -> str:
    """How many states stand behind the points."""
    sizes = frame.groupby("estimator", sort=False)["n_states"].agg(["min", "max"])
    most = int(sizes["max"].max())
    others = [
        f"{name} {int(low):,}" + ("" if low == high else f" to {int(high):,}")
        for name, low, high in sizes.itertuples()
        if low < most
    ]
    return f"States a point: {most:,}" + (f" ({', '.join(others)})." if others else ".")
