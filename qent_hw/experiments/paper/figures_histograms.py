"""Figures 4 and 8: histograms of the smallest eigenvalue of the partial transpose, and of concurrences."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from qent_hw.experiments.paper.outcome import Outcome
from qent_hw.experiments.paper.sources import law_text
from qent_hw.experiments.report.labels import thousands
from qent_hw.pages.style import TRUTH, WIDTH, grid_of_axes, new_figure

_ENTANGLED, _SEPARABLE = "#d55e00", "#9ecae1"
_FAMILIES = ("two_basis", "special", "general", "mixed")
# Whole numbers divided, so that 0 is an edge exactly: separable states have concurrence 0 and belong above it.
_EIGENVALUE_BINS = (np.arange(-50, 26) / 100).tolist()
_CONCURRENCE_BINS = (np.arange(-5, 56) / 50).tolist()


def draw_figure4(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 4: the smallest eigenvalue of the partial transpose of general mixed states."""
    lowest = outcome.sample_arrays("mixed")["lowest_eigenvalue"]
    figure = new_figure(6.4, 4.2)
    panel = figure.subplots()
    for values, colour, label in (
        (lowest[lowest < 0], _ENTANGLED, "entangled"),
        (lowest[lowest >= 0], _SEPARABLE, "separable"),
    ):
        share = 100 * len(values) / len(lowest)
        panel.hist(values, _EIGENVALUE_BINS, color=colour, label=f"{label}, {share:.1f}%")
    panel.axvline(0, color=TRUTH, linewidth=0.8)
    panel.set(xlim=(-0.5, 0.25), xlabel="smallest eigenvalue of the partial transpose", ylabel="states")
    panel.set_title(
        f"{thousands(len(lowest))} states; spectrum: {law_text(outcome.card.states['mixed'].spectrum or {})}"
    )
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.legend(loc="upper left")
    return figure, "Histogram of the smallest eigenvalue of the partial transpose of general two-qubit mixed states."


def draw_figure8(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 8: true and predicted concurrence with four features."""
    figure = new_figure(WIDTH, 6.4)
    axes = grid_of_axes(figure, len(_FAMILIES), 2)
    for panel, name in zip(axes, _FAMILIES, strict=True):
        found, score = outcome.arrays(name, "bell4"), outcome.score(name, "bell4")
        panel.hist(found["concurrence"], _CONCURRENCE_BINS, color=_SEPARABLE, label="true")
        panel.hist(
            found["outputs"], _CONCURRENCE_BINS, histtype="step", color=_ENTANGLED, linewidth=1.3, label="predicted"
        )
        panel.set(xlim=(-0.1, 1.1), xlabel="concurrence", ylabel="states", yscale="log")
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        merit = "" if score is None else f": R² = {score.mean:.{5 if score.mean > 0.999 else 3}f}"
        panel.set_title(f"{outcome.card.states[name].title}{merit}")
    axes[0].legend(loc="upper right")
    return figure, "Histograms of true and predicted concurrence with the four Bell-like features, four families."
