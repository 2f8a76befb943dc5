"""What else certifies entanglement, beside a certificate: a violation of CHSH, and a fidelity witness.

Each calls a state entangled where its figure is beyond what separable states reach by more than the one-sided normal
quantile of its standard error. Unlike a certificate that is right for many shots only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from qent_hw.estimators.chsh import chsh_values, horodecki_values
from qent_hw.physics import ALL_SETTINGS, FEATURES, Counts, features
from qent_hw.physics.settings import gives

_SIGNS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])


def chsh_certified(counts: Counts, alpha: float, assignment: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """(n,) whether |S| of the four settings exceeds 2."""
    values, error = chsh_values(counts, assignment)
    certified: NDArray[np.bool_] = np.abs(values).max(axis=1) > 2 + norm.isf(alpha) * error
    return certified


def horodecki_certified(counts: Counts, alpha: float, assignment: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """(n,) whether S at the best angles, of all nine settings, exceeds 2."""
    value, error = horodecki_values(counts, assignment)
    certified: NDArray[np.bool_] = value > 2 + norm.isf(alpha) * error
    return certified


def fidelity_certified(
    counts: Counts, target: NDArray[np.complex128], alpha: float, assignment: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    """(n,) whether the fidelity with the target, a pure state (n, 4, 4) that is known, exceeds its largest squared
    Schmidt coefficient, which no separable state does: the witness λ² − |ψ⟩⟨ψ| (Bourennane et al., Phys. Rev. Lett.
    92, 087902 (2004)). counts: of ALL_SETTINGS, equally many shots of each but for one.

    The fidelity is linear in the frequencies of outcomes, (1 + Σ g_k r_k)/4 of the target's averages g and the state's
    r; a single qubit's average is that of the three settings that give it. assignment: by which it is corrected.
    """
    weights = _fidelity_weights(features(target, validate=False))
    if assignment is not None:
        weights = weights @ np.linalg.inv(assignment)
    shots = counts.shots[..., None]
    frequencies, smoothed = counts.values / shots, (counts.values + 0.5) / (shots + 2)
    fidelity = 0.25 + (weights * frequencies).sum(axis=(1, 2))
    spread = (smoothed * weights**2).sum(axis=2) - (smoothed * weights).sum(axis=2) ** 2
    error = np.sqrt((spread / (counts.shots + 3)).sum(axis=1))
    reduced = np.einsum("nabcb->nac", target.reshape(-1, 2, 2, 2, 2))
    largest = np.linalg.eigvalsh(reduced)[:, -1]
    certified: NDArray[np.bool_] = fidelity - largest > norm.isf(alpha) * error
    return certified


def _fidelity_weights(averages: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 9, 4) of each setting's frequencies in the fidelity less 1/4, for a target's averages (n, 15)."""
    weights = np.zeros((len(averages), len(ALL_SETTINGS), 4))
    for column, feature in enumerate(FEATURES):
        telling = [k for k, setting in enumerate(ALL_SETTINGS) if gives(setting, feature)]
        sign = np.prod(_SIGNS[:, [letter != "1" for letter in feature]], axis=1)
        weights[:, telling] += (averages[:, column] / (4 * len(telling)))[:, None, None] * sign
    return weights
