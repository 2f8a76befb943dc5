"""Verdicts and alarm of a run in words: what a run prints, and what its report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scipy.stats import binom

if TYPE_CHECKING:
    from qent_hw.experiments.judging import Judgement
    from qent_hw.verdicts.shifts import Sight

# a chance below which more alarms than expected are no accident
_NO_ACCIDENT = 1e-3


def verdicts_text(figures: Mapping[str, Any], error_rate: float) -> str:
    """What an estimator's verdicts came to: content of its block `verdicts` in `comparison.json`."""
    kinds = ("entangled", "separable", "undecided", "withheld")
    parts = [f"{figures[name]:,} {name}" for name in kinds if figures[name] or name != "withheld"]
    wrong = [
        f"{100 * figures[name]:.1f} ± {max(100 * figures[name + '_se'], 0.05):.1f}% of {words}"
        for name, words in (
            ("separable_called_entangled", "the separable states are called entangled"),
            ("entangled_called_separable", "the entangled ones separable"),
        )
        if figures[name] is not None
    ]
    return f"{', '.join(parts)}; {', '.join(wrong)} ({100 * error_rate:g}% allowed)"


def alarm_text(alarm: Mapping[str, Any]) -> str:
    """What the alarm came to: content of the block `alarm` of `comparison.json`."""
    fired, n, rate = alarm["fired"], alarm["n_states"], alarm["rate"]
    text = (
        f"the counts of {fired:,} of {n:,} states do not fit what is assumed ({100 * alarm['share']:.1f} ± "
        f"{max(100 * alarm['share_se'], 0.05):.1f}%, where {100 * rate:g}% do when all is as assumed)"
    )
    if too_many(alarm):
        return (
            f"{text}. That is more than chance explains: states or device are not as assumed, and also the verdicts "
            "that are not withheld rest on what these counts contradict"
        )
    return f"{text}; as many as chance explains" if fired else text


def too_many(alarm: Mapping[str, Any]) -> bool:
    """Whether so many alarms are no accident. The simulated experiments behind the alarm leave its rate open by about a
    third; that is allowed for."""
    fired, n, rate = alarm["fired"], alarm["n_states"], alarm["rate"]
    open_ = (rate * (1 - rate) / alarm["simulated"]) ** 0.5
    return bool(binom.sf(fired - 1, n, min(rate + 2 * open_, 1.0)) < _NO_ACCIDENT)


def certificate_text(figures: Mapping[str, Any]) -> str:
    """What is proven: content of the block `certificate` of `comparison.json`."""
    sure = f"{100 * figures['confidence']:g}%"
    if figures["reach"] is None:
        return "none of the family's states is entangled"
    if "certified" not in figures:
        return (
            "none. These settings cannot prove entanglement of any state of the family (none of "
            f"{figures['reach_states']} random entangled ones), whatever the shots: some separable state gives the "
            "same counts"
        )
    text = (
        f"{figures['certified']:,} states are entangled at {sure} confidence, whatever their family (no separable "
        f"state fits their counts; {figures['of_entangled']:,} truly are)"
    )
    if figures["false"]:
        text += f", {figures['false']} of them wrongly"
    share = f"{100 * figures['reach']:.0f} ± {max(100 * figures['reach_se'], 0.5):.0f}%"
    return f"{text}. With enough shots these settings certify {share} of the family's entangled states"


def sight_text(sight: Sight) -> str:
    """Whether the settings see a shift, and if not which further one would."""
    seen = f"{sight.shift.title}: seen in {100 * sight.power:.0f}% of states"
    if not sight.blind:
        return seen
    if sight.extra is None or sight.extra_power <= 2 * sight.power:
        return f"{sight.shift.title}: not seen, and no further setting would: such states are of the family too"
    return f"{sight.shift.title}: not seen; with setting {sight.extra} it would be, in {100 * sight.extra_power:.0f}%"


def judged_text(judged: Judgement) -> str:
    """What verdicts rest on, below a table of them."""
    if judged.notes:
        return "; ".join(judged.notes)
    fired = judged.fired
    checked = "" if fired is None else f"; {int(fired.sum())} of {len(fired)} withheld, as counts do not fit the family"
    n = max(judged.calibrated.values(), default=0)
    return f"Calibrated on {n:,} simulated states, error rate {100 * judged.error_rate:g}% on each side{checked}"
