"""What of a run can be trusted: its verdicts, what they assume, whether that was contradicted, and what is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qent_hw.experiments.report.labels import thousands
from qent_hw.experiments.verdict_words import alarm_text, certificate_text, sight_text, verdicts_text
from qent_hw.hardware.backends import is_ibm
from qent_hw.verdicts.shifts import COMMON, sights

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run


def trust(run: Run) -> list[tuple[str, str]]:
    """(heading, text), in the order in which a reader needs them."""
    comparison = run.comparison
    rate = comparison["error_rate"]
    found = []
    for name, one in comparison["estimators"].items():
        known = one["calibrated_on"]
        made = (
            f"Calibrated on {thousands(known)} simulated states of this experiment."
            if known
            else "Not calibrated: its own probabilities are taken at their word."
        )
        found.append((f"Verdicts of {name}", f"{_sentence(verdicts_text(one['verdicts'], rate))} {made}"))
    found.append(("They assume", _sentence(_assumed(run))))
    if "alarm" in comparison:
        found.append(("Alarm", _sentence(alarm_text(comparison["alarm"]))))
        found.append(("What the alarm can see", _seen(run)))
    if "certificate" in comparison:
        found.append(("Certified, without the family", _sentence(certificate_text(comparison["certificate"]))))
    return found + [("Note", _sentence(note)) for note in comparison.get("notes", [])]


def _assumed(run: Run) -> str:
    family, channel = run.plan.family.title, run.runcard.channel.kind
    return (
        f"a state of the {family} family after {channel}, its parameters and strength as likely as each other, "
        f"measured on {_device(run)}. An error rate is the share of such separable states that are called entangled, "
        "and of such entangled ones that are called separable: on the average over the family, not for every state. "
        "Where the counts of a state do not fit this, its verdict is withheld"
    )


def _device(run: Run) -> str:
    if "record" in run.provenance["backend"]:
        return "the device as its record knows it"
    backend = run.comparison["backend"]
    if is_ibm(backend):
        return f"this pair of {backend} as it was published when the run was planned"
    return "an ideal device" if backend == "aer" else "the device as it is published"


def _seen(run: Run) -> str:
    """What would be noticed, had it been other than assumed."""
    settings, channel = run.measured.settings, run.runcard.channel.kind
    found = sights(run.plan.family, channel, settings, run.runcard.shots, COMMON)
    told = "; ".join(map(sight_text, found))
    return (
        f"With these settings and {thousands(run.runcard.shots)} shots in each, on states of the family with one thing "
        f"changed: {told}. No alarm is no proof that all is as assumed."
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
