"""The pictures of Figures 2 to 8, to be laid beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from qent_hw.experiments.paper.figures_curves import draw_figure5, draw_figure6, draw_figure7
from qent_hw.experiments.paper.figures_errors import draw_figure2, draw_figure3
from qent_hw.experiments.paper.figures_histograms import draw_figure4, draw_figure8
from qent_hw.experiments.paper.outcome import Outcome
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import finish

_DRAWERS: Mapping[int, Callable[[Outcome], tuple[Figure, str]]] = {
    2: draw_figure2,
    3: draw_figure3,
    4: draw_figure4,
    5: draw_figure5,
    6: draw_figure6,
    7: draw_figure7,
    8: draw_figure8,
}


def draw(outcome: Outcome, quick: bool) -> Picture:
    """The picture of a card whose tasks are done; `quick` stamps it so. To be called within `plain_style`."""
    card = outcome.card
    figure, caption = _DRAWERS[card.figure](outcome)
    figure.suptitle(f"Figure {card.figure}. {card.title}", fontsize=10.5, x=0.02, ha="left")
    if quick:
        figure.text(
            0.5,
            0.5,
            "quick",
            fontsize=90,
            rotation=25,
            ha="center",
            va="center",
            color="#c0392b",
            alpha=0.18,
            zorder=100,
        )
    return finish(figure, card.title, caption, caption)
