"""What is not known of a device, or will have changed when its model is used: drawn anew for every training state.

A model trained on one set of parameters is right for these alone (field-notes 3). Trained over a spread of them it is
nearly as good there, and stays so where the device has drifted or its record was not exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.physics import IdleChannel


@dataclass(frozen=True, eq=False)
class Spread:
    """How far a device's parameters may be from those it is modelled with: one standard deviation each.

    Attributes
    ----------
    T1, T2
        (2,) relative, per qubit.
    detuning
        (2,) Hz, per qubit.
    zz
        Hz.
    misreading
        (4, 4) relative, of the entries of the assignment matrix off its diagonal.
    """

    T1: NDArray[np.float64]
    T2: NDArray[np.float64]
    detuning: NDArray[np.float64]
    zz: float
    misreading: NDArray[np.float64]


def even_spread(relative: float) -> Spread:
    """The same relative spread of both lifetimes and of the misreadings; frequencies stay as they are."""
    return Spread(np.full(2, relative), np.full(2, relative), np.zeros(2), 0.0, np.full((4, 4), relative))


def draw_idle(idle: IdleChannel, spread: Spread, n: int, rng: np.random.Generator) -> IdleChannel:
    """`n` channels around `idle`: times log-normal, T2 at most 2·T1, frequencies normal."""
    T1 = idle.T1 * np.exp(spread.T1 * rng.standard_normal((n, 2)))
    T2 = np.minimum(idle.T2 * np.exp(spread.T2 * rng.standard_normal((n, 2))), 2 * T1)
    detuning = idle.detuning + spread.detuning * rng.standard_normal((n, 2))
    return IdleChannel(T1, T2, detuning, idle.zz + spread.zz * rng.standard_normal(n), idle.law)


def draw_readout(
    assignment: NDArray[np.float64], spread: Spread, n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(n, 4, 4) assignments A[measured, prepared] around one: misreadings log-normal, columns sum to one."""
    usual = np.where(np.eye(4, dtype=bool), 0.0, assignment)
    wrong = usual * np.exp(spread.misreading * rng.standard_normal((n, 4, 4)))
    # a column that comes to be wrong more often than not is no readout any more
    most = np.maximum(0.5, usual.sum(axis=0))
    wrong *= np.minimum(1, most / np.maximum(wrong.sum(axis=1), 1e-300))[:, None]
    return wrong + np.eye(4) * (1 - wrong.sum(axis=1, keepdims=True))
