"""Three-way verdicts at a stated error rate: entangled, separable, or undecided.

A verdict is a test of two hypotheses by the same score. "The state is separable" is rejected where the score is above
all but a share α of what separable states score, "the state is entangled" where it is below all but a share α of what
entangled states score: Mondrian (class-conditional) conformal prediction, Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World (2005), Sec. 4.5. For a state of the same kind as those that the scores are of, a separable
one is called entangled with probability at most α, and an entangled one called separable with probability at most α,
at every number of calibration states and whatever the score is: its rank among them is uniform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError

ENTANGLED, SEPARABLE, UNDECIDED, WITHHELD = "entangled", "separable", "undecided", "withheld"
ERROR_RATE = 0.01
"""α, unless another is asked for."""
FALSE_ALARMS = 0.01
"""Rate at which the alarm fires although all is as assumed, unless another is asked for."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores in increasing order, higher ones speaking for entanglement: of separable states (n_separable,), and of
    entangled ones (n_entangled,)."""

    separable: NDArray[np.float64]
    entangled: NDArray[np.float64]

    @classmethod
    def of(cls, scores: NDArray[np.float64], entangled: NDArray[np.bool_]) -> Scores:
        """From scores and labels, both (n,)."""
        return cls(np.sort(scores[~entangled]), np.sort(scores[entangled]))

    def thresholds(self, error_rate: float) -> tuple[float, float]:
        """(low, high): a score below `low` rejects "entangled", one above `high` rejects "separable".

        Infinite where there are too few calibration states for such a rate: fewer than 1/α − 1.

        Raises
        ------
        InputError
            for a rate outside (0, 1/2).
        """
        check_error_rate(error_rate)
        n, m = len(self.entangled), len(self.separable)
        # ranks: at most α(n + 1) of n + 1 equally likely places are beyond these
        below, above = int(np.floor(error_rate * (n + 1))), int(np.floor(error_rate * (m + 1)))
        low = float(self.entangled[below - 1]) if below >= 1 else -np.inf
        high = float(self.separable[m - above]) if above >= 1 else np.inf
        return low, high

    def decide(self, scores: NDArray[np.float64], even: NDArray[np.float64], error_rate: float) -> NDArray[np.str_]:
        """(n,) verdicts of scores (n,).

        even: (n,), above which a state is rather called entangled. It decides where both hypotheses are rejected: then
        the classes are so far apart that either verdict keeps to the rate.
        """
        low, high = self.thresholds(error_rate)
        not_entangled, not_separable = scores < low, scores > high
        both = not_entangled & not_separable
        calls = np.full(len(scores), UNDECIDED, dtype="<U9")
        calls[(not_separable & ~both) | (both & (even >= 0.5))] = ENTANGLED
        calls[(not_entangled & ~both) | (both & (even < 0.5))] = SEPARABLE
        return calls


def check_error_rate(error_rate: float) -> float:
    """The rate; raises InputError unless it is between 0 and 1/2."""
    if not 0 < error_rate < 0.5:
        raise InputError(f"error rate = {error_rate:g}: must be above 0 and below 0.5, such as 0.01")
    return error_rate
