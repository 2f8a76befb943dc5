"""REPRODUCTION.md: every published number beside ours, agreeing or not, and what lies beyond the paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qent_hw.experiments.paper.card import FIGURES
from qent_hw.experiments.paper.feature_sets import NAMED
from qent_hw.experiments.paper.outcome import Measured, Outcome
from qent_hw.experiments.paper.published import EXACT_THRESHOLDS, PUBLISHED, Place, Published
from qent_hw.experiments.paper.sources import SPECTRUM_LAWS, law_text
from qent_hw.experiments.paper.tasks import all_tasks
from qent_hw.experiments.report.labels import thousands
from qent_hw.pages.environment import markdown_environment
from qent_hw.physics import settings_for

_TEMPLATE = "reproduction.md.j2"
_SPREADS = 3
# Two ways of training the same thing (initialisation, shuffling, held-out states) differ by about this much.
_SLACK = {"share": 0.002, "accuracy": 0.005, "r2": 0.005}
# An R² close to 1 is compared by what it lacks: 0.99999 and 0.995 are not the same.
_SLACK_OF_REST = 0.5
_NOT_RUN = "not run"
# Enough for every ± to show a figure that is not 0.
_MOST_DIGITS = 8


def render(outcomes: Mapping[int, Outcome], calls: list[dict[str, Any]], quick: bool) -> str:
    """The text of REPRODUCTION.md from what is done; what is not says so. `calls`: the notes of earlier calls."""
    summaries = {key: one for outcome in outcomes.values() for key, one in outcome.summaries().items()}
    n_tasks = len({key for outcome in outcomes.values() for key in all_tasks(outcome.card)})
    made = [one["made"] for one in summaries.values()]
    return (
        markdown_environment(Path(__file__).parent)
        .get_template(_TEMPLATE)
        .render(
            quick=quick,
            figures=[outcomes[number].card for number in FIGURES],
            rows=[_row(one, outcomes) for one in PUBLISHED],
            thresholds=_thresholds(outcomes),
            beyond=_beyond(outcomes),
            spectrum=_spectrum(outcomes),
            laws=_laws(outcomes),
            slack=_SLACK,
            spreads=_SPREADS,
            n_done=len(summaries),
            n_tasks=n_tasks,
            cpu_minutes=sum(one["cost"]["cpu_s"] for one in summaries.values()) / 60,
            longest_minutes=max((one["cost"]["wall_s"] for one in summaries.values()), default=0.0) / 60,
            calls=[one for one in calls if one["performed"] == one["asked"] == n_tasks],
            bell4=ours_text(PUBLISHED[3].place.measured(outcomes), True, 1),
            limit4=outcomes[5].limit("special").get(4) if "special" in outcomes[5].card.limits else None,
            date=max((one["date"] for one in made), default="")[:10],
            versions=made[0]["versions"] if made else {},
        )
    )


def agrees(published: Published, ours: Measured) -> bool:
    """The rule: within three spreads (for one seed, standard errors), or the slack, whichever is more."""
    scatter = ours.standard_error if ours.spread is None else ours.spread
    slack = _SLACK[published.kind]
    if published.kind == "r2":
        slack = min(slack, _SLACK_OF_REST * (1 - published.value))
    last_digit = 0.5 * 10.0 ** -(published.digits + 2 * published.percent)
    return abs(ours.mean - published.value) <= max(_SPREADS * scatter, slack) + last_digit


def text(value: float, percent: bool, digits: int) -> str:
    """A number as the paper prints it: "86.6%" or "0.975"."""
    return f"{100 * value:.{digits}f}%" if percent else f"{value:.{digits}f}"


def ours_text(ours: Measured | None, percent: bool, digits: int) -> str:
    """Mean ± spread over seeds, or one value ± its standard error, with the number of seeds."""
    if ours is None:
        return _NOT_RUN
    error = ours.standard_error if ours.spread is None else ours.spread
    while digits < _MOST_DIGITS and error * (100 if percent else 1) < 10.0**-digits / 2:
        digits += 1
    value, plus = text(ours.mean, percent, digits).removesuffix("%"), text(error, percent, digits).removesuffix("%")
    seeds = "1 seed" if ours.n_seeds == 1 else f"{ours.n_seeds} seeds"
    return f"{value} ± {plus}{'%' if percent else ''} ({seeds})"


def _row(published: Published, outcomes: Mapping[int, Outcome]) -> dict[str, str]:
    ours = published.place.measured(outcomes)
    row = {
        "what": published.what,
        "where": published.where,
        "published": text(published.value, published.percent, published.digits),
        "ours": ours_text(ours, published.percent, published.digits),
        "verdict": _NOT_RUN if ours is None else "yes" if agrees(published, ours) else "no",
        "why": "",
    }
    if ours is None:
        return row
    row["why"] = published.always
    swapped = published.swapped.measured(outcomes) if published.swapped else None
    if swapped is not None:
        row["why"] = f"the other way round we measure {ours_text(swapped, True, published.digits)}: see note 1"
        if not agrees(published, ours) and abs(swapped.mean - published.value) < abs(ours.mean - published.value):
            row["verdict"] = "no, swapped"
    elif not agrees(published, ours):
        difference = ours.mean - published.value
        points = f"{abs(100 * difference):.1f} points" if published.percent else f"{abs(difference):.3f}"
        reasons = (f"ours is {points} {'higher' if difference > 0 else 'lower'}", published.note, published.always)
        row["why"] = "; ".join(reason for reason in reasons if reason)
    return row


def _thresholds(outcomes: Mapping[int, Outcome]) -> list[dict[str, str]]:
    asked = (
        ("special", 3, "special 4-basis, dephasing", "p > 0.6"),
        ("two_basis", 2, "2-basis, depolarizing", "p > 2/3"),
    )
    rows = []
    for name, figure, what, published in asked:
        outcome, (exact, formula) = outcomes[figure], EXACT_THRESHOLDS[name]
        largest = outcome.largest_p(name)
        sample = outcome.card.samples[name]
        rows.append(
            {
                "what": what,
                "published": published,
                "exact": f"{formula} = {exact:.4f}",
                "largest": _NOT_RUN if largest is None else f"{largest:.4f}",
                "n": thousands(sample.n * len(sample.seeds)),
            }
        )
    return rows


def _beyond(outcomes: Mapping[int, Outcome]) -> list[dict[str, Any]]:
    """Feature set by feature set: the circuits it takes, and its scores."""
    columns: tuple[tuple[str, int, str, bool], ...] = (
        ("accuracy", 5, "special", True),
        ("accuracy", 5, "mixed", True),
        ("r2", 8, "two_basis", False),
        ("r2", 8, "special", False),
        ("r2", 8, "general", False),
        ("r2", 8, "mixed", False),
    )
    rows = []
    for label in ("bell4", "bell8", "two_settings", "tomo15"):
        cells = []
        for kind, figure, name, percent in columns:
            place = Place(figure, name, label)
            if kind == "r2" and label in ("bell8", "two_settings"):
                place = Place(figure, f"beyond_{name}", label)
            if kind == "r2" and label == "tomo15":
                place = Place(7, f"curve_{name}", "15")
            cells.append(ours_text(place.measured(outcomes), percent, 1 if percent else 4))
        rows.append(
            {
                "name": label,
                "features": " ".join(NAMED[label]),
                "circuits": len(settings_for(NAMED[label])),
                "cells": cells,
            }
        )
    return rows


def _laws(outcomes: Mapping[int, Outcome]) -> list[list[str]]:
    """Spectrum law by law, the one used first: entangled share, accuracies, R², and accuracy on dephased states."""
    chosen = [
        Place(4, "mixed"),
        *(Place(5, "mixed", label) for label in ("bell4", "tomo15")),
        Place(8, "mixed", "bell4"),
    ]
    rows = [("mixed", [*chosen, Place(5, "mixed", "tomo15", "special")])]
    for name in outcomes[4].card.states:
        if name.startswith("law_"):
            trained = [Place(4, f"{name}_classifier", label) for label in ("bell4", "tomo15")]
            rest = [Place(4, f"{name}_regressor", "bell4"), Place(4, f"{name}_classifier", "tomo15", "special")]
            rows.append((name, [Place(4, name), *trained, *rest]))
    described = []
    for name, places in rows:
        cells = [
            ours_text(place.measured(outcomes), index != 3, 3 if index == 3 else 1)
            for index, place in enumerate(places)
        ]
        described.append([f"`{law_text(outcomes[4].card.states[name].spectrum or {})}`", *cells])
    return described


def _spectrum(outcomes: Mapping[int, Outcome]) -> str:
    entry = dict(outcomes[4].card.states["mixed"].spectrum or {})
    words = SPECTRUM_LAWS[entry["law"]].words
    return f"`{law_text(entry)}`: {words}"
