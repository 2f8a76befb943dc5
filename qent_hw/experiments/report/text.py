"""What the report says in words: what was done, what came out, and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from math import isinf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.experiments.provenance import idle_of
from qent_hw.experiments.report.adaptive import adaptive_assumptions, adaptive_outcome
from qent_hw.experiments.report.decay import death_text, decays, strength_axis
from qent_hw.experiments.report.labels import thousands
from qent_hw.experiments.runcard import Points
from qent_hw.experiments.summary import with_error
from qent_hw.experiments.trained_for import has_device_noise, training_remarks
from qent_hw.physics import ALL_SETTINGS, IdleChannel

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

# more of them are left to their table
_MOST_DEATHS = 4


def what_was_done(run: Run) -> list[tuple[str, str]]:
    """(heading, sentence) on the states, the noise, the measurement and the truth."""
    done = [
        ("Prepared", _prepared(run)),
        ("Noise", _injected(run)),
        ("Measured", _measured(run)),
        ("Truth", _truth(run)),
    ]
    return done if run.adaptive is None else [*done, ("Adaptive shots", adaptive_outcome(run))]


def what_came_out(run: Run) -> list[tuple[str, str]]:
    """(estimator, sentence): accuracy and R², each with its standard error, and the number of states."""
    n = thousands(run.comparison["n_states"])
    results = []
    for name, one in run.comparison["estimators"].items():
        accuracy = with_error(one["accuracy"], one["accuracy_se"], percent=True)
        concurrence = (
            "all have the same concurrence, so R² is not defined"
            if one["r2"] is None
            else f"R² of the concurrence {with_error(one['r2'], one['r2_se'])}"
        )
        results.append((name, f"verdict right for {accuracy} of {n} states{_constant(one)}; {concurrence}"))
    return results


def _constant(figures: Mapping[str, Any]) -> str:
    """A remark on verdicts that are all the same, whose accuracy says nothing."""
    confusion, calls = figures["confusion"], ("entangled", "separable")
    made = [call for call in calls if any(confusion[f"{truth}_called_{call}"] for truth in calls)]
    return "" if len(made) > 1 else f", as every one was called {made[0]}"


def assumptions(run: Run) -> list[tuple[str, str]]:
    """(heading, text) of everything a reader must grant before believing the verdicts."""
    family, channel = run.plan.family.title, run.runcard.channel.kind
    n_settings = len(run.measured.settings)
    model_based = (
        f"They presuppose a state of the {family} family after {channel}: from such states the networks learnt."
    )
    if n_settings < len(ALL_SETTINGS):
        model_based += (
            f" They prove nothing by themselves: without that assumption, {_number(n_settings)} setting"
            f"{'s are' if n_settings > 1 else ' is'} in general compatible with some separable state, however many the "
            "shots. A certificate takes more settings."
        )
    found = [
        ("Verdicts are model-based.", model_based),
        ("The truth is what was injected.", _what_truth_is(run)),
        _injection_caveat(run),
    ]
    if run.adaptive is not None:
        found += adaptive_assumptions(run)
    found += training_remarks(run)
    found.append(
        (
            "Intervals.",
            "The 68% interval of P(entangled) is what a repetition of the same measurement would give; it does not "
            "cover a wrong model. The 90% interval of the concurrence holds on the average over states of the family "
            "with uniform parameters and p, as in training; for a chosen state it may hold more often or less.",
        )
    )
    if isinstance(run.runcard.states, Points):
        found.append(
            (
                "These states were chosen, not drawn.",
                "Accuracy and R² describe these states alone, and their standard errors treat them as if they were a "
                "sample. For figures that speak for the family, run random states.",
            )
        )
    facts = run.provenance["backend"]
    if "record" in facts:
        found.append(_record_remark(run, facts["record"]))
    if "pair_chosen" in facts:
        found.append(("The pair was chosen.", facts["pair_chosen"][0].upper() + facts["pair_chosen"][1:] + "."))
    found += [("Published values corrected.", note + ".") for note in facts.get("clipped", [])]
    for name, one in run.comparison["estimators"].items():
        if "warning" in one:
            found.append((f"Warning on the estimates of {name}.", one["warning"][0].upper() + one["warning"][1:] + "."))
    models = run.provenance["models"].items()
    return found + [(f"Warning on the model of {name}.", card["warning"]) for name, card in models if "warning" in card]


def _record_remark(run: Run, record: Mapping[str, Any]) -> tuple[str, str]:
    """What of the run goes by its device record, and how far that can be trusted."""
    made = "measured" if record["source"] == "measured" else "taken from what the backend publishes"
    used = (
        "T1, T2, detuning and ZZ of truth and waits, and the readout errors,"
        if run.plan.tau_s is not None
        else ("Readout errors")
    )
    text = f"{used} are those of the record {made} on {record['date'].replace('T', ' ')}"
    corrected = [name for name in run.comparison["estimators"] if name.endswith("_corrected")]
    if corrected:
        text += (
            f". Its {record['readout']} assignment matrix corrects the features of {', '.join(corrected)}: "
            "quasi-probabilities, with the larger errors that this brings"
        )
    choice = run.runcard.record
    if choice is not None and choice.stale_ok:
        text += ". Its age was not asked about (stale_ok)"
    if record["bad_fits"]:
        text += f". It was used in spite of bad fits ({'; '.join(record['bad_fits'])})"
    return "The device is known by a record.", text + "."


def bias_note(run: Run) -> str:
    """How to read the pulls of this run."""
    notes = []
    if has_device_noise(run):
        notes.append(
            "The exact values hold for what was injected, without gate and readout errors: pulls off 0 and 1 show what "
            f"{run.comparison['backend']} adds, its bias, and grow with the square root of the shots."
        )
    if run.runcard.injection.kind == "twirl":
        notes.append(
            "The four sign pairs of the twirl have fixed quarters of the shots, which spreads less than drawing them "
            "at random: shot noise alone then gives a standard deviation somewhat below 1."
        )
    if run.adaptive is not None:
        notes.append(
            "Measuring stopped by what the counts said, so that a fluctuation which settled the verdict was not made "
            "up for by later shots: averages, and pulls with them, lie a little to the side of the verdict."
        )
    return " ".join(notes)


def _prepared(run: Run) -> str:
    n, family = thousands(run.comparison["n_states"]), run.plan.family
    states = run.runcard.states
    if isinstance(states, Points):
        points = len(states.points)
        strengths = len(run.plan.psi) // points
        plural = "s" if points > 1 else ""
        chosen = f"{points} chosen state{plural}, each at {strengths} strengths of noise"
        return f"{n} states of the {family.title} family: {chosen}"
    return f"{n} random states of the {family.title} family, every parameter uniform on its range"


def _injected(run: Run) -> str:
    plan, channel, injection = run.plan, run.runcard.channel.kind, run.runcard.injection.kind
    if plan.tau_s is not None:
        reach = ", ".join(f"p{index} up to {p.max():.3f}" for index, p in (("₁", plan.p1), ("₂", plan.p2)))
        waits = f"{1e6 * plan.tau_s.min():,.2f} to {1e6 * plan.tau_s.max():,.2f} µs"
        idle = idle_of(run.provenance["backend"])
        T1, T2 = _microseconds(idle.T1), _microseconds(idle.T2)
        return (
            f"waiting: both qubits idle for τ = {waits}, which dephases them, {reach}, and relaxes them: T1 = {T1}, "
            f"T2 = {T2}{_law_and_phases(idle)} (injection: idle)"
        )
    noise = f"{channel} of strength p = {plan.p1.min():g} to {plan.p1.max():g}"
    if channel == "dephasing":
        noise += " on both qubits"
    if injection == "twirl":
        return (
            f"{noise}, emulated by virtual rz(±arccos(1−p)) on each, all four pairs of signs with a quarter of the "
            "shots each (injection: twirl)"
        )
    return f"{noise}, added between preparation and measurement by the simulator (injection: noise-model)"


def _law_and_phases(idle: IdleChannel) -> str:
    """What of a wait is beyond relaxation and exponential decay."""
    text = "" if idle.law == "exponential" else f", a {idle.law} decay"
    if idle.turns:
        detuning = " and ".join(f"{1e-3 * one:.3g}" for one in idle.detuning)
        text += f"; detuned by {detuning} kHz, coupled by ZZ of {1e-3 * float(idle.zz):.3g} kHz"
    return text


def _measured(run: Run) -> str:
    settings = run.measured.settings
    plural = "s" if len(settings) > 1 else ""
    if run.adaptive is not None:
        first = run.adaptive.rounds[0].total // len(settings)
        return (
            f"on {_backend(run)}, in {_number(len(settings))} setting{plural} ({', '.join(settings)}) with {first} "
            f"shots each, and then in batches until each state's verdict was sure enough, or it had had "
            f"{thousands(run.comparison['adaptive']['shots_cap'])} shots in all"
        )
    return (
        f"on {_backend(run)}, in {_number(len(settings))} setting{plural} ({', '.join(settings)}) with "
        f"{thousands(run.runcard.shots)} shots each"
    )


def _truth(run: Run) -> str:
    n = run.comparison["n_states"]
    entangled = round(run.comparison["share_entangled"] * n)
    share = f"{thousands(entangled)} of {thousands(n)} states ({100 * entangled / n:.1f}%)"
    text = f"by exact simulation {share} are entangled"
    axis, found = strength_axis(run), decays(run)
    died = [f"{death_text(axis, one.death)} ({one.label})" for one in found if one.death]
    return f"{text}; sudden death at {'; '.join(died)}" if 0 < len(died) <= _MOST_DEATHS else text


def _backend(run: Run) -> str:
    name, qubits = run.comparison["backend"], run.comparison["qubits"]
    pair = f"qubits {qubits[0]} and {qubits[1]}"
    if name == "aer":
        return f"aer, the ideal simulator, {pair}"
    if name.startswith("aer:"):
        return f"{name}, Aer with the noise of that device, {pair}"
    if name.startswith("fake_"):
        return f"{name}, a simulated device through IBM's runtime client in local testing mode, {pair}"
    return f"{name}, {pair}"


def _what_truth_is(run: Run) -> str:
    devices = "gate and readout errors of the device are not part of it"
    if run.plan.tau_s is not None:
        turned = ", their detuning and ZZ coupling" if idle_of(run.provenance["backend"]).turns else ""
        return (
            f"Truth is the exact state after waiting τ with the T1 and T2 of the two qubits{turned}, relaxation "
            f"included; {devices}, nor is any noise that these do not describe."
        )
    return f"Truth is the exact state after {run.runcard.channel.kind} of strength p; {devices}."


def _injection_caveat(run: Run) -> tuple[str, str]:
    kind = run.runcard.injection.kind
    if kind == "twirl":
        return (
            "The twirl emulates dephasing.",
            "Its average over the sign pairs is dephasing of exactly strength p on any backend, but it does not probe "
            "the device's memory: nothing waits.",
        )
    if kind == "idle":
        text = "The qubits relax as well (T1), and their T2 differ, so that one τ gives two strengths p₁ ≠ p₂."
        if not any("z" in setting for setting in run.measured.settings):
            # an average in the xy plane decays with T2 whatever T1 is, for one qubit and for both
            text += " No average of these settings depends on T1, as all axes lie in the xy plane: a z would see it."
        return "A wait is not pure dephasing.", text
    return (
        "The noise is the simulator's.",
        "The error on the idle is added by the simulator with exactly strength p; it says nothing of a real qubit's "
        "memory.",
    )


def _microseconds(values_s: NDArray[np.float64]) -> str:
    return " and ".join("∞" if isinf(value) else f"{1e6 * value:.4g}" for value in values_s) + " µs"


def _number(n: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[n] if n < len(words) else str(n)
