"""The figures of a study of certificates: power against shots, false certificates, and what settings reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qent_hw.experiments.report.marks import Mark, mark_handle, marks
from qent_hw.experiments.verdict_studies.share_lines import draw_shares
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, grid_of_axes, legend_above, new_figure, plain_style

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 3


def figures(frame: pd.DataFrame) -> dict[str, Picture]:
    """The figures by name."""
    with plain_style():
        return {"power": _power(frame), "false": _false(frame), "reach": _reach(frame)}


def _looks(frame: pd.DataFrame) -> dict[str, Mark]:
    return marks(dict.fromkeys(frame[frame["part"] == "entangled"]["method"]))


def _power(frame: pd.DataFrame) -> Picture:
    rows = frame[frame["part"] == "entangled"]
    looks, panels = _looks(frame), list(rows.groupby("title", sort=False))
    dashed = [name for name in looks if not name.startswith("certificate")]
    figure = new_figure(WIDTH, 0.9 + 2.8 * -(-len(panels) // _COLUMNS))
    for axis, (title, case) in zip(grid_of_axes(figure, len(panels), _COLUMNS), panels, strict=True):
        draw_shares(axis, case, "share", "method", looks, dashed)
        axis.set(title=title, ylabel="entangled states certified / %", ylim=(-2, 102))
    legend_above(figure, [mark_handle(mark, name) for name, mark in looks.items()])
    n = int(rows["n"].max())
    caption = (
        f"Random entangled states, {n:,} a point, at the same total of shots for each method; bands: one standard "
        "error. Dashed: methods that are valid for many shots only; the witness also knows the state that was prepared."
    )
    return finish(figure, "How many entangled states are certified", caption, "share certified against shots")


def _false(frame: pd.DataFrame) -> Picture:
    """Each method's share of false certificates, over all rows, with Clopper and Pearson's ends."""
    from scipy.stats import beta

    rows = frame[frame["part"] == "separable"]
    looks = _looks(frame)
    figure = new_figure(WIDTH, 3.2)
    axes = grid_of_axes(figure, 2, 2, sharey=True)
    for axis, states in zip(axes, ("of the family", "on the border"), strict=True):
        for place, (name, line) in enumerate(rows[rows["states"] == states].groupby("method", sort=False)):
            n, k = int(line["n"].sum()), int(line["certified"].sum())
            low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
            high = beta.ppf(0.975, k + 1, n - k)
            share = k / n
            mark = looks[str(name)]
            axis.errorbar(
                [100 * share],
                [-place],
                xerr=[[100 * (share - low)], [100 * (high - share)]],
                color=mark.colour,
                marker=mark.marker,
                markersize=5,
                capsize=2.5,
            )
        axis.axvline(1.0, color=QUIET, linewidth=0.8, linestyle=":")
        axis.set_xscale("symlog", linthresh=0.01)
        axis.set_xlim(-0.002, 10)
        axis.set_xticks([0, 0.01, 0.1, 1, 10], ["0", "0.01", "0.1", "1", "10"])
        axis.set_yticks([-place for place in range(len(looks))], list(looks))
        axis.set_ylim(-len(looks) + 0.4, 0.6)
        axis.set_title(f"separable states {states}")
        axis.set_xlabel("falsely certified / %")
        axis.grid(True, axis="x", color="#eeeeee", linewidth=0.6)
    n = int(rows[rows["method"] == next(iter(looks))]["n"].sum())
    caption = (
        f"{n:,} separable states in all, over all cases and shots; bars: Clopper and Pearson's 95%; dotted: what is "
        "put up with. On the border, a state has entangled ones as close to it as you like."
    )
    return finish(figure, "False certificates", caption, "share of separable states that each method certifies")


def _reach(frame: pd.DataFrame) -> Picture:
    rows = frame[frame["part"] == "reach"]
    names, titles = list(dict.fromkeys(rows["method"])), list(dict.fromkeys(rows["title"]))
    shades = ["#c6d7e6", "#86acce", "#3f7fb5", "#0b4a7f", "#06294a"]
    figure = new_figure(WIDTH, 3.6)
    (axis,) = grid_of_axes(figure, 1, 1)
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        line = rows[rows["method"] == name].groupby("title", sort=False)[["n", "certified"]].sum().loc[titles]
        share = line["certified"] / line["n"]
        error = np.sqrt(share * (1 - share) / line["n"])
        at = np.arange(len(titles)) + (place - (len(names) - 1) / 2) * width
        bars = axis.bar(at, 100 * share, width * 0.92, yerr=100 * error, color=shades[place % len(shades)], label=name)
        axis.bar_label(bars, [_short(100 * one) for one in share], fontsize=7, color="#444444")
    axis.set_xticks(range(len(titles)), [title.replace(", ", ",\n") for title in titles])
    axis.set_ylim(0, 108)
    axis.set_ylabel("can be certified / %")
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(names))
    n = int(rows[rows["method"] == names[0]].groupby("title")["n"].sum().max())
    caption = (
        f"Share of entangled states that no separable state imitates in these settings, {n:,} states a bar; bars: one "
        "standard error. What is missing cannot be certified with any number of shots."
    )
    return finish(figure, "What settings can certify at all", caption, "share certifiable for sets of settings")


def _short(percent: float) -> str:
    """Without decimals, unless that would make all of nearly all."""
    return f"{percent:.1f}" if 99 < percent < 100 else f"{percent:.0f}"
