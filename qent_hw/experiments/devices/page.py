"""docs/device-models.md: what models for a device are worth, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from qent_hw.pages.environment import markdown_environment

_TITLES = {
    "bell4": "`bell4`, trained on ideal dephasing",
    "bell4_corrected": "`bell4`, readout corrected",
    "bell8": "`bell8`, trained on ideal dephasing",
    "bell8_corrected": "`bell8`, readout corrected",
    "device": "**`device`, trained for it**",
    "bayes": "`bayes`, the best these counts allow",
}


def devices_page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The page, from the results by the name of their task."""
    environment = markdown_environment(Path(__file__).parent)
    environment.filters |= {"microseconds": _microseconds, "percent": _percent}
    runs, drifts, readouts = (
        [one for name, one in found.items() if name.startswith(f"{kind}-")] for kind in ("run", "drift", "readout")
    )
    remarks = {"runs": _on_runs(runs), "readouts": _on_readouts(readouts)}
    return environment.get_template("devices.md.j2").render(
        runs=runs, drifts=drifts, readouts=readouts, titles=_TITLES, remarks=remarks
    )


def _on_runs(rows: Sequence[Mapping[str, Any]]) -> str:
    """How far the device models are behind, in a sentence that the tables decide."""
    models = [row["estimators"]["device"] for row in rows]
    accuracy, r2 = (max(models, key=itemgetter(key)) for key in ("behind_accuracy", "behind_r2"))
    return (
        f"A model trained for the device is at most {100 * accuracy['behind_accuracy']:.1f} ± "
        f"{100 * accuracy['behind_accuracy_se']:.1f} points of accuracy and {r2['behind_r2']:.4f} ± "
        f"{r2['behind_r2_se']:.4f} of R² behind the best."
    )


def _on_readouts(rows: Sequence[Mapping[str, Any]]) -> str:
    gains = [row["trained with them"]["accuracy"]["value"] - row["corrected"]["accuracy"]["value"] for row in rows]
    errors = [
        2**0.5 * max(row[how]["accuracy"]["standard_error"] for how in ("trained with them", "corrected"))
        for row in rows
    ]
    told = [
        f"{100 * gain:+.2f} ± {100 * error:.2f} points on qubits {row['qubits'][0]} and {row['qubits'][1]}"
        for gain, error, row in zip(gains, errors, rows, strict=True)
    ]
    return f"Training with the misreadings gains {' and '.join(told)} over correcting them."


def _microseconds(times_s: Sequence[float]) -> str:
    return " and ".join(f"{1e6 * one:.0f}" for one in times_s) + " µs"


def _percent(score: Mapping[str, Any]) -> str:
    return f"{100 * score['value']:.2f} ± {100 * score['standard_error']:.2f}"
