"""What `qent-hw study` prints: for every case the accuracies, estimators by shots."""

from __future__ import annotations

from pathlib import Path

import rich.table
from rich.console import Console

from qent_hw.experiments.study.outputs import Outcome
from qent_hw.experiments.study.words import case_title, percent


def print_study(outcome: Outcome, folder: Path) -> None:
    """Print the accuracies of a finished study, and where its report is."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)
    console.print(f"[bold]{outcome.study.title}[/bold]")
    for case in outcome.study.cases:
        rows = outcome.frame[outcome.frame["case"] == case.name]
        shots = sorted(rows["shots"].unique())
        at = f" ({outcome.study.axis} = {case.value:g})" if outcome.study.axis and case.value is not None else ""
        table = rich.table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
        table.add_column(f"{case_title(case)}{at}: accuracy at", no_wrap=True)
        for number in shots:
            table.add_column(f"{number:,} shots", justify="right", no_wrap=True)
        for name, line in rows.groupby("estimator", sort=False):
            figures = {row["shots"]: percent(row, "accuracy") for _, row in line.iterrows()}
            table.add_row(str(name), *(figures.get(number, "–") for number in shots))
        console.print(table)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
