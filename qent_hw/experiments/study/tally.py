"""What is kept of how an estimator did on a batch of states: sums, so that batches add up to figures with errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators import Estimates
from qent_hw.experiments.comparison import share_error

Tally = dict[str, float]

BINS = 20
"""Of the reliability of P(entangled), and along each axis of a map of errors."""


def tally(estimates: Estimates, entangled: NDArray[np.bool_], concurrence: NDArray[np.float64]) -> Tally:
    """Sums over n states: of verdicts against the truth `entangled` (n,), and of squared errors of the concurrence
    with what their standard errors need."""
    called = estimates.verdict == "entangled"
    square = (estimates.concurrence - concurrence) ** 2
    inside = (estimates.concurrence_low <= concurrence) & (concurrence <= estimates.concurrence_high)
    p = estimates.p_entangled
    sums = {
        "n": len(entangled),
        "entangled": entangled.sum(),
        "false_positive": (called & ~entangled).sum(),
        "false_negative": (~called & entangled).sum(),
        "covered": inside.sum(),
        "width": (estimates.concurrence_high - estimates.concurrence_low).sum(),
        "claimed": np.maximum(p, 1 - p).sum(),
        "brier": ((p - entangled) ** 2).sum(),
        **{f"square_{power}": (square**power).sum() for power in (1, 2)},
        **{f"true_{power}": (concurrence**power).sum() for power in (1, 2, 3, 4)},
        **{f"square_true_{power}": (square * concurrence**power).sum() for power in (1, 2)},
    }
    effective = getattr(estimates, "effective_samples", None)
    if effective is not None:
        from qent_hw.estimators.counts_posterior import FEWEST_SAMPLES

        sums["unresolved"] = (effective < FEWEST_SAMPLES).sum()
    return {name: float(value) for name, value in sums.items()}


def reliability(estimates: Estimates, entangled: NDArray[np.bool_]) -> list[list[float]]:
    """(BINS, 3): of the states in each bin of P(entangled) the number, the sum of P, and how many are entangled."""
    place = np.minimum((estimates.p_entangled * BINS).astype(int), BINS - 1)
    columns = [np.bincount(place, weight, BINS) for weight in (None, estimates.p_entangled, entangled.astype(float))]
    found: list[list[float]] = np.stack(columns, axis=1).tolist()
    return found


def error_map(
    wrong: NDArray[np.bool_], x: NDArray[np.float64], y: NDArray[np.float64], ranges: list[tuple[float, float]]
) -> list[list[list[int]]]:
    """(2, BINS, BINS): states, and wrong verdicts, by the two parameters."""
    seen, missed = (
        np.histogram2d(x[rows], y[rows], BINS, ranges)[0].astype(int).tolist() for rows in (slice(None), wrong)
    )
    return [seen, missed]


def added(tallies: Iterable[Mapping[str, float]]) -> Tally:
    """The tally of all batches together."""
    total: Tally = {}
    for one in tallies:
        for name, value in one.items():
            total[name] = total.get(name, 0.0) + value
    return total


def merits(one: Mapping[str, float]) -> dict[str, Any]:
    """Figures of merit with standard errors (`…_se`).

    Shares (accuracy, coverage, and the rates of false verdicts among the states that are separable or entangled) have
    the binomial error with one success and one failure added. RMSE and R² are functions of means over states, and have
    the errors of the linearised functions (delta method). None where there is nothing to divide by.
    """
    n = one["n"]
    square, square_2 = one["square_1"] / n, one["square_2"] / n
    mean, *moments = (one[f"true_{power}"] / n for power in (1, 2, 3, 4))
    variance = moments[0] - mean**2
    fourth = moments[2] - 4 * mean * moments[1] + 6 * mean**2 * moments[0] - 3 * mean**4
    rmse = square**0.5
    spread = max(square_2 - square**2, 0.0)
    r2 = r2_se = None
    if variance > 1e-12:
        both = (one["square_true_2"] - 2 * mean * one["square_true_1"]) / n + mean**2 * square
        of_sum = square_2 / variance**2 - 2 * square * both / variance**3 + square**2 * fourth / variance**4
        r2, r2_se = 1 - square / variance, float(np.sqrt(max(of_sum, 0.0) / n))
    separable = n - one["entangled"]
    found: dict[str, Any] = {"n_states": int(n), "share_entangled": one["entangled"] / n}
    for name, hits, of in (
        ("accuracy", n - one["false_positive"] - one["false_negative"], n),
        ("false_positive_rate", one["false_positive"], separable),
        ("false_negative_rate", one["false_negative"], one["entangled"]),
        ("coverage", one["covered"], n),
    ):
        found[name], found[f"{name}_se"] = _share(hits, of)
    found |= {"rmse": rmse, "rmse_se": float(np.sqrt(spread / n) / (2 * rmse)) if rmse > 0 else 0.0}
    found |= {"r2": r2, "r2_se": r2_se, "width": one["width"] / n, "claimed": one["claimed"] / n}
    found |= {"brier": one["brier"] / n, "unresolved": one["unresolved"] / n if "unresolved" in one else None}
    return found


def _share(hits: float, of: float) -> tuple[float | None, float | None]:
    if of == 0:
        return None, None
    return hits / of, share_error(hits, of)
