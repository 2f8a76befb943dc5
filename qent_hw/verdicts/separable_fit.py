"""The separable state that fits counts best, and the state that does, for any settings and many states at once.

For two qubits the separable states are those with a positive partial transpose (Horodecki, Horodecki and Horodecki,
Phys. Lett. A 223, 1 (1996)), so that the likelihood of the best of them is a concave problem with a bound from above
that needs no trust in the steps towards it; see `estimators.interior_point`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from qent_hw.estimators.interior_point import ALL_STATES, SEPARABLE_STATES, Array, climb
from qent_hw.estimators.tomography_born import Chances, matrices_of, outcome_chances
from qent_hw.physics.settings import ALL_SETTINGS, check_settings

GAP = 1e-3
"""Nats by which a fit may fall short of the best: nothing beside the 4.6 that a certificate at 99% needs."""

_BLOCK = 512
_INWARD = 2.0  # over √shots: share of the maximally mixed state in the start, at least
_INSIDE = 0.05  # share of the way from the maximally mixed state's eigenvalues, 1/4, to 0 that the start keeps clear


@dataclass(frozen=True, eq=False)
class Fit:
    """States that fit counts best.

    Attributes
    ----------
    averages
        (n, 15) of the states found, in the order of FEATURES.
    value
        (n,) their log-likelihoods Σ n log p in nats, without the multinomial coefficient.
    upper
        (n,) what no state of the set exceeds: at most `value` plus the gap asked for, and what rounding adds at 10⁷
        shots and more.
    """

    averages: Array
    value: Array
    upper: Array

    @property
    def states(self) -> NDArray[np.complex128]:
        """(n, 4, 4) density matrices."""
        return matrices_of(self.averages)


def best_separable(counts: NDArray[np.number], chances: Chances, gap: float = GAP) -> Fit:
    """The separable states most likely given counts (n, n_settings, 4), whole or not, of the settings of `chances`.

    Where the settings do not determine the state, one of many equally likely ones. gap: in nats.
    """
    return _fit(counts, chances, SEPARABLE_STATES, gap)


def best_of_all(counts: NDArray[np.number], chances: Chances, gap: float = GAP) -> Fit:
    """As `best_separable`, among all states."""
    return _fit(counts, chances, ALL_STATES, gap)


def chances_of(settings: Sequence[str], assignment: NDArray[np.float64] | None = None) -> Chances:
    """The chances of the outcomes of some settings, in their order, given A[measured, prepared] (4, 4).

    Raises
    ------
    InputError
        for an unknown or repeated setting, or an assignment that is none; see `tomography_born.outcome_chances`.
    """
    places = [ALL_SETTINGS.index(name) for name in check_settings(settings)]
    every = outcome_chances(assignment)
    rows = (4 * np.array(places)[:, None] + np.arange(4)).ravel()
    return Chances(every.offset[rows], every.slopes[rows])


def log_likelihood(counts: NDArray[np.number], chance: Array) -> Array:
    """Σ n log p in nats -> (n,) of counts and chances that broadcast to (n, n_outcomes); 0 log 0 is 0."""
    seen = np.where(counts > 0, chance, 1.0)
    found: Array = (counts * np.log(np.maximum(seen, 1e-300))).sum(axis=-1)
    return found


def _fit(counts: NDArray[np.number], chances: Chances, signs: Array, gap: float) -> Fit:
    flat = counts.reshape(len(counts), -1).astype(np.float64)
    averages, short = np.empty((len(flat), 15)), np.empty(len(flat))
    # many small matrices: threads would only wait for one another
    with _threads().limit(limits=1):
        # in blocks that stay in the processor's cache
        for first in range(0, len(flat), _BLOCK):
            part = slice(first, first + _BLOCK)
            found = climb(flat[part], _start(flat[part], chances, signs), chances, signs, gap)
            averages[part], short[part] = found.averages, found.short
    value = log_likelihood(flat, chances(averages))
    return Fit(averages, value, value + short)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _start(flat: Array, chances: Chances, signs: Array) -> Array:
    """The averages (n, 15) of least squares, drawn so far towards the maximally mixed state that they are inside."""
    shots = flat.reshape(len(flat), -1, 4).sum(axis=2, keepdims=True)
    frequencies = (flat.reshape(len(flat), -1, 4) / np.maximum(shots, 1e-300)).reshape(len(flat), -1)
    measured = np.repeat(shots[:, :, 0] > 0, 4, axis=1)
    averages = np.where(measured, frequencies - chances.offset, 0.0) @ np.linalg.pinv(chances.slopes).T
    lowest = np.min([np.linalg.eigvalsh(matrices_of(averages * sign))[:, 0] for sign in signs], axis=0)
    clear = np.maximum(_INSIDE, np.minimum(0.5, _INWARD / np.sqrt(np.maximum(flat.sum(axis=1), 1e-300))))
    return averages * ((1 - clear) * np.minimum(1.0, 0.25 / np.maximum(0.25 - lowest, 1e-12)))[:, None]
