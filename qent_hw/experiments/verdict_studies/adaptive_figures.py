"""The figures of the study of adaptive shots."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from qent_hw.experiments.report.marks import Mark, mark_handle
from qent_hw.experiments.study.figures import shots_axis
from qent_hw.experiments.verdict_studies.adaptive_rows import CHOSEN, EVEN, FIXED, LOOSER, MATCHED, OFTEN
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, grid_of_axes, legend_above, new_figure

LOOKS = {
    CHOSEN: Mark("#0072b2", "s", "■"),
    EVEN: Mark("#d55e00", "^", "▲"),
    OFTEN: Mark("#009e73", "D", "◆"),
    FIXED: Mark("#1a1a1a", "o", "●"),
    MATCHED: Mark("#8a8a8a", "v", "▼"),
    LOOSER: Mark("#a05a9c", "p", "⬟"),
}


def draw_shots(frame: pd.DataFrame) -> Picture:
    """Mean shots of each way as a share of the cap, a panel a case."""
    shown = _first_rate(frame)
    figure, panels = _panels(shown, sharey=True)
    for axis, (title, rows) in panels:
        axis.axhline(1, color=LOOKS[FIXED].colour, linewidth=0.8)
        for way in (CHOSEN, EVEN, MATCHED, LOOSER):
            line = rows[rows["way"] == way].dropna(subset=["share"]).sort_values("shots")
            _line(axis, line, "share", LOOKS[way], "-")
        easy = rows[rows["way"] == CHOSEN].sort_values("shots")
        easy = easy.assign(
            easy=easy["shots_easy_half"] / easy["shots"], easy_se=easy["shots_easy_half_se"] / easy["shots"]
        )
        _line(axis, easy, "easy", LOOKS[CHOSEN], "--")
        _logarithmic(axis, 100)
        _dress(axis, title, sorted(rows["shots"].unique()), "mean shots / % of the fixed plan")
    handles = [mark_handle(LOOKS[way], way) for way in (CHOSEN, EVEN, MATCHED, LOOSER)]
    handles.append(Line2D([], [], color=LOOKS[CHOSEN].colour, linestyle="--", label="adaptive, the easier half"))
    handles.append(Line2D([], [], color=LOOKS[FIXED].colour, linewidth=0.8, label=FIXED))
    legend_above(figure, handles, 3)
    caption = (
        f"At an error rate of {shown['error rate'].iloc[0]:g}, against the shots of the fixed plan, which are the cap; "
        "bars: one standard error. As many decided: the fixed plan that leaves no more states undecided at the same "
        "thresholds. Looser thresholds: the one that decides as many and is wrong as rarely, by the posterior. "
        f"{_sizes(shown)}"
    )
    return finish(
        figure, "What adaptive shots save", caption, "mean shots as a share of the fixed plan's, against the cap"
    )


def draw_decided(frame: pd.DataFrame) -> Picture:
    """The share of states that are decided after so many shots, at the greatest cap, and by fixed plans."""
    shown = _first_rate(frame)
    figure, panels = _panels(shown)
    for axis, (title, rows) in panels:
        cap = rows["shots"].max()
        for way in (CHOSEN, EVEN):
            (told,) = rows[(rows["way"] == way) & (rows["shots"] == cap)]["_decided"]
            total, share = np.array(json.loads(told)).T
            axis.step(total, 100 * share, where="post", color=LOOKS[way].colour, linewidth=1.3)
        fixed = rows[rows["way"] == FIXED].sort_values("shots")
        decided = fixed.assign(decided=100 * (1 - fixed["undecided"]), decided_se=100 * fixed["undecided_se"])
        _line(axis, decided, "decided", LOOKS[FIXED], ":")
        axis.set_ylim(0, 101)
        _dress(axis, title, [10**k for k in range(2, 7) if 10**k <= cap], "decided / % of states")
        axis.set_xlabel("shots of a state")
    legend_above(figure, [mark_handle(LOOKS[way], way) for way in (CHOSEN, EVEN, FIXED)])
    caption = (
        f"At an error rate of {shown['error rate'].iloc[0]:g}. Steps: the share of states that had their verdict after "
        f"so many shots, the cap being the greatest; points: fixed plans of so many shots. {_sizes(shown)}"
    )
    return finish(figure, "Decided after how many shots", caption, "share of decided states against shots")


def draw_errors(frame: pd.DataFrame) -> Picture:
    """The share of verdicts that are wrong, by kind, against what was asked for."""
    rates = sorted(frame["error rate"].unique())
    sides = (("wrong_of_entangled", "of those called entangled"), ("wrong_of_separable", "of those called separable"))
    figure = new_figure(WIDTH, 0.9 + 3.2 * len(rates))
    axes = grid_of_axes(figure, 2 * len(rates), 2)
    ways = [way for way in LOOKS if way in set(frame["way"]) and way not in (MATCHED, LOOSER)]
    cells = list(dict.fromkeys(zip(frame["case"], frame["shots"], strict=True)))
    for number, rate in enumerate(rates):
        for axis, (column, words) in zip(axes[2 * number :], sides, strict=False):
            axis.axhline(100 * rate, color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)))
            for place, way in enumerate(ways):
                rows = frame[(frame["way"] == way) & (frame["error rate"] == rate)]
                at = [cells.index(cell) for cell in zip(rows["case"], rows["shots"], strict=True)]
                aside = 0.16 * (place - (len(ways) - 1) / 2)
                share, error = 100 * rows[column].to_numpy(), 100 * rows[f"{column}_se"].to_numpy()
                mark = LOOKS[way]
                low = np.minimum(error, share)
                axis.errorbar(
                    np.array(at) + aside,
                    share,
                    [low, error],
                    fmt=mark.marker,
                    color=mark.colour,
                    markersize=4,
                    linewidth=0.9,
                )
            names = [f"{case}, {shots:,}" for case, shots in cells]
            axis.set_xticks(range(len(cells)), names, rotation=50, ha="right", rotation_mode="anchor", fontsize=7.5)
            axis.set_ylim(bottom=-0.05 * 100 * rate)
            axis.set(title=f"{words}, error rate {rate:g}", ylabel="wrong / %")
            axis.grid(True, axis="y", color="#eeeeee", linewidth=0.6)
    handles = [mark_handle(LOOKS[way], way) for way in ways]
    handles.append(Line2D([], [], color=QUIET, linestyle=(0, (4, 2)), label="at most, as asked for"))
    legend_above(figure, handles, 5)
    caption = f"By case and cap; bars: one standard error, with one success and one failure added. {_sizes(frame)}"
    return finish(
        figure, "Are the error rates kept?", caption, "share of wrong verdicts of either kind by case and cap"
    )


def _first_rate(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["error rate"] == frame["error rate"].min()]


def _panels(frame: pd.DataFrame, **options: Any) -> tuple[Any, list[tuple[Axes, tuple[str, pd.DataFrame]]]]:
    groups = [(str(title), rows) for title, rows in frame.groupby("title", sort=False)]
    columns = min(3, len(groups))
    figure = new_figure(WIDTH if columns > 1 else 0.62 * WIDTH, 1.1 + 3.0 * -(-len(groups) // columns))
    return figure, list(zip(grid_of_axes(figure, len(groups), columns, **options), groups, strict=True))


def _line(axis: Axes, rows: pd.DataFrame, column: str, mark: Mark, style: str) -> None:
    y, error = rows[column].to_numpy(), rows[f"{column}_se"].to_numpy()
    axis.errorbar(
        rows["shots"], y, error, linestyle=style, color=mark.colour, marker=mark.marker, markersize=4, linewidth=1.1
    )


def _logarithmic(axis: Axes, scale: float) -> None:
    """A logarithmic axis upwards, its numbers times a scale."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{scale * value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _dress(axis: Axes, title: str, shots: list[int], label: str) -> None:
    shots_axis(axis, shots)
    axis.set(title=title, xlabel="shots of the fixed plan", ylabel=label)
    axis.grid(True, color="#eeeeee", linewidth=0.6)


def _sizes(frame: pd.DataFrame) -> str:
    states = sorted(frame[frame["way"] != MATCHED]["states"].unique())
    matched = sorted(frame[frame["way"] == MATCHED]["states"].unique())
    text = " or ".join(f"{n:,}" for n in states)
    return (
        f"{text} states a point"
        + (f"; {', '.join(f'{n:,}' for n in matched)} of them as many decided" if matched else "")
        + "."
    )
