"""Figures of merit of a model, each with its sample size and standard error."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

_GROUPS = 100


class Score(TypedDict):
    """A measured figure, its standard error and the number of states behind it."""

    value: float
    standard_error: float
    n_states: int


def accuracy(p_entangled: NDArray[np.floating], entangled: NDArray[np.bool_]) -> Score:
    """Share of states whose verdict (probability >= 1/2) is the PPT label; inputs (n,)."""
    return share((np.asarray(p_entangled) >= 0.5) == entangled)


def share(true: NDArray[np.bool_]) -> Score:
    """Share of the states (n,) for which something is true, with its binomial error."""
    value = float(np.mean(true))
    return Score(value=value, standard_error=float(np.sqrt(value * (1 - value) / len(true))), n_states=len(true))


def r2(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> Score:
    """Coefficient of determination 1 − Σ(t−c)²/Σ(t−t̄)² of concurrences (n,); its error by a grouped jackknife."""
    t, c = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    groups = np.array_split(np.arange(len(t)), min(_GROUPS, len(t)))
    # Sums per group, so that leaving a group out costs a subtraction.
    sums = np.array([(len(g), t[g].sum(), (t[g] ** 2).sum(), ((t[g] - c[g]) ** 2).sum()) for g in groups])

    def coefficient(total: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 - total[..., 3] / (total[..., 2] - total[..., 1] ** 2 / total[..., 0])

    left_out = coefficient(sums.sum(axis=0) - sums)
    m = len(groups)
    error = np.sqrt((m - 1) / m * np.sum((left_out - left_out.mean()) ** 2))
    return Score(value=float(coefficient(sums.sum(axis=0))), standard_error=float(error), n_states=len(t))
