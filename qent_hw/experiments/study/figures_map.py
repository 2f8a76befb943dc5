"""Where verdicts go wrong: the share of wrong ones over two parameters of the states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qent_hw.circuits import load_family
from qent_hw.experiments.report.labels import parameter_label
from qent_hw.experiments.study.card import Study
from qent_hw.experiments.study.study import Finished
from qent_hw.experiments.study.words import case_title
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import WIDTH, finish, grid_of_axes, new_figure

_COLUMNS = 4
# of a case's shots the one that is mapped: few enough that everyone errs, enough that not everywhere
_WANTED_SHOTS = 4000
_TURN_TICKS = 4


def draw_map(study: Study, finished: Sequence[Finished]) -> Picture | None:
    """The share of wrong verdicts of each estimator, in the first case that has both parameters; None without any."""
    mapped = [one for one in finished if one.rows and "map" in one.rows[0]]
    if study.map is None or not mapped:
        return None
    case = mapped[0].cell.case
    shots = min({one.cell.shots for one in mapped}, key=lambda number: abs(np.log(number / _WANTED_SHOTS)))
    shown = [one for one in mapped if (one.cell.case, one.cell.shots) == (case, shots)]
    ranges = {one.name: (one.low, one.high) for one in load_family(case.family).parameters} | {"p": (0.0, 1.0)}
    figure = new_figure(WIDTH, 0.9 + 2.5 * -(-len(shown) // _COLUMNS))
    axes = grid_of_axes(figure, len(shown), _COLUMNS, sharex=True, sharey=True)
    x, y = study.map
    extent = (*ranges[x], *ranges[y])
    for axis, one in zip(axes, shown, strict=True):
        seen, wrong = np.sum([row["map"] for row in one.rows], axis=0)
        share = np.divide(wrong, seen, out=np.full(seen.shape, np.nan), where=seen > 0)
        image = axis.imshow(
            100 * share.T, origin="lower", extent=extent, aspect="auto", cmap="magma_r", vmin=0, vmax=50
        )
        axis.set_title(one.cell.chosen.label)
        axis.set_xlabel(parameter_label(x))
        axis.set_ylabel(parameter_label(y))
        for name, place in ((x, axis.xaxis), (y, axis.yaxis)):
            low, high = ranges[name]
            if np.isclose((high - low) % (np.pi / 2), 0) and high > 1:
                ticks = np.linspace(low, high, _TURN_TICKS + 1)
                place.set_ticks(ticks, [f"{tick / np.pi:g}π" if tick else "0" for tick in ticks])
    figure.colorbar(image, ax=axes, label="wrong verdicts / %", shrink=0.9)
    caption = (
        f"{case_title(case)}, {shots:,} shots a state: the share of wrong verdicts over {parameter_label(x)} and "
        f"{parameter_label(y)}, other parameters at random. Errors gather where a state is barely entangled."
    )
    alt = f"maps of the share of wrong verdicts over {x} and {y}, one for each estimator"
    return finish(figure, "Where verdicts go wrong", caption, alt)
