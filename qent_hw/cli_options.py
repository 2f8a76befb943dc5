"""What several commands' options mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from qent_hw.errors import InputError

if TYPE_CHECKING:
    from qent_hw.experiments.runcard import Runcard

Shots = Annotated[int | None, typer.Option(help="Shots per state and setting.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Injection = Annotated[str | None, typer.Option(help="noise-model, idle or twirl.")]
Qubits = Annotated[str | None, typer.Option(help="The pair on the device, such as 0,1.")]
Record = Annotated[str | None, typer.Option(help="A device record (see qent-hw calibrate) to go by.")]
MaxAge = Annotated[float | None, typer.Option(help="The oldest record to use, in hours; 24 unless said.")]
StaleOk = Annotated[bool, typer.Option("--stale-ok", help="Use a record however old it is.")]
BadFitOk = Annotated[bool, typer.Option("--bad-fit-ok", help="Use a record of which a fit is bad.")]

IsAdaptive = Annotated[
    bool, typer.Option("--adaptive", help="Measure in batches, each state until its verdict is sure enough.")
]
ErrorRate = Annotated[
    float | None, typer.Option(help="With --adaptive: the chance that a verdict is wrong; 0.01 unless said.")
]


def record_entries(file: str | None, max_age_h: float | None, stale_ok: bool, bad_fit_ok: bool) -> dict[str, Any]:
    """Those options that were given, as entries of a runcard's section `record`."""
    entries = {"file": file, "max_age_h": max_age_h, "stale_ok": stale_ok or None, "bad_fit_ok": bad_fit_ok or None}
    return {key: value for key, value in entries.items() if value is not None}


def pair(text: str | None) -> tuple[int, int] | None:
    """The two numbers of `--qubits`."""
    if text is None:
        return None
    try:
        first, second = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"qubits = {text!r}: write two qubit numbers with a comma between, such as 0,1") from None
    return first, second


def adaptive_choice(asked: bool, error_rate: float | None, card: Runcard) -> dict[str, Any]:
    """What `--adaptive` and `--error-rate` change of the runcard's section `adaptive`."""
    from qent_hw.experiments.runcard import adaptive_entries
    from qent_hw.verdicts.decision import check_error_rate

    if error_rate is None:
        return adaptive_entries(asked, card)
    check_error_rate(error_rate)
    if not asked and card.adaptive is None:
        raise InputError(f"error_rate = {error_rate:g}: is that of a run with --adaptive; add it")
    return {"error_rate": error_rate}
