"""What a run prints: the figures of merit in a short table, and where the report is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from qent_hw.experiments.trained_for import misplaced, trained_for
from qent_hw.experiments.verdict_words import alarm_text, certificate_text, judged_text, verdicts_text
from qent_hw.terminal import bare_table, wide_console

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.estimators import Model
    from qent_hw.experiments.judging import Judgement
    from qent_hw.experiments.run import Run


def print_summary(run: Run, folder: Path) -> None:
    """Print the table of a finished run and its report's path to standard output."""
    comparison = run.comparison
    console = wide_console()
    console.print(f"[bold]{run.runcard.title}[/bold]")
    console.print(
        f"{comparison['n_states']} {run.plan.family.title} states, "
        f"{comparison['channel']} by {comparison['injection']} on {comparison['backend']}, "
        f"{_shots(comparison)}; "
        f"{100 * comparison['share_entangled']:.1f}% truly entangled"
    )
    table = bare_table("estimator", ("settings", "shots/state", "accuracy", "R²", "RMSE of C"))
    for name, one in comparison["estimators"].items():
        table.add_row(
            name,
            str(one["settings"]),
            str(one["shots_total"]),
            with_error(one["accuracy"], one["accuracy_se"], percent=True),
            "–" if one["r2"] is None else with_error(one["r2"], one["r2_se"]),
            with_error(one["rmse"], one["rmse_se"]),
        )
    console.print(table)
    for name, one in comparison["estimators"].items():
        console.print(f"{name}: {verdicts_text(one['verdicts'], comparison['error_rate'])}", soft_wrap=True)
    if "alarm" in comparison:
        console.print(f"alarm: {alarm_text(comparison['alarm'])}", soft_wrap=True)
    if "certificate" in comparison:
        console.print(f"certified: {certificate_text(comparison['certificate'])}", soft_wrap=True)
    if "adaptive" in comparison:
        console.print(f"adaptive: {adaptive_text(comparison['adaptive'])}", soft_wrap=True)
    backend = run.provenance["backend"]
    for note in [*filter(None, [backend.get("pair_chosen")]), *backend.get("clipped", []), *misplaced(run)]:
        console.print(f"note: {note}", soft_wrap=True)
    for note in comparison.get("notes", []):
        console.print(f"note: {note}", soft_wrap=True)
    for name, one in comparison["estimators"].items():
        if "warning" in one:
            console.print(f"note: {name}: {one['warning']}", soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _shots(comparison: dict[str, Any]) -> str:
    if "adaptive" in comparison:
        return f"at most {comparison['adaptive']['shots_cap']} shots a state"
    return f"{comparison['shots']} shots per setting"


def adaptive_text(figures: dict[str, Any]) -> str:
    """What adaptive shots came to, in a sentence: content of the block `adaptive` of `comparison.json`."""
    n, wrong = figures["n_states"], figures["errors"]
    called = "; ".join(
        f"{one['wrong']} of {one['n']} called {name} wrong"
        + (f" ({with_error(one['rate'], one['rate_se'], percent=True)})" if one["n"] else "")
        for name, one in ((name, wrong[f"called_{name}"]) for name in ("entangled", "separable"))
    )
    stopped = (
        f". Measuring ended before the cap with {figures['undecided']} still open: the run was cancelled, or its next "
        "round would have gone beyond the QPU seconds allowed"
        if figures["stopped_early"]
        else ""
    )
    return (
        f"{figures['shots_mean']:,.0f} ± {max(figures['shots_mean_se'], 0.5):,.0f} shots a state, "
        f"{with_error(figures['share_of_fixed'], figures['share_of_fixed_se'], percent=True)} of the fixed plan's "
        f"{figures['shots_cap']:,}, in {figures['looks_mean']:.1f} looks; {figures['decided']} of {n} decided at an "
        f"error rate of {figures['error_rate']:g}: {called}{stopped}"
    )


def print_estimates(estimates: pd.DataFrame, model: Model, judged: Judgement) -> None:
    """Print estimates, a row per state, and what they assume."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("state")
    table.add_column("verdict")
    for heading in ("P(entangled)", "68% interval", "concurrence", "90% interval"):
        table.add_column(heading, justify="right")
    for row in estimates.itertuples():
        table.add_row(
            str(row.state),
            str(row.verdict),
            f"{row.p_entangled:.3f}",
            f"{row.p_entangled_low:.3f} – {row.p_entangled_high:.3f}",
            f"{row.concurrence:.3f}",
            f"{row.concurrence_low:.3f} – {row.concurrence_high:.3f}",
        )
    console.print(table)
    console.print(
        f"Model-based: true for states of the family {model.family} under {model.channel}"
        + (f" by {trained_for(model.card)}" if "device" in model.card else "")
        + "; no proof beyond it. "
        + judged_text(judged)
        + "."
    )


def with_error(value: float, error: float, percent: bool = False) -> str:
    """A figure and its standard error, such as "98.6 ± 0.2%" or "0.994 ± 0.001"."""
    if percent:
        return f"{100 * value:.1f} ± {max(100 * error, 0.05):.1f}%"
    return f"{value:.4f} ± {error:.4f}"
