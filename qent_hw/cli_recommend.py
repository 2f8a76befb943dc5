"""`qent-hw recommend`: which method for a family, a device and a number of shots."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from qent_hw.terminal import bare_table, wide_console


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command()(recommend)


def recommend(
    family: Annotated[str, typer.Option(help="special_four_basis, general_four_basis, general_mixed, …")],
    budget: Annotated[int, typer.Option(help="Shots a state, for all settings together.")],
    backend: Annotated[str, typer.Option(help="aer, fake_torino, …")] = "aer",
    injection: Annotated[str | None, typer.Option(help="noise-model, idle or twirl, on a device.")] = None,
    channel: Annotated[str, typer.Option(help="dephasing or depolarizing.")] = "dephasing",
    table: Annotated[
        list[str] | None, typer.Option(help="A study's folder or table, in place of the shipped tables.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """The method and the settings that the studies' tables favour, and why."""
    from qent_hw.experiments.recommend import as_plain
    from qent_hw.experiments.recommend import recommend as find

    found = find(family, backend, budget, injection, table or (), channel)
    if as_json:
        typer.echo(json.dumps(as_plain(found), indent=2))
        return
    console = wide_console()
    chosen = found.chosen
    console.print(
        f"[bold]{chosen.estimator}[/bold], {len(chosen.settings)} settings ({', '.join(chosen.settings)}) "
        f"with {budget // len(chosen.settings):,} shots each",
        soft_wrap=True,
    )
    for reason in found.reasons:
        console.print(f"  {reason}", soft_wrap=True)
    rows = bare_table(f"at {budget:,} shots", ("settings", "accuracy", "RMSE of C", "QPU s/state", "ms/state"))
    for one in found.options:
        rows.add_row(
            one.estimator,
            str(len(one.settings)),
            f"{100 * one.accuracy:.2f} ± {100 * one.accuracy_se:.2f}%",
            f"{one.rmse:.4f}",
            f"{one.qpu_s:.3g}",
            f"{one.cpu_ms:.2g}",
        )
    console.print(rows)
    console.print(f"by the study {found.table}, case {found.case}", soft_wrap=True)
