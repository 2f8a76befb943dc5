"""The figures of a run: which there are. Drawing them is the business of the `figures_…` modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qent_hw.experiments.runcard import Points

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.experiments.run import Run


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes
    ----------
    title, caption
        what it is, and how to read it.
    alt
        what it shows, for those who do not see it.
    png, svg
        the figure itself; text in the SVG is drawn as paths, so that it needs no font.
    width
        in CSS pixels, so that its text is as large as that of a page around it.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    svg: str
    width: int


def draw_figures(run: Run) -> dict[str, Picture]:
    """The figures of `run` by name, in the order of the report.

    Chosen states: `decay`, `scatter`, `features`. Random states: `scatter`, `reliability`, `misclassified`, `pulls`.
    The same run gives the same bytes on the same versions.
    """
    # a second's worth of matplotlib, so only when there is something to draw
    from qent_hw.experiments.report.figures_decay import draw_decay
    from qent_hw.experiments.report.figures_features import draw_features, draw_pulls
    from qent_hw.experiments.report.figures_states import draw_misclassified, draw_reliability, draw_scatter
    from qent_hw.experiments.report.figures_style import plain_style

    if isinstance(run.runcard.states, Points):
        drawers = {"decay": draw_decay, "scatter": draw_scatter, "features": draw_features}
    else:
        drawers = {
            "scatter": draw_scatter,
            "reliability": draw_reliability,
            "misclassified": draw_misclassified,
            "pulls": draw_pulls,
        }
    with plain_style():
        return {name: draw(run) for name, draw in drawers.items()}


def estimates_by_name(run: Run) -> dict[str, pd.DataFrame]:
    """The rows of `run.estimates` of each estimator, one per state in the states' order."""
    return {str(name): rows.sort_values("state") for name, rows in run.estimates.groupby("estimator", sort=False)}
