"""The figures of a run: which there are. Drawing them is the business of the `figures_…` modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qent_hw.experiments.runcard import Points
from qent_hw.pages.picture import Picture

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.experiments.run import Run


def draw_figures(run: Run) -> dict[str, Picture]:
    """The figures of `run` by name, in the order of the report.

    Chosen states: `decay`, `scatter`, `features`. Random states: `scatter`, `reliability`, `trust`, `misclassified`,
    `pulls`.
    Before them `adaptive`, where shots were given out round by round.
    The same run gives the same bytes on the same versions.
    """
    drawers: dict[str, Callable[[Run], Picture]]
    # a second's worth of matplotlib, so only when there is something to draw
    from qent_hw.experiments.report.figures_adaptive import draw_adaptive
    from qent_hw.experiments.report.figures_decay import draw_decay
    from qent_hw.experiments.report.figures_features import draw_features, draw_pulls
    from qent_hw.experiments.report.figures_states import draw_misclassified, draw_reliability, draw_scatter
    from qent_hw.experiments.report.figures_trust import draw_trust
    from qent_hw.pages.style import plain_style

    if isinstance(run.runcard.states, Points):
        drawers = {"decay": draw_decay, "scatter": draw_scatter, "features": draw_features}
    else:
        drawers = {
            "scatter": draw_scatter,
            "reliability": draw_reliability,
            "trust": draw_trust,
            "misclassified": draw_misclassified,
            "pulls": draw_pulls,
        }
    if run.adaptive is not None:
        drawers = {"adaptive": draw_adaptive, **drawers}
    with plain_style():
        return {name: draw(run) for name, draw in drawers.items()}


def estimates_by_name(run: Run) -> dict[str, pd.DataFrame]:
    """The rows of `run.estimates` of each estimator that is compared, one per state in the states' order."""
    groups = run.estimates.groupby("estimator", sort=False)
    compared = run.comparison["estimators"]
    return {str(name): rows.sort_values("state") for name, rows in groups if name in compared}
