"""When does the alarm fire: as often as it should where all is as assumed, and how often where something is not?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from qent_hw.circuits import Family, load_family
from qent_hw.estimators.situation import Situation, measured, shared_out
from qent_hw.estimators.sources import Drawn, FamilyStates
from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.report.marks import mark_handle, marks
from qent_hw.experiments.study.card import MIXED, Case
from qent_hw.experiments.study.cases import World
from qent_hw.experiments.verdict_studies.share_lines import draw_shares
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, grid_of_axes, legend_above, new_figure, plain_style
from qent_hw.verdicts.alarm import Alarm, alarm_of
from qent_hw.verdicts.calibration import rehearse
from qent_hw.verdicts.shifts import BLIND, sights

Number = Annotated[int, Field(ge=100, le=1_000_000, strict=True)]
NONE, UNTOLD = "nothing", "device"


class Options(BaseModel):
    """null: simulated experiments that p-values are ranks among. states: on which the false-alarm rate is measured;
    shifted: on which the power against each shift is. rate: of false alarms.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    null: Number = 4000
    states: Number = 10_000
    shifted: Number = 1000
    rate: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = 0.01


def perform(
    case: Case, world: World, shots: int, options: Options, seed: np.random.SeedSequence
) -> list[dict[str, Any]]:
    """A row of where nothing is shifted, and of every shift."""
    known, null, actual, *seeds = seed.spawn(20)
    told = Situation(world.assumed, case.channel, shots, tuple(case.settings))
    alarm = alarm_of(told, rehearse(told, options.null, known).counts, null)
    trial = _Trial(alarm, told, options)
    rows = [trial.row(NONE, "as assumed", world.actual.draw, options.states, actual)]
    if case.device is not None and isinstance(world.assumed, FamilyStates) is False:
        ideal = replace(told, states=FamilyStates(load_family(case.family)))
        untold = alarm_of(ideal, rehearse(ideal, options.null, seeds[0]).counts, seeds[1])
        words = "the device, taken for an ideal one"
        rows.append(_Trial(untold, ideal, options).row(UNTOLD, words, world.actual.draw, options.shifted, seeds[2]))
    elif case.family != MIXED:
        family = load_family(case.family)
        forecast = sights(family, case.channel, told.settings, int(shared_out(shots, told.settings).min()))
        for sight, child in zip(forecast, seeds, strict=False):
            shift = sight.shift
            row = trial.row(shift.name, shift.title, _drawing(shift.draw, family), options.shifted, child)
            rows.append(row | {"foretold": sight.power, "with": sight.extra, "foretold_with": sight.extra_power})
    return rows


@dataclass(frozen=True)
class _Trial:
    """An alarm that is tried on states of several kinds."""

    alarm: Alarm
    told: Situation
    options: Options

    def row(self, name: str, title: str, draw: Any, n: int, seed: np.random.SeedSequence) -> dict[str, Any]:
        states, dice, fit = seed.spawn(3)
        drawn: Drawn = draw(self.told.channel, n, np.random.default_rng(states))
        counts = measured(drawn, self.told.settings, self.told.shots, np.random.default_rng(dice))
        fired = self.alarm.p_values(counts, fit) <= self.options.rate
        return {
            "settings": ",".join(self.told.settings),
            "shift": name,
            "what is shifted": title,
            "states": n,
            "fires": float(fired.mean()),
            "fires_se": share_error(fired.sum(), n),
            "rate": self.options.rate,
            "foretold": None,
            "with": None,
            "foretold_with": None,
        }


def _drawing(draw: Any, family: Family) -> Any:
    return lambda channel, n, rng: draw(family, channel, n, rng)


def claims(frame: pd.DataFrame) -> list[str]:
    """What came out."""
    calm = frame[frame["shift"] == NONE]
    rate = float(frame["rate"].iloc[0])
    worst = calm.loc[(calm["fires"] - rate).abs().idxmax()]
    found = [
        f"Where all is as assumed the alarm fires for {100 * calm['fires'].mean():.2f}% of states ({100 * rate:g}% is "
        f"what it is made for), on the mean of {len(calm)} rows of {int(calm['states'].iloc[0]):,}; farthest off is "
        f"{100 * worst['fires']:.2f} ± {100 * worst['fires_se']:.2f}% ({worst['title']}, {int(worst['shots']):,} "
        "shots). The ranks' own scatter, of the simulated experiments behind them, comes on top."
    ]
    for title, rows in frame[~frame["shift"].isin([NONE])].groupby("title", sort=False):
        most = rows[rows["shots"] == rows["shots"].max()]
        seen = ", ".join(
            f"{row['what is shifted']}: {100 * row['fires']:.1f} ± {max(100 * row['fires_se'], 0.05):.1f}%"
            for row in most.to_dict("records")
        )
        found.append(f"{title}, {int(most['shots'].iloc[0]):,} shots, how often it fires: {seen}.")
        for row in most.to_dict("records"):
            if row["foretold"] is not None and row["foretold"] <= BLIND:
                found.append(_blind(str(title), row))
    return found


def _blind(title: str, row: dict[str, Any]) -> str:
    what = f"{title}: {row['what is shifted']} is not seen"
    if row["foretold_with"] <= BLIND:
        return f"{what}, nor by any further setting: the shifted states are of the family."
    return f"{what}; with {row['with']} too it would be, in {100 * row['foretold_with']:.0f}% of states."


def figures(frame: pd.DataFrame) -> dict[str, Picture]:
    """How often the alarm fires against shots."""
    with plain_style():
        return {"power": _power(frame)}


def _power(frame: pd.DataFrame) -> Picture:
    panels = list(frame.groupby("title", sort=False))
    figure = new_figure(WIDTH, 1.1 + 3.1 * -(-len(panels) // 2))
    looks = marks(dict.fromkeys(frame["what is shifted"]))
    for axis, (title, rows) in zip(grid_of_axes(figure, len(panels), 2), panels, strict=True):
        draw_shares(axis, rows, "fires", "what is shifted", looks)
        axis.axhline(100 * rows["rate"].iloc[0], color=QUIET, linewidth=0.7, linestyle=":")
        axis.set_yscale("symlog", linthresh=2, linscale=0.6)
        axis.set_ylim(0, 115)
        axis.set_yticks([0, 1, 2, 5, 10, 20, 50, 100], ["0", "1", "2", "5", "10", "20", "50", "100"])
        axis.set(title=title, ylabel="alarm fires / %")
    legend_above(figure, [mark_handle(mark, name) for name, mark in looks.items()], columns=3)
    caption = "Bands: one standard error. The dotted line is the rate of false alarms it is made for."
    return finish(figure, "How often the alarm fires", caption, "share of states with an alarm against shots")
