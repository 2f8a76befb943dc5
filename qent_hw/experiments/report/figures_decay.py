"""Chosen states under growing noise: P(entangled) and concurrence against the noise, over the exact curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from qent_hw.experiments.report.decay import Decay, StrengthAxis, death_text, decays, strength_axis
from qent_hw.experiments.report.figures import estimates_by_name
from qent_hw.experiments.report.marks import Mark, mark_handle, marks
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import ENTANGLED, QUIET, TRUTH, WIDTH, finish, legend_above, new_figure

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.experiments.run import Run

_COLUMNS = 3
_MOST_STATES = 12
# between the points of two estimators at the same noise, as a share of the axis
_DODGE = 0.010
_TICKS_US = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 3, 5)]
_LEAST_TICK_DISTANCE = 0.11
_MARGIN = 0.03
# a sudden death further right than this share of the axis has its label on the left
_LABEL_FITS_UP_TO = 0.68


def draw_decay(run: Run) -> Picture:
    """One column for each chosen state: P(entangled) above, concurrence below."""
    axis, estimates = strength_axis(run), estimates_by_name(run)
    every = decays(run)
    shown = every[:_MOST_STATES]
    looks = marks(estimates)
    top = _largest_concurrence(estimates, shown)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(WIDTH if columns > 1 else 0.62 * WIDTH, 0.5 + 4.2 * rows)
    axes = figure.subplots(2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": [3, 4] * rows})
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        upper, lower = axes[2 * row, column], axes[2 * row + 1, column]
        if place >= len(shown):
            upper.remove()
            lower.remove()
            continue
        decay = shown[place]
        for panel in (upper, lower):
            noise_axis(panel, axis, decay)
        upper.set_title(decay.label)
        upper.tick_params(labelbottom=False)
        upper.set_ylim(-0.05, 1.05)
        upper.axhline(0.5, color=QUIET, linewidth=0.7, linestyle=(0, (4, 3)))
        lower.set_ylim(-0.04 * top, 1.04 * top)
        lower.set_xlabel(axis.title)
        lower.plot(decay.grid, decay.concurrence, color=TRUTH, zorder=2)
        _write_death(lower, axis, decay)
        for number, (name, rows_of_one) in enumerate(estimates.items()):
            at = _dodged(axis, decay, number - (len(estimates) - 1) / 2)
            here = rows_of_one.iloc[decay.states]
            _points(upper, at, here, "p_entangled", looks[name])
            _points(lower, at, here, "concurrence", looks[name])
        if column == 0:
            upper.set_ylabel("P(entangled)")
            lower.set_ylabel("concurrence C")
    handles: list[Artist] = [mark_handle(looks[name], name) for name in estimates]
    handles += [Line2D([], [], color=TRUTH, label="exact"), Patch(color=ENTANGLED, label="truly entangled")]
    legend_above(figure, handles)
    left_out = f" The first {len(shown)} of {len(every)} states are shown." if len(shown) < len(every) else ""
    spacing = " The τ axis is spaced evenly in the mean dephasing strength." if axis.rate else ""
    return finish(
        figure,
        f"Entanglement against {axis.title.removesuffix(' (µs)')}",
        "Above: probability that the state is entangled, as each estimator gives it; bars are 68% intervals of what "
        "the same experiment would give if repeated, the dashed line is where the verdict changes. Below: concurrence "
        "with 90% intervals over the exact curve. Shaded: where the state is truly entangled; the vertical line marks "
        f"its sudden death. Points of different estimators are set apart sideways a little.{spacing}{left_out}",
        "Probability of entanglement and concurrence against the noise for "
        + "; ".join(f"{decay.label} ({death_text(axis, decay.death)})" for decay in shown),
    )


def noise_axis(panel: Axes, axis: StrengthAxis, decay: Decay) -> None:
    """Scale, limits and ticks of a panel's noise axis, the truly entangled part shaded, its end marked."""
    if axis.rate:
        panel.set_xscale("function", functions=(axis.place, axis.strength_at))
        panel.set_xticks(_spaced_ticks(axis))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    left, right = axis.strength_at(axis.width * np.array([-_MARGIN, 1 + _MARGIN]))
    panel.set_xlim(left, right)
    if decay.death == axis.searched[0]:
        return
    death = _death_in_sight(axis, decay)
    panel.axvspan(0, axis.end if death is None else death, color=ENTANGLED, linewidth=0, zorder=0)
    if death is not None:
        panel.axvline(death, color=TRUTH, linewidth=0.9, linestyle=(0, (1.5, 1.5)), zorder=1)


def _death_in_sight(axis: StrengthAxis, decay: Decay) -> float | None:
    """The sudden death, if the axis reaches it."""
    return decay.death if decay.death is not None and axis.searched[0] < decay.death <= axis.end else None


def _write_death(panel: Axes, axis: StrengthAxis, decay: Decay) -> None:
    """The sudden death beside its line, or that there is none; in the upper part, which a decay leaves free."""
    text, death = death_text(axis, decay.death), _death_in_sight(axis, decay)
    if death is None:
        wrapped = text.replace(": ", ":\n").replace(" up to ", "\nup to ")
        panel.text(0.97, 0.96, wrapped, transform=panel.transAxes, ha="right", va="top", color=TRUTH)
        return
    right_half = axis.place(death) / axis.width > _LABEL_FITS_UP_TO
    panel.annotate(
        f"sudden death\n{text}",
        (death, 0.96),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if right_half else 5, 0),
        textcoords="offset points",
        ha="right" if right_half else "left",
        va="top",
        color=TRUTH,
    )


def _points(panel: Axes, at: NDArray[np.float64], rows: pd.DataFrame, column: str, mark: Mark) -> None:
    value = rows[column].to_numpy()
    below = np.maximum(value - rows[f"{column}_low"].to_numpy(), 0)
    above = np.maximum(rows[f"{column}_high"].to_numpy() - value, 0)
    panel.errorbar(
        at,
        value,
        yerr=[below, above],
        fmt=mark.marker,
        color=mark.colour,
        markersize=3.4,
        markeredgewidth=0,
        elinewidth=0.8,
        zorder=3,
    )


def _dodged(axis: StrengthAxis, decay: Decay, steps: float) -> NDArray[np.float64]:
    """The measured strengths, moved along the axis by that many dodges."""
    return axis.strength_at(axis.place(decay.measured_at) + steps * _DODGE * axis.width)


def _spaced_ticks(axis: StrengthAxis) -> list[float]:
    """Round waits in µs that stand well apart on the axis."""
    chosen = [0.0]
    for tick in _TICKS_US:
        if tick <= axis.end and axis.place(tick) - axis.place(chosen[-1]) >= _LEAST_TICK_DISTANCE * axis.width:
            chosen.append(tick)
    return chosen


def _largest_concurrence(estimates: dict[str, pd.DataFrame], shown: list[Decay]) -> float:
    exact = max(float(decay.concurrence.max()) for decay in shown)
    measured = max(
        float(rows["concurrence_high"].iloc[decay.states].max()) for rows in estimates.values() for decay in shown
    )
    return max(exact, measured, 0.05)
