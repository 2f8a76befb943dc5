"""`qent-hw certify`: proof of entanglement from counts without trust in a family, and what settings could prove."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qent_hw.cli_options import BadFitOk, MaxAge, Record, StaleOk, record_entries
from qent_hw.errors import InputError
from qent_hw.terminal import bare_table, wide_console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qent_hw.estimators.limits_source import Source
    from qent_hw.verdicts.reach import Reach

# random states that tell what settings can certify: half of them entangled, a share to 2% or better
_STATES = 2000
_SHOTS = 16_384


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the command line."""
    app.command()(certify)


def certify(
    counts: Annotated[
        str | None, typer.Option(help="Counts: CSV, parquet or JSON with state, setting, n_pp, n_pm, n_mp, n_mm.")
    ] = None,
    settings: Annotated[
        str | None, typer.Option(help="Instead of counts: what such settings can certify, such as xa,xb,ya,yb,zz.")
    ] = None,
    alpha: Annotated[float, typer.Option(help="The chance of a false certificate that is put up with.")] = 0.01,
    family: Annotated[
        str | None, typer.Option(help="A family that the states may be of: it lends power, and no proof rests on it.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="What the family's states went through; dephasing unless said.")
    ] = None,
    shots: Annotated[
        int, typer.Option(min=1, help="With --settings: shots of a state, for all settings together.")
    ] = _SHOTS,
    record: Record = None,
    max_age: MaxAge = None,
    stale_ok: StaleOk = False,
    bad_fit_ok: BadFitOk = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random; choose it before you look.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Proof of entanglement: no separable state, of whatever family, explains the counts."""
    from qent_hw.verdicts.certificate import check_alpha

    check_alpha(alpha)
    assignment = _readout(record_entries(record, max_age, stale_ok, bad_fit_ok))
    states = None if family is None else _states(family, channel, assignment)
    if counts is not None and settings is None:
        _of_counts(counts, alpha, states, assignment, seed, as_json)
    elif settings is not None and counts is None:
        if states is None:
            raise InputError("settings: say of which states, with --family")
        _of_settings(settings, alpha, states, assignment, shots, seed, as_json)
    else:
        raise InputError("certify: give either --counts or --settings")


def _of_counts(
    file: str,
    alpha: float,
    states: Source | None,
    assignment: NDArray[np.float64] | None,
    seed: int,
    as_json: bool,
) -> None:
    import numpy as np

    from qent_hw.experiments.counts_file import read_counts
    from qent_hw.verdicts.certificate import certify as certificates_of
    from qent_hw.verdicts.family_numerator import family_pool
    from qent_hw.verdicts.reach import can_certify_something, reach

    measured, names = read_counts(file)
    of_splits, of_pool, of_reach = np.random.SeedSequence(seed).spawn(3)
    pool = None
    if states is not None:
        pool = family_pool(states, measured.settings, np.random.default_rng(of_pool))
    found = certificates_of(measured, of_splits, assignment, pool)
    certified = found.certified(alpha)
    if as_json:
        columns = zip(names.tolist(), found.log10_evidence, found.p_value, certified, strict=True)
        rows = [
            {"state": name, "log10_evidence": float(e), "p_value": float(p), "certified": bool(yes)}
            for name, e, p, yes in columns
        ]
        typer.echo(json.dumps({"alpha": alpha, "certificates": rows}, indent=2))
        return
    console = wide_console()
    table = bare_table("state", ("log10 evidence", "p-value", f"entangled at {100 * (1 - alpha):g}%"))
    for name, evidence, p, yes in zip(names, found.log10_evidence, found.p_value, certified, strict=True):
        shown = f"{p:.2g}" if p > 0 else "< 1e-300"
        table.add_row(str(name), f"{evidence:.2f}".replace("-", "−"), shown, "certified" if yes else "no")
    console.print(table)
    console.print(f"{int(certified.sum())} of {len(certified)} certified, at α = {alpha:g} for each")
    console.print(_assumed(assignment is not None, states is not None), soft_wrap=True)
    if not can_certify_something(measured.settings):
        console.print(
            f"warning: {_listed(measured.settings)} measure a qubit along one axis alone, which can certify no state, "
            "with any number of shots",
            soft_wrap=True,
        )
    elif states is not None:
        could = reach(states, measured.settings, _STATES, of_reach, assignment)
        if not could.rates.any():
            console.print(
                f"warning: {_listed(measured.settings)} can certify none of {len(could.rates)} random entangled states "
                "of this family, with any number of shots; qent-hw certify --settings says which would",
                soft_wrap=True,
            )


def _of_settings(
    text: str,
    alpha: float,
    states: Source,
    assignment: NDArray[np.float64] | None,
    shots: int,
    seed: int,
    as_json: bool,
) -> None:
    from qent_hw.physics.settings import check_settings
    from qent_hw.verdicts.reach import best_addition, reach

    settings = check_settings(tuple(part.strip() for part in text.split(",")))
    could = reach(states, settings, _STATES, seed, assignment)
    if not len(could.rates):
        raise InputError(f"family, channel: none of {_STATES} random states is entangled; there is nothing to certify")
    more = best_addition(states, settings, _STATES, seed, shots, alpha, assignment)
    if as_json:
        document = {"alpha": alpha, "shots": shots, "reach": _plain(could, alpha, shots)}
        typer.echo(json.dumps(document | {"addition": more and _plain(more, alpha, shots)}, indent=2))
        return
    console = wide_console()
    table = bare_table(
        "settings", ("can be certified", f"with {shots:,} shots", f"shots for half of all, at {100 * (1 - alpha):g}%")
    )
    for one in (could, *([more] if more else [])):
        share = f"{100 * one.share:.1f} ± {100 * one.share_se:.1f}%"
        within = f"{100 * one.share_within(shots, alpha):.1f}%"
        half = one.median_shots(alpha)
        shown = f"{float(f'{half:.2g}'):,.0f}" if isfinite(half) else "no number"
        table.add_row(", ".join(one.settings), share, within, shown)
    console.print(table)
    console.print(
        f"shares of {len(could.rates)} entangled states among {_STATES} random ones of the family; shots of a state, "
        "for all settings together: about what a certificate that knows the family needs",
        soft_wrap=True,
    )
    if more:
        console.print(f"the one setting that would help most: [bold]{more.settings[-1]}[/bold]", soft_wrap=True)


def _plain(one: Reach, alpha: float, shots: int) -> dict[str, Any]:
    half = one.median_shots(alpha)
    return {
        "settings": list(one.settings),
        "n_entangled": len(one.rates),
        "share": one.share,
        "share_se": one.share_se,
        "share_within_shots": one.share_within(shots, alpha),
        "median_shots": half if isfinite(half) else None,
    }


def _assumed(known_readout: bool, family: bool) -> str:
    """What a certificate takes for granted, and what not."""
    read = "the readout matrix is the record's" if known_readout else "nothing is misread (else give a --record)"
    lent = " (the family lends power, and no certificate rests on it)" if family else ""
    return (
        f"Assumes that the axes are as named, that {read}, and that shots are independent and alike; of how the state "
        f'was prepared, nothing{lent}. "no" means not proved; it does not mean separable.'
    )


def _listed(settings: tuple[str, ...]) -> str:
    return f"the settings {', '.join(settings)}"


def _readout(entries: dict[str, Any]) -> NDArray[np.float64] | None:
    """The readout matrix of the record that those options name."""
    if not entries:
        return None
    from qent_hw.calibration.record import load_record
    from qent_hw.experiments.runcard import record_choice

    choice = record_choice(entries)
    return load_record(choice.file, choice.trust).readout.matrix


def _states(family: str, channel: str | None, assignment: NDArray[np.float64] | None) -> Source:
    from qent_hw.estimators.sources import state_source
    from qent_hw.verdicts.family_source import family_source

    states = state_source(family)
    # general mixed states have been through whatever they have
    return family_source(states, states.channels[0] if channel is None else channel, assignment)
