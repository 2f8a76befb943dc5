"""The table of a study: one line for every case, number of shots and estimator, with its figures and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qent_hw.experiments.study.card import Study
from qent_hw.experiments.study.study import Finished
from qent_hw.experiments.study.table import Row
from qent_hw.experiments.study.tally import added, merits

if TYPE_CHECKING:
    import pandas as pd


_FEWEST_PAIRS = 5


def cells_frame(study: Study, finished: Sequence[Finished]) -> pd.DataFrame:
    """One line for every cell that is done.

    Where the study names a reference, `behind_accuracy` and `rmse_ratio` compare with it on the states that both were
    asked about; their errors are those of paired batches, and there are none for fewer than five.
    """
    import pandas as pd

    reference = {
        (one.cell.case.name, one.cell.shots): one.rows for one in finished if one.cell.chosen.label == study.reference
    }
    lines = []
    for one in finished:
        best = reference.get((one.cell.case.name, one.cell.shots))
        lines.append(_line(one) | (_beside(one.rows, best) if best else {}))
    return pd.DataFrame(lines)


def _line(one: Finished) -> dict[str, Any]:
    case, first = one.cell.case, one.rows[0]
    device = case.device
    cpu = sum(row["cost"]["cpu_s"] for row in one.rows)
    found = merits(added(row["tally"] for row in one.rows))
    return {
        "case": case.name,
        "value": case.value,
        "family": case.family,
        "channel": case.channel,
        "injection": case.injection if device is not None else None,
        "backend": "ideal" if device is None else device.backend,
        "assumes": first["task"]["assumes"] if device is not None else None,
        "drift": device.drift if device is not None else None,
        "misread": device.misread if device is not None else None,
        "shots": one.cell.shots,
        "estimator": one.cell.chosen.label,
        "settings": ",".join(first["settings"]),
        **found,
        "qpu_s": one.cell.shots * first["shot_s"],
        "cpu_ms": 1000 * cpu / found["n_states"],
    }


def _beside(rows: Sequence[Row], best: Sequence[Row]) -> dict[str, Any]:
    """How far behind the reference, batch by batch of the same states; positive is worse."""
    theirs = {_place(row): row["tally"] for row in best}
    pairs = [(row["tally"], theirs[_place(row)]) for row in rows if _place(row) in theirs]
    if not pairs:
        return {}
    n = sum(ours["n"] for ours, _ in pairs)
    wrong = np.array([[t["false_positive"] + t["false_negative"] for t in pair] for pair in pairs])
    square = np.array([[t["square_1"] for t in pair] for pair in pairs])
    ours_square, best_square = square.sum(axis=0)
    found: dict[str, Any] = {"behind_accuracy": float((wrong[:, 0] - wrong[:, 1]).sum() / n), "n_compared": int(n)}
    ratio = float(np.sqrt(ours_square / best_square)) if best_square > 0 else None
    found["rmse_ratio"] = ratio
    # from fewer pairs an error would be a guess
    if len(pairs) >= _FEWEST_PAIRS:
        each = n / len(pairs)
        found["behind_accuracy_se"] = float(np.std((wrong[:, 0] - wrong[:, 1]) / each, ddof=1) / np.sqrt(len(pairs)))
        if ratio is not None:
            # of the ratio of two sums, linearised
            off = (square[:, 0] - ratio**2 * square[:, 1]) / best_square * len(pairs)
            found["rmse_ratio_se"] = float(np.std(off, ddof=1) / np.sqrt(len(pairs)) / (2 * ratio)) if ratio else 0.0
    return found


def _place(row: Row) -> tuple[int, int]:
    return row["task"]["seed"], row["task"]["batch"]
