"""Estimates against the exact truth: accuracy, R², and how sure these figures are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def figures_of_merit(
    called_entangled: NDArray[np.bool_],
    concurrence: NDArray[np.float64],
    covered: NDArray[np.bool_],
    true_entangled: NDArray[np.bool_],
    true_concurrence: NDArray[np.float64],
) -> dict[str, Any]:
    """How one estimator did over n states, with standard errors.

    Parameters
    ----------
    called_entangled
        (n,) its verdicts.
    concurrence, covered
        (n,) its concurrence, and whether its interval holds the true one.
    true_entangled, true_concurrence
        (n,) the truth.

    Returns
    -------
    dict
        `accuracy`, `rmse`, `r2` (None where all states have the same concurrence), `coverage` of the interval, each
        with its standard error in `…_se`, and the `confusion` table as numbers of states.

    Notes
    -----
    Shares have the binomial error with one success and one failure added (not zero at 0 or 1). RMSE and R² are
    functions of means over the states, and their errors are those of the linearised functions (delta method).
    """
    squares = (concurrence - true_concurrence) ** 2
    spread = (true_concurrence - true_concurrence.mean()) ** 2
    mean_square, variance, root_n = squares.mean(), spread.mean(), np.sqrt(len(squares))
    rmse = np.sqrt(mean_square)
    r2 = r2_se = None
    if variance > 0:
        r2 = float(1 - mean_square / variance)
        r2_se = float(np.std(squares / variance - mean_square * spread / variance**2) / root_n)
    right = called_entangled == true_entangled
    return {
        "accuracy": float(right.mean()),
        "accuracy_se": share_error(right.sum(), len(right)),
        "r2": r2,
        "r2_se": r2_se,
        "rmse": float(rmse),
        "rmse_se": float(np.std(squares) / (2 * rmse * root_n)) if rmse > 0 else 0.0,
        "coverage": float(covered.mean()),
        "coverage_se": share_error(covered.sum(), len(covered)),
        "confusion": {
            "entangled_called_entangled": int(np.sum(true_entangled & called_entangled)),
            "entangled_called_separable": int(np.sum(true_entangled & ~called_entangled)),
            "separable_called_entangled": int(np.sum(~true_entangled & called_entangled)),
            "separable_called_separable": int(np.sum(~true_entangled & ~called_entangled)),
        },
    }


def share_error(hits: float, of: float) -> float:
    """The binomial standard error of hits / of, with one success and one failure added."""
    share = (hits + 1) / (of + 2)
    return float(np.sqrt(share * (1 - share) / of))
