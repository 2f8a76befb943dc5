"""The tables of the report, as text ready to be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from qent_hw.experiments.provenance import idle_of
from qent_hw.experiments.report.decay import death_text, decays, strength_axis
from qent_hw.experiments.report.figures import estimates_by_name
from qent_hw.experiments.report.labels import feature_label, signed, state_label, thousands
from qent_hw.experiments.report.measured_features import measured_features, summarise_pulls
from qent_hw.experiments.summary import with_error
from qent_hw.pages.table import Table

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

_FIRST_STATES = 6
_UNIT = re.compile("_s$")


def merit_table(run: Run) -> Table:
    """The figures of merit of every estimator, content of `comparison.json`."""
    rows = []
    for name, one in run.comparison["estimators"].items():
        rows.append(
            (
                name,
                str(one["settings"]),
                thousands(one["shots_total"]),
                with_error(one["accuracy"], one["accuracy_se"], percent=True),
                "–" if one["r2"] is None else with_error(one["r2"], one["r2_se"]),
                with_error(one["rmse"], one["rmse_se"]),
                with_error(one["coverage"], one["coverage_se"], percent=True),
                thousands(run.comparison["n_states"]),
            )
        )
    measures = ("accuracy", "R² of C", "RMSE of C", "coverage of 90% intervals")
    heads = ("estimator", "settings", "shots / state", *measures, "n")
    return Table("Figures of merit against the exact simulation, ± one standard error.", heads, tuple(rows))


def confusion_tables(run: Run) -> list[Table]:
    """For every estimator, how many states of each class were called what, and the share of the class."""
    tables = []
    for name, one in run.comparison["estimators"].items():
        confusion, rows = one["confusion"], []
        for truth in ("entangled", "separable"):
            counts = [confusion[f"{truth}_called_{called}"] for called in ("entangled", "separable")]
            total = sum(counts)
            shares = [f"{thousands(count)} ({100 * count / total:.1f}%)" if total else "0" for count in counts]
            rows.append((f"truly {truth}", *shares, thousands(total)))
        tables.append(Table(name, ("", "called entangled", "called separable", "states"), tuple(rows)))
    return tables


def death_table(run: Run) -> Table | None:
    """Where each chosen state's entanglement ends, exactly and by the estimators' verdicts; None for random states."""
    found = decays(run)
    if not found:
        return None
    axis, estimates = strength_axis(run), estimates_by_name(run)
    idle = idle_of(run.provenance["backend"])
    heads: list[str] = ["state", f"sudden death {axis.symbol}*"]
    if axis.unit:
        heads.append("p₁, p₂ at τ*")
    for name in estimates:
        heads += [f"{name}: last {axis.symbol} called entangled", f"{name}: first {axis.symbol} called separable"]
    rows = []
    for decay in found:
        has_end = decay.death is not None and decay.death > axis.searched[0]
        row = [decay.label, death_text(axis, decay.death).removeprefix(f"{axis.symbol}* = ")]
        if axis.unit:
            at_end = idle.strengths(1e-6 * decay.death) if decay.death is not None and has_end else ()
            row.append(", ".join(f"{p:.3f}" for p in at_end) or "–")
        for one in estimates.values():
            entangled = one["call"].to_numpy()[decay.states] == "entangled"
            last, first = decay.measured_at[entangled], decay.measured_at[~entangled]
            row += [axis.text(last.max()) if len(last) else "none", axis.text(first.min()) if len(first) else "none"]
        rows.append(tuple(row))
    caption = (
        "The exact end of entanglement, where the smallest eigenvalue of the partial transpose is zero, and where the "
        "verdicts change."
    )
    return Table(caption, tuple(heads), tuple(rows))


def pull_table(run: Run) -> Table:
    """Mean and spread of (measured − exact) in standard errors, feature by feature."""
    rows = tuple(
        (
            feature_label(one.feature),
            f"{signed(one.mean, 2)} ± {one.mean_se:.2f}",
            f"{one.std:.2f} ± {one.std_se:.2f}",
            thousands(one.n),
        )
        for one in summarise_pulls(measured_features(run))
    )
    return Table(
        "Pulls: measured minus exact, in units of the standard error. Shot noise alone gives mean 0 and deviation 1.",
        ("feature", "mean pull", "std of pulls", "n"),
        rows,
    )


def features_table(run: Run) -> Table:
    """The features of the first states, ± their standard errors, one column per state."""
    measured, plan, axis = measured_features(run), run.plan, strength_axis(run)
    strengths = plan.p1 if plan.tau_s is None else 1e6 * plan.tau_s
    shown = range(min(_FIRST_STATES, len(plan.psi)))
    heads = [
        state_label({name: values[state] for name, values in plan.parameters.items()})
        + f", {axis.symbol} = {axis.text(strengths[state])}"
        for state in shown
    ]
    rows = tuple(
        (
            feature_label(name),
            *(f"{signed(measured.values[state, k], 3)} ± {measured.errors[state, k]:.3f}" for state in shown),
        )
        for k, name in enumerate(measured.names)
    )
    return Table(
        f"The first {len(shown)} of {thousands(len(plan.psi))} states as measured, ± one standard error.",
        ("feature", *heads),
        rows,
    )


def provenance_table(run: Run) -> Table:
    """Where the run came from, one row per fact."""
    facts = {key: value for key, value in run.provenance.items() if key != "models"}
    backend = dict(facts["backend"])
    for key in ("T1_s", "T2_s"):
        backend[key] = ["∞" if value is None else value for value in backend[key]]
    facts["backend"] = backend
    return Table("", ("", ""), tuple((key, value) for key, value in _flat(facts)), words=2)


def models_table(run: Run) -> Table:
    """The model cards side by side: one row per entry, one column per estimator."""
    models = run.provenance["models"]
    cards = {name: dict(_flat(card)) for name, card in models.items()}
    keys = list(dict.fromkeys(key for card in cards.values() for key in card))
    rows = tuple((key, *(cards[name].get(key, "–") for name in models)) for key in keys)
    return Table("", ("", *models), rows, words=1 + len(models))


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of every entry; a value with its standard error, or a range with its law, is one entry."""
    for key, value in content.items():
        name = f"{prefix}{_UNIT.sub(' (s)', key)}".replace("_", " ")
        if not isinstance(value, Mapping):
            yield name, thousands(value) if key.endswith("states") and isinstance(value, int) else _text(value)
        elif {"value", "standard_error"} <= set(value):
            size = f" (n = {thousands(value['n_states'])})" if "n_states" in value else ""
            yield name, _with_error(value["value"], value["standard_error"]) + size
        elif {"low", "high", "law"} == set(value):
            yield name, f"{_text(value['low'])} to {_text(value['high'])}, {value['law']}"
        else:
            yield from _flat(value, f"{prefix}{key} · ")


def _with_error(value: float, error: float) -> str:
    """Both to two significant digits of the error, four decimals at least."""
    digits = max(4, 1 - math.floor(math.log10(error))) if error > 0 else 4
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        between = "; " if value and isinstance(value[0], Mapping) else ", "
        return between.join(_text(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
    return str(value)
