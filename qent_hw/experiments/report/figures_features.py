"""The measured features: against the noise over the exact curves, or as pulls against the unit normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from qent_hw.experiments.report.decay import decays, strength_axis
from qent_hw.experiments.report.figures_decay import noise_axis
from qent_hw.experiments.report.labels import feature_label, signed
from qent_hw.experiments.report.measured_features import measured_features, summarise_pulls
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, TRUTH, WIDTH, finish, grid_of_axes, legend_above, new_figure
from qent_hw.physics import FEATURES

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

_MOST_STATES = 3
_COLOUR = "#00796b"
_PULL_COLUMNS = 4
_PULL_BINS = 41
_NARROWEST_PULL_RANGE = 5.0


def draw_features(run: Run) -> Picture:
    """Each measured feature of the chosen states against the noise, with standard errors, over its exact curve."""
    axis, measured, every = strength_axis(run), measured_features(run), decays(run)
    shown = every[:_MOST_STATES]
    n_features = len(measured.names)
    figure = new_figure(WIDTH if len(shown) > 1 else 0.62 * WIDTH, 0.9 + 0.72 * n_features)
    axes = figure.subplots(n_features, len(shown), squeeze=False, sharey=True)
    for column, decay in enumerate(shown):
        axes[0, column].set_title(decay.label)
        axes[-1, column].set_xlabel(axis.title)
        for row, name in enumerate(measured.names):
            panel = axes[row, column]
            noise_axis(panel, axis, decay)
            panel.axhline(0, color=QUIET, linewidth=0.5, zorder=0.5)
            panel.plot(decay.grid, decay.features[:, FEATURES.index(name)], color=TRUTH, linewidth=1.0)
            panel.errorbar(
                decay.measured_at, measured.values[decay.states, row], yerr=measured.errors[decay.states, row], fmt="o",
                color=_COLOUR, markersize=2.6, markeredgewidth=0, elinewidth=0.8, zorder=3,
            )  # fmt: skip
            panel.set_ylim(-1.08, 1.08)
            panel.set_yticks([-1, 0, 1])
            if row < n_features - 1:
                panel.tick_params(labelbottom=False)
            if column == 0:
                panel.set_ylabel(feature_label(name), rotation=0, ha="right", va="center")
    legend_above(
        figure,
        [
            Line2D([], [], color=_COLOUR, marker="o", markersize=3.5, linewidth=0.8, label="measured ± standard error"),
            Line2D([], [], color=TRUTH, linewidth=1.0, label="exact, after what was injected"),
        ],
    )
    left_out = f" The first {len(shown)} of {len(every)} states are shown." if len(shown) < len(every) else ""
    return finish(
        figure,
        "Measured features",
        "What the estimators see: averages of outcomes ±1, the first letter the axis of qubit 1, the second that of "
        "qubit 2, 1 for a qubit that is not looked at. A device that adds noise of its own takes the points off the "
        f"curve: that is its bias.{left_out}",
        f"Measured features {', '.join(measured.names)} with standard errors over the exact curves",
    )


def draw_pulls(run: Run) -> Picture:
    """A histogram of (measured − exact) in standard errors for each feature, over the unit normal."""
    measured = measured_features(run)
    summaries = {summary.feature: summary for summary in summarise_pulls(measured)}
    finite = np.abs(measured.pulls[np.isfinite(measured.pulls)])
    reach = max(_NARROWEST_PULL_RANGE, float(np.quantile(finite, 0.998))) if len(finite) else _NARROWEST_PULL_RANGE
    edges = np.linspace(-reach, reach, _PULL_BINS + 1)
    curve = np.linspace(-reach, reach, 400)
    rows = -(-len(measured.names) // _PULL_COLUMNS)
    figure = new_figure(WIDTH, 0.7 + 2.0 * rows)
    axes = grid_of_axes(figure, len(measured.names), _PULL_COLUMNS, sharex=True, sharey=True)
    for panel, name, pulls in zip(axes, measured.names, measured.pulls.T, strict=True):
        pulls = pulls[np.isfinite(pulls)]
        if len(pulls):
            weights = np.full(len(pulls), 1 / (len(pulls) * (edges[1] - edges[0])))
            panel.hist(np.clip(pulls, -reach, reach), edges.tolist(), weights=weights, color=_COLOUR, alpha=0.55)
        panel.plot(curve, np.exp(-(curve**2) / 2) / np.sqrt(2 * np.pi), color=TRUTH, linewidth=1.0)
        panel.set_yticks([])
        panel.spines["left"].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        one = summaries.get(name)
        figures = "" if one is None else f": {signed(one.mean, 2)}, {one.std:.2f}"
        panel.set_title(feature_label(name) + figures)
    for panel in axes[-_PULL_COLUMNS:]:
        panel.set_xlabel("pull (standard errors)")
    legend_above(
        figure,
        [
            Line2D([], [], color=_COLOUR, alpha=0.55, linewidth=6, label="measured − exact"),
            Line2D([], [], color=TRUTH, linewidth=1.0, label="unit normal: shot noise alone"),
        ],
    )
    return finish(
        figure,
        "Measured minus exact features",
        "In units of the standard error that the shots give; each title has the mean and the standard deviation. Shot "
        "noise alone gives the black curve (0 and 1); a shifted or wider histogram is what the device adds. Values "
        "beyond the axis are counted in its outermost bars.",
        "Histograms of measured minus exact features in standard errors, against the unit normal",
    )
