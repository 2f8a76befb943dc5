"""What `qent-hw study` prints: for every case the accuracies, estimators by shots."""

from __future__ import annotations

from pathlib import Path

from qent_hw.experiments.study.outputs import Outcome
from qent_hw.experiments.study.words import case_title, percent
from qent_hw.terminal import bare_table, wide_console


def print_study(outcome: Outcome, folder: Path) -> None:
    """Print the accuracies of a finished study, and where its report is."""
    console = wide_console(160)
    console.print(f"[bold]{outcome.study.title}[/bold]")
    for case in outcome.study.cases:
        rows = outcome.frame[outcome.frame["case"] == case.name]
        shots = sorted(rows["shots"].unique())
        at = f" ({outcome.study.axis} = {case.value:g})" if outcome.study.axis and case.value is not None else ""
        table = bare_table(f"{case_title(case)}{at}: accuracy at", [f"{number:,} shots" for number in shots])
        for name, line in rows.groupby("estimator", sort=False):
            figures = {row["shots"]: percent(row, "accuracy") for _, row in line.iterrows()}
            table.add_row(str(name), *(figures.get(number, "–") for number in shots))
        console.print(table)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
