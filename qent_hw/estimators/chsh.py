"""CHSH values as entanglement witnesses.

A separable state gives |S| ≤ 2 at whatever angles, so that a violation proves entanglement without any family, up to
the shots and to what is taken for granted of the readout. No violation proves nothing: many entangled states violate
nowhere (Horodecki, below), and most of those that could do not at four fixed settings (field-notes 5). A violation by S
bounds the concurrence from below, S ≤ 2√(1 + C²) (Verstraete and Wolf, Phys. Rev. Lett. 89, 170401 (2002)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.needed import needed
from qent_hw.physics.counts import Counts, features_from_counts
from qent_hw.physics.settings import ALL_SETTINGS, BELL_SETTINGS

_MINUS = 1 - 2 * np.eye(4)
_BY_AXES = ("xa", "xb", "xz", "ya", "yb", "yz", "za", "zb", "zz")
_ONE_SIDED = 1.645  # standard errors: exceeded with 5%
_PROOF = (
    "A violation proves entanglement of any state, up to finite shots (a verdict is right where S truly exceeds 2, and "
    "P says how sure that is) and {readout}. No violation proves nothing."
)


@dataclass(frozen=True, eq=False)
class ChshEstimator:
    """The CHSH value of the four settings. assignment: (4, 4) A[measured, prepared] of ++, +−, −+, −−, by which
    correlations are corrected for misreadings; None to take them as read."""

    assignment: NDArray[np.float64] | None = None
    name: str = "chsh"

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs."""
        return BELL_SETTINGS

    @property
    def card(self) -> Mapping[str, Any]:
        """What it assumes, as a model card says it."""
        return {"title": "CHSH violation of the four settings", "assumes": _assumed(self.assignment)}

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates` and `violation_estimates`.

        S is the largest in size of the four sums of the correlations with one minus sign. Separable states do not come
        close to 2 here: both qubits are measured along orthogonal axes, for which they keep to |S| ≤ √2 (Roy, Phys.
        Rev. Lett. 94, 010402 (2005)), so that they are hardly ever called entangled by chance. The seed changes
        nothing.

        Raises
        ------
        InputError
            where a setting is missing.
        """
        values, errors = chsh_values(needed(counts, self.settings, self.name), self.assignment)
        return violation_estimates(np.abs(values).max(axis=1), errors)


@dataclass(frozen=True, eq=False)
class HorodeckiEstimator:
    """The CHSH value at the best angles, from all nine settings. assignment: as for `ChshEstimator`."""

    assignment: NDArray[np.float64] | None = None
    name: str = "chsh_horodecki"

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs: all nine."""
        return ALL_SETTINGS

    @property
    def card(self) -> Mapping[str, Any]:
        """What it assumes, as a model card says it."""
        return {"title": "CHSH violation at the best angles (Horodecki)", "assumes": _assumed(self.assignment)}

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates`, `violation_estimates` and `horodecki_values`.

        The seed changes nothing.

        Raises
        ------
        InputError
            where a setting is missing.
        """
        return violation_estimates(*horodecki_values(needed(counts, self.settings, self.name), self.assignment))


def chsh_values(
    counts: Counts, assignment: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """S (n, 4) with the minus sign at xa, xb, ya and yb in turn, and the standard error (n,) that the four share."""
    correlations, errors = features_from_counts(counts, BELL_SETTINGS, assignment)
    return correlations @ _MINUS, np.sqrt((errors**2).sum(axis=1))


def horodecki_values(
    counts: Counts, assignment: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """S = 2√(m1 + m2) at the best angles, and its standard error by the delta method, each (n,).

    m1 and m2 are the largest eigenvalues of TᵀT, with T the nine correlations (Horodecki, Horodecki and Horodecki,
    Phys. Lett. A 200, 340 (1995)). T is here of axes a, b, z for qubit 2: a rotation from x, y, z, which leaves them as
    they are. Noise adds the sum of all variances to the trace of TᵀT on the average, nearly all of it to m1 + m2, and
    so biases S upward: that sum is taken off again. What stays is a good part of a standard error where the second
    eigenvalue equals the third (pure states, Werner states: +0.01 to +0.02 at 64,000 shots in total). No separable
    state close to S = 2 is such a one, so that false alarms are as rare as claimed; but the lower end of the
    concurrence's interval is above the true one for 12% of pure states in place of 5%.
    """
    values, errors = features_from_counts(counts, _BY_AXES, assignment)
    left, singular, right = np.linalg.svd(values.reshape(-1, 3, 3))
    raw = np.sqrt((singular[:, :2] ** 2).sum(axis=1))
    slopes = 2 * np.einsum("nik,nk,nkj->nij", left[:, :, :2], singular[:, :2], right[:, :2])
    slopes = slopes.reshape(-1, 9) / np.maximum(raw, 1e-12)[:, None]
    error = np.sqrt(((slopes * errors) ** 2).sum(axis=1))
    return 2 * np.sqrt(np.maximum(raw**2 - (errors**2).sum(axis=1), 0.0)), error


def violation_estimates(value: NDArray[np.float64], error: NDArray[np.float64]) -> Estimates:
    """What CHSH values (n,) with standard errors (n,) say as a witness.

    P(entangled) is Φ((S − 2)/σ): how sure it is that S exceeds 2, which is less than the probability that the state is
    entangled. A state with S = 2 exactly, such as a product state at its best angles, is called entangled half of the
    time; with P ≥ 0.95 asked for, one time in twenty. The 68% interval is a σ both ways. The concurrence is the bound
    √((S/2)² − 1), or 0, and its interval reaches from that of S − 1.645σ (one-sided 95%) to 1, above which S says
    nothing.
    """
    excess = (value - 2) / error
    p_entangled = ndtr(excess)
    return Estimates(
        p_entangled=p_entangled,
        p_entangled_low=ndtr(excess - 1),
        p_entangled_high=ndtr(excess + 1),
        concurrence=_least_concurrence(value),
        concurrence_low=_least_concurrence(value - _ONE_SIDED * error),
        concurrence_high=np.ones(len(value)),
        verdict=verdicts(p_entangled),
    )


def _least_concurrence(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.sqrt(np.maximum((np.maximum(value, 0) / 2) ** 2 - 1, 0.0)), 0.0, 1.0)


def _assumed(assignment: NDArray[np.float64] | None) -> str:
    readout = "to misreadings, which are not corrected: symmetric ones only weaken it"
    return _PROOF.format(readout=readout if assignment is None else "to misreadings being as given")
