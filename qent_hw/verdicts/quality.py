"""How true probabilities, intervals and verdicts were, on states that nothing was tuned on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.verdicts.decision import ENTANGLED, SEPARABLE, UNDECIDED

BINS = 20
_REPEATS = 100

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error: the mean over states of |P − share of entangled ones| in 20 bins of P (Naeini, Cooper
    and Hauskrecht, AAAI 2015).

    value, error: with its bootstrap standard error; floor: what perfect probabilities would show on so many states, as
    shares of finite bins scatter.
    """

    value: float
    error: float
    floor: float


def calibration_error(p: NDArray[np.float64], entangled: Booleans, rng: np.random.Generator) -> CalibrationError:
    """Of probabilities (n,) and labels (n,)."""
    place, n = _places(p), len(p)

    def ece(weights: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
        return float(np.abs(np.bincount(place, weights * (p - labels), BINS)).sum() / weights.sum())

    ones, labels = np.ones(n), entangled.astype(float)
    again = [ece(rng.poisson(1.0, n).astype(float), labels) for _ in range(_REPEATS)]
    perfect = [ece(ones, (rng.random(n) < p).astype(float)) for _ in range(_REPEATS)]
    return CalibrationError(ece(ones, labels), float(np.std(again)), float(np.mean(perfect)))


def reliability(p: NDArray[np.float64], entangled: Booleans) -> list[list[float]]:
    """Of each bin with states in it: [mean P, share of entangled ones, states]."""
    place = _places(p)
    n, mean, share = (np.bincount(place, weight, BINS) for weight in (None, p, entangled.astype(float)))
    return [[mean[k] / n[k], share[k] / n[k], float(n[k])] for k in np.flatnonzero(n)]


def coverage_by_concurrence(covered: Booleans, concurrence: NDArray[np.float64]) -> list[list[float]]:
    """[mean concurrence, share covered, states], of the separable states, and of ten parts of the entangled ones in
    order of their concurrence."""
    order = np.argsort(concurrence, kind="stable")
    order = order[concurrence[order] > 0]
    parts = [np.flatnonzero(concurrence <= 0), *np.array_split(order, 10)]
    return [
        [float(concurrence[rows].mean()), float(covered[rows].mean()), float(len(rows))] for rows in parts if len(rows)
    ]


def error_rates(verdict: NDArray[np.str_], entangled: Booleans) -> dict[str, tuple[float, float]]:
    """(share, number it is a share of): `separable_called_entangled` and `entangled_called_separable` of the states
    that are so, `wrong_of_entangled` and `wrong_of_separable` of the verdicts that say so, and `undecided` of all."""
    called, ruled_out = verdict == ENTANGLED, verdict == SEPARABLE

    def share(of: Booleans, hit: Booleans) -> tuple[float, float]:
        n = float(of.sum())
        return (float((of & hit).sum() / n) if n else float("nan"), n)

    return {
        "separable_called_entangled": share(~entangled, called),
        "entangled_called_separable": share(entangled, ruled_out),
        "wrong_of_entangled": share(called, ~entangled),
        "wrong_of_separable": share(ruled_out, entangled),
        "undecided": share(np.ones(len(verdict), bool), verdict == UNDECIDED),
    }


def _places(p: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((p * BINS).astype(np.int64), BINS - 1)
