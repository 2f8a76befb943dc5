"""Intervals for the concurrence that hold the truth equally often wherever it lies: a Neyman belt.

For every true concurrence C the belt has a range that holds the estimate with the stated probability; the interval of
an estimate is the set of all C whose range it is in (Neyman, Phil. Trans. R. Soc. A 236, 333 (1937)). Unlike a range
of likely errors at a given estimate it is right at every C, not only on the average over them: also just above zero,
where most failures hide. The ranges are read off simulated states, so other parameters are averaged over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from qent_hw.errors import InputError

LEVEL = 0.9
FEWEST = 500
"""Simulated entangled states below which no belt is made."""

_A_BIN = 250
_GRID = np.linspace(0.0, 1.0, 2001)
_RISE = 1e-12 * np.arange(len(_GRID))  # makes level parts rise
_LEAST = 1e-6  # concurrence of an interval that leaves out zero and nothing else


@dataclass(frozen=True, eq=False)
class Belt:
    """lower, upper: (2001,), not decreasing, the range of the estimate at each true concurrence 0, 0.0005, …, 1; zero:
    the largest estimate that a separable state is granted."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    zero: float

    @classmethod
    def of(cls, estimated: NDArray[np.float64], true: NDArray[np.float64], level: float = LEVEL) -> Belt:
        """From estimates of simulated states and their true concurrences, both (n,).

        Raises
        ------
        InputError
            for fewer than 500 entangled states, or no separable one.
        """
        entangled = true > 0
        if entangled.sum() < FEWEST or entangled.all():
            raise InputError(
                f"intervals: {entangled.sum()} entangled and {(~entangled).sum()} separable simulated states; "
                f"they need {FEWEST} and some"
            )
        order = np.argsort(true[entangled], kind="stable")
        at, error = true[entangled][order], (estimated - true)[entangled][order]
        parts = np.array_split(np.arange(len(at)), len(at) // _A_BIN)
        centres = np.array([at[part].mean() for part in parts])
        tail = (1 - level) / 2
        ends = np.array([_quantiles(error[part], tail) for part in parts])
        lower, upper = (_GRID + np.interp(_GRID, centres, ends[:, side]) for side in (0, 1))
        lower, upper = (isotonic_regression(end).x for end in (lower, upper))
        separable = np.sort(estimated[~entangled])
        place = min(len(separable) - 1, int(np.ceil(level * (len(separable) + 1))) - 1)
        return cls(lower, upper, float(separable[place]))

    def interval(self, estimated: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end, each (n,), for estimates (n,)."""
        low, high = (np.interp(estimated, ends + _RISE, _GRID) for ends in (self.upper, self.lower))
        low = np.where(estimated <= self.zero, 0.0, np.maximum(low, _LEAST))
        return low, np.maximum(low, high)


def _quantiles(values: NDArray[np.float64], tail: float) -> tuple[float, float]:
    """Between which a further value falls with probability 1 − 2·tail, on the average over such samples."""
    low, high = np.quantile(values, (tail, 1 - tail), method="weibull")
    return float(low), float(high)
