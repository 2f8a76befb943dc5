"""Separable states that are hardest to tell from entangled ones: entangled ones, degraded until they just are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.limits_source import Source
from qent_hw.physics import is_entangled, ppt_min_eigenvalue

_HALVINGS = 45
_MOST_DRAWS = 1000  # for each state wanted


def drawn_points(source: Source, n: int, entangled: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """`n` random points (n, d) of a family's states after its channel that are entangled, or that are not.

    Raises
    ------
    ValueError
        where hardly any is.
    """
    found: list[NDArray[np.float64]] = []
    for _ in range(_MOST_DRAWS):
        points, rho = source.draw(n, rng)
        found.append(points[is_entangled(rho, validate=False) == entangled])
        if sum(map(len, found)) >= n:
            return np.concatenate(found)[:n]
    raise ValueError(f"fewer than {n} in {n * _MOST_DRAWS} states are {'entangled' if entangled else 'separable'}")


def dephased_to_the_border(source: Source, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points (n, d) with the weakest channel, their last coordinate, that leaves the state separable.

    A local channel never makes entanglement, so that what is separable stays so when the channel gets stronger.
    """
    found = points.copy()
    low, high = np.zeros(len(points)), np.ones(len(points))
    for _ in range(_HALVINGS):
        found[:, -1] = (low + high) / 2
        entangled = is_entangled(source.states(found), validate=False)
        low, high = np.where(entangled, found[:, -1], low), np.where(entangled, high, found[:, -1])
    found[:, -1] = high
    return found


def whitened_to_the_border(rho: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Entangled states (n, 4, 4), each mixed with so much white noise that the least eigenvalue of ρ^TB is zero."""
    lowest = ppt_min_eigenvalue(rho, validate=False)
    kept = (0.25 / (0.25 - lowest))[:, None, None]
    return kept * rho + (1 - kept) * np.eye(4) / 4
