"""Are probabilities, intervals and verdicts true? Estimators calibrated on simulated states, and tried on others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qent_hw.estimators.bayes import BayesEstimates
from qent_hw.estimators.catalogue import is_network, make_estimator
from qent_hw.estimators.estimates import Estimates
from qent_hw.estimators.situation import Situation
from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.report.marks import mark_handle, marks
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import World
from qent_hw.experiments.verdict_studies.share_lines import draw_shares
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, WIDTH, finish, grid_of_axes, legend_above, new_figure, plain_style
from qent_hw.physics import ALL_SETTINGS
from qent_hw.verdicts.calibration import Rehearsal, bayes_verdicts, calibration_of, rehearse
from qent_hw.verdicts.quality import calibration_error, coverage_by_concurrence, error_rates, reliability

Number = Annotated[int, Field(ge=1000, le=10_000_000, strict=True)]
_FEWEST_IN_BIN = 50
Rate = Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)]


class Options(BaseModel):
    """estimators: those of nine settings where the case has them. calibration, states: of networks, on which they are
    calibrated and tried; slow_calibration, slow_states: the same of other estimators. error_rate: of verdicts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    estimators: Annotated[list[str], Field(min_length=1)] = ["bell4", "bell8", "likelihood", "bayes"]
    calibration: Number = 40_000
    states: Number = 100_000
    slow_calibration: Number = 4000
    slow_states: Number = 4000
    error_rate: Rate = 0.01


def perform(
    case: Case, world: World, shots: int, options: Options, seed: np.random.SeedSequence
) -> list[dict[str, Any]]:
    """A row of each estimator."""
    rows = []
    names = [one.name for one in case.estimators] if case.estimators else options.estimators
    for name, child in zip(names, seed.spawn(len(names)), strict=True):
        network = is_network(name)
        settings = tuple(case.settings)
        if network or name.startswith("tomography"):
            probe = make_estimator(name, Situation(world.assumed, case.channel, shots, ALL_SETTINGS))
            settings = tuple(probe.settings)
        told = Situation(world.assumed, case.channel, shots, settings)
        estimator = make_estimator(name, told)
        rehearsed, tried, first, second, dice = child.spawn(5)
        n = options.states if network else options.slow_states
        test = rehearse(replace(told, states=world.actual), n, tried)
        found = estimator.estimate(test.counts, second)
        if isinstance(found, BayesEstimates):
            calibrated: Estimates = found
            verdict, n_known = bayes_verdicts(found, options.error_rate), 0
        else:
            n_known = options.calibration if network else options.slow_calibration
            known = calibration_of(estimator, rehearse(told, n_known, rehearsed), first)
            calibrated, verdict = known.estimates(found), known.verdicts(found, options.error_rate)
        rows.append(
            {"estimator": name, "settings": len(settings), "calibrated on": n_known, "states": n}
            | _figures(found, calibrated, verdict, test, np.random.default_rng(dice))
        )
    return rows


def _figures(
    raw: Estimates, calibrated: Estimates, verdict: NDArray[np.str_], test: Rehearsal, rng: np.random.Generator
) -> dict[str, Any]:
    entangled, true = test.entangled, test.concurrence
    was, is_ = (calibration_error(one.p_entangled, entangled, rng) for one in (raw, calibrated))
    inside, before = (_covered(one, true) for one in (calibrated, raw))
    by_concurrence = coverage_by_concurrence(inside, true)
    rates = error_rates(verdict, entangled)
    found: dict[str, Any] = {
        "ece_raw": was.value,
        "ece": is_.value,
        "ece_se": is_.error,
        "ece_floor": is_.floor,
        "coverage_raw": float(before.mean()),
        "coverage": float(inside.mean()),
        "coverage_se": share_error(inside.sum(), len(inside)),
        "coverage_least": min(share for _, share, _ in by_concurrence),
        "coverage_raw_least": min(share for _, share, _ in coverage_by_concurrence(before, true)),
        "width": float((calibrated.concurrence_high - calibrated.concurrence_low).mean()),
    }
    for name, (share, n) in rates.items():
        found[name] = share
        found[f"{name}_se"] = share_error(share * n, n) if n else float("nan")
    return found | {
        "_reliability": json.dumps(reliability(calibrated.p_entangled, entangled)),
        "_reliability_raw": json.dumps(reliability(raw.p_entangled, entangled)),
        "_coverage": json.dumps(by_concurrence),
        "_coverage_raw": json.dumps(coverage_by_concurrence(before, true)),
    }


def _covered(one: Estimates, true: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (one.concurrence_low <= true) & (true <= one.concurrence_high)
    return inside


def claims(frame: pd.DataFrame) -> list[str]:
    """What came out."""
    made = frame[frame["calibrated on"] > 0]
    networks = made[made["estimator"].isin(["bell4", "bell8", "tomo15"])]
    found = []
    for rows, what in ((networks, "networks"), (made[~made.index.isin(networks.index)], "other calibrated estimators")):
        if rows.empty:
            continue
        worst = rows.loc[rows["ece"].idxmax()]
        found.append(
            f"P(entangled) of {what}: expected calibration error at most {100 * worst['ece']:.2f} ± "
            f"{100 * worst['ece_se']:.2f}% ({_where(worst)}; perfect probabilities show "
            f"{100 * worst['ece_floor']:.2f}% on so many states), before calibration up to "
            f"{100 * rows['ece_raw'].max():.1f}%."
        )
        off = rows.loc[(rows["coverage"] - 0.9).abs().idxmax()]
        least, raw = rows.loc[rows["coverage_least"].idxmin()], rows.loc[rows["coverage_raw_least"].idxmin()]
        found.append(
            f"90% intervals of {what} hold the concurrence of {100 * rows['coverage'].min():.1f} to "
            f"{100 * rows['coverage'].max():.1f}% of states (farthest off {100 * off['coverage']:.1f} ± "
            f"{100 * off['coverage_se']:.1f}%, {_where(off)}). In the worst tenth of the entangled states, by "
            f"concurrence, {100 * least['coverage_least']:.1f}% ({_where(least)}); before calibration "
            f"{100 * raw['coverage_raw_least']:.1f}% ({_where(raw)})."
        )
    for name, words in (
        ("separable_called_entangled", "separable states called entangled"),
        ("entangled_called_separable", "entangled states called separable"),
    ):
        worst = made.loc[made[name].idxmax()]
        found.append(
            f"{words[0].upper()}{words[1:]}: {100 * made[name].mean():.2f}% on the mean of {len(made)} rows, at most "
            f"{100 * worst[name]:.2f} ± {100 * worst[name + '_se']:.2f}% ({_where(worst)})."
        )
    bayes = frame[frame["estimator"] == "bayes"]
    if not bayes.empty:
        found.append(
            "Verdicts of the posterior, which nothing calibrates, are wrong in "
            f"{100 * bayes['wrong_of_entangled'].mean():.2f}% of those that say entangled and "
            f"{100 * bayes['wrong_of_separable'].mean():.2f}% of those that say separable (mean of {len(bayes)} rows "
            f"of {int(bayes['states'].iloc[0]):,} states)."
        )
    return found


def figures(frame: pd.DataFrame) -> dict[str, Picture]:
    """Reliability of P(entangled), coverage by concurrence, and how many states stay undecided."""
    with plain_style():
        return {"reliability": _reliability(frame), "coverage": _coverage(frame), "undecided": _undecided(frame)}


def _reliability(frame: pd.DataFrame) -> Picture:
    def draw(axis: Axes, row: dict[str, Any], column: str, look: dict[str, Any]) -> None:
        mean, share, n = np.array(json.loads(row[column])).T
        seen = n >= _FEWEST_IN_BIN
        error = np.sqrt((share + 1 / n) * (1 - share + 1 / n) / n)
        axis.errorbar(mean[seen], share[seen], error[seen] if look["marker"] else None, **look)

    figure, axes = _panels(frame, "reliability", draw)
    for axis in axes:
        axis.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8)
        axis.set(xlabel="P(entangled)", ylabel="share that is entangled")
    caption = (
        f"At {_middle(frame):,} shots a state. Solid: calibrated; dotted: as the estimator says it; bars: one standard "
        f"error; bins of fewer than {_FEWEST_IN_BIN} states are left out."
    )
    return finish(figure, "Is P(entangled) true?", caption, "share of entangled states against P(entangled)")


def _coverage(frame: pd.DataFrame) -> Picture:
    def draw(axis: Axes, row: dict[str, Any], column: str, look: dict[str, Any]) -> None:
        at, share, _ = np.array(json.loads(row[column])).T
        axis.plot(at, 100 * share, **look)

    figure, axes = _panels(frame, "coverage", draw)
    for axis in axes:
        axis.axhline(90, color=QUIET, linewidth=0.8)
        axis.set(xlabel="true concurrence", ylabel="inside the 90% interval / %", ylim=(50, 101))
    caption = (
        f"At {_middle(frame):,} shots a state: the separable states at 0, and ten parts of the entangled ones. Solid: "
        "calibrated, except for the posterior; dotted: as the estimator says it. What lies below 50% is cut off."
    )
    return finish(figure, "Do intervals hold the truth?", caption, "coverage against the true concurrence")


def _panels(
    frame: pd.DataFrame, what: str, draw: Callable[[Axes, dict[str, Any], str, dict[str, Any]], None]
) -> tuple[Figure, list[Axes]]:
    """A panel for each case at the middle number of shots; `draw` puts a row's column into it, calibrated and not."""
    shown = frame[frame["shots"] == _middle(frame)]
    looks = marks(dict.fromkeys(frame["estimator"]))
    cases = list(shown.groupby("title", sort=False))
    figure = new_figure(WIDTH, 0.9 + 3.0 * -(-len(cases) // 2))
    axes = grid_of_axes(figure, len(cases), 2)
    for axis, (title, rows) in zip(axes, cases, strict=True):
        axis.set_title(title)
        for row in rows.to_dict("records"):
            mark = looks[row["estimator"]]
            look = {"color": mark.colour, "markersize": 3.5, "linewidth": 1.0}
            if row["calibrated on"]:
                draw(axis, row, f"_{what}_raw", {**look, "linestyle": ":", "marker": ""})
            draw(axis, row, f"_{what}", {**look, "linestyle": "-", "marker": mark.marker})
    legend_above(figure, [mark_handle(mark, name) for name, mark in looks.items()])
    return figure, axes


def _undecided(frame: pd.DataFrame) -> Picture:
    looks = marks(dict.fromkeys(frame["estimator"]))
    panels = list(frame.groupby("title", sort=False))
    figure = new_figure(WIDTH, 0.9 + 2.8 * -(-len(panels) // 2))
    for axis, (title, rows) in zip(grid_of_axes(figure, len(panels), 2), panels, strict=True):
        draw_shares(axis, rows, "undecided", "estimator", looks)
        axis.set(title=title, ylabel="undecided / %", ylim=(-2, 102))
    legend_above(figure, [mark_handle(mark, name) for name, mark in looks.items()])
    caption = "States for which neither verdict is possible at that error rate; bands: one standard error."
    return finish(figure, "What stays undecided", caption, "share of undecided states against shots")


def _middle(frame: pd.DataFrame) -> int:
    shots = sorted(frame["shots"].unique())
    return int(shots[len(shots) // 2])


def _where(row: pd.Series) -> str:
    return f"{row['estimator']}, {row['title']}, {int(row['shots']):,} shots, {int(row['states']):,} states"
