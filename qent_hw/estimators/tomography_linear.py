"""Linear tomography: least squares, and then the closest state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.tomography_born import Chances, Reconstruction, matrices_of, smoothed


def linear_states(counts: NDArray[np.int64], chances: Chances) -> Reconstruction:
    """Least squares for the fifteen averages, and then the closest density matrices; counts (n, 9, 4) of ALL_SETTINGS.

    Every frequency is weighted by its setting's shots. The covariance is that of the least squares, with the
    multinomial one of the (smoothed) frequencies.
    """
    shots = counts.sum(axis=-1).astype(np.float64)
    frequencies = (counts / shots[..., None]).reshape(-1, 36)
    # in an experiment nearly all states have the same shots, and so the same solution
    kinds, kind = np.unique(shots, axis=0, return_inverse=True)
    weighted = chances.slopes.T * np.repeat(kinds, 4, axis=1)[:, None, :]
    solution = np.linalg.solve(weighted @ chances.slopes, weighted)[kind.reshape(-1)]
    averages = np.einsum("njk,nk->nj", solution, frequencies - chances.offset)
    per_outcome = np.repeat(shots, 4, axis=1)
    chance = smoothed(frequencies, per_outcome)[:, None, :]
    mean = (solution * chance).reshape(-1, 15, 9, 4).sum(axis=-1)
    moved = solution - np.repeat(mean, 4, axis=2)
    covariance = (moved * (chance / (per_outcome + 3)[:, None, :])) @ moved.swapaxes(1, 2)
    return Reconstruction(physics.features(closest_states(averages), validate=False), covariance)


def closest_states(averages: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The density matrices (n, 4, 4) closest, in Frobenius norm, to matrices of the averages (n, 15).

    Smolin, Gambetta and Smith, Phys. Rev. Lett. 108, 070502 (2012): negative eigenvalues become zero, and what they
    lacked is taken from the others evenly, which may bring more of them to zero.
    """
    values, vectors = np.linalg.eigh(matrices_of(averages))
    # the largest number of largest eigenvalues that stay positive when what is over one is shared among them
    excess = (np.cumsum(values[:, ::-1], axis=1) - 1) / np.arange(1, 5)
    kept = (values[:, ::-1] > excess).sum(axis=1)
    values = np.maximum(values - np.take_along_axis(excess, kept[:, None] - 1, axis=1), 0.0)
    return (vectors * values[:, None, :]) @ vectors.conj().swapaxes(1, 2)
