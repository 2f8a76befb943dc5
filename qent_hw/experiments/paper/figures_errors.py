"""Figures 2 and 3: where the Bell-like classifier errs, over the noise p and the angle θ."""

from __future__ import annotations

from math import pi

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator
from numpy.typing import NDArray

from qent_hw.experiments.paper.outcome import Outcome
from qent_hw.experiments.paper.published import EXACT_THRESHOLDS
from qent_hw.experiments.report.labels import angle_label, thousands
from qent_hw.pages.style import TRUTH, WIDTH, new_figure

_ENTANGLED, _MISCLASSIFIED = "#9ecae1", "#d55e00"
_BINS, _FEWER_BINS = 50, 25
_RANGES = tuple((k * pi / 8, (k + 1) * pi / 8) for k in range(4))


def draw_figure2(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 2: 2-basis states after depolarizing noise."""
    return _draw(outcome, "two_basis")


def draw_figure3(outcome: Outcome) -> tuple[Figure, str]:
    """Figure 3: special 4-basis states after dephasing."""
    return _draw(outcome, "special")


def _draw(outcome: Outcome, training: str) -> tuple[Figure, str]:
    found = outcome.arrays(training, "bell4")
    p, theta, entangled = found["p"], found["theta"], found["entangled"]
    wrong = (found["outputs"] >= 0.5) != entangled
    threshold = EXACT_THRESHOLDS[training][0]
    figure = new_figure(WIDTH, 6.6)
    axes = figure.subplot_mosaic([["p", "p", "map", "map"], ["0", "1", "2", "3"]], height_ratios=[1.25, 1])

    _histograms(axes["p"], p, entangled, wrong, _BINS, threshold)
    axes["p"].set_title(f"(a) all {thousands(len(p))} test states; {thousands(int(wrong.sum()))} misclassified")
    axes["p"].legend(loc="upper right")

    panel = axes["map"]
    panel.scatter(p[wrong], theta[wrong], s=1.6, color=_MISCLASSIFIED, linewidths=0, alpha=0.7)
    panel.axvline(threshold, color=TRUTH, linewidth=0.8, linestyle="--")
    panel.set(xlim=(0, 1), ylim=(0, 2 * pi), xlabel="p", ylabel="θ", title="(b) misclassified states")
    ticks = np.linspace(0, 2 * pi, 5)
    panel.set_yticks(ticks, [angle_label(float(one)) for one in ticks])

    for index, (low, high) in enumerate(_RANGES):
        inside = (theta >= low) & (theta < high)
        panel = axes[str(index)]
        _histograms(panel, p[inside], entangled[inside], wrong[inside], _FEWER_BINS, threshold)
        panel.set_title(f"({'cdef'[index]}) θ in [{angle_label(low)}, {angle_label(high)}]")
    top = max(axes[str(index)].get_ylim()[1] for index in range(len(_RANGES)))
    for index in range(len(_RANGES)):
        axes[str(index)].set_ylim(0, top)
        if index:
            axes[str(index)].set_ylabel("")
    return figure, (
        f"Entangled and misclassified states over p, {outcome.card.title}: histograms for all angles and for four "
        f"ranges of θ, and a map of the misclassified. Dashed: beyond p = {threshold:.4f} every state is separable."
    )


def _histograms(
    panel: Axes,
    p: NDArray[np.float32],
    entangled: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    bins: int,
    threshold: float,
) -> None:
    edges = np.linspace(0, 1, bins + 1).tolist()
    panel.hist(p[entangled], edges, color=_ENTANGLED, label="entangled")
    panel.hist(p[wrong], edges, color=_MISCLASSIFIED, label="misclassified", alpha=0.85)
    panel.axvline(threshold, color=TRUTH, linewidth=0.8, linestyle="--")
    panel.set(xlim=(0, 1), xlabel="p", ylabel="states")
    panel.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    panel.xaxis.set_major_locator(MultipleLocator(0.2))
