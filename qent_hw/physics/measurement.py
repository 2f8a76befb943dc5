"""Exact features and outcome probabilities of two-qubit states: Born's rule as one real matrix product."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.physics.checks import density_array
from qent_hw.physics.settings import ALL_SETTINGS, AXES, FEATURES, check_settings

_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_OUTCOMES = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def features(rho: ArrayLike, *, validate: bool = True) -> NDArray[np.float64]:
    """The fifteen averages tr(ρ A⊗B) of Table I (Eq. 11): rho (..., 4, 4) -> (..., 15), in the order of FEATURES.

    Raises InvalidStateError naming the state that is no density matrix and why; `validate=False` skips that check.
    """
    return _expectations(density_array(rho, validate=validate), _FEATURE_WEIGHTS)


def outcome_probabilities(rho: ArrayLike, settings: Iterable[str], *, validate: bool = True) -> NDArray[np.float64]:
    """Probabilities of the outcomes ++, +-, -+, -- (first sign: qubit 1): rho (..., 4, 4) -> (..., n_settings, 4).

    Rounding errors below zero are set to zero. Raises InputError for an unknown setting, InvalidStateError for a
    bad state (`validate=False` skips that check).
    """
    chosen = [ALL_SETTINGS.index(name) for name in check_settings(settings)]
    rho = density_array(rho, validate=validate)
    weights = np.ascontiguousarray(_OUTCOME_WEIGHTS[:, chosen]).reshape(32, -1)
    probabilities = _expectations(rho, weights).reshape(*rho.shape[:-2], len(chosen), 4)
    return np.maximum(probabilities, 0.0, out=probabilities)


def _expectations(rho: NDArray[np.complex128], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """tr(ρ O_k) of hermitian operators: rho (..., 4, 4), weights (32, K) -> (..., K)."""
    return (rho.reshape(-1, 16).view(np.float64) @ weights).reshape(*rho.shape[:-2], weights.shape[1])


def _weights(operators: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Hermitian operators (K, 4, 4) as real weights (32, K) on the real and imaginary parts of ρ's elements."""
    transposed = operators.swapaxes(-1, -2).reshape(-1, 16)
    return np.stack([transposed.real, -transposed.imag], axis=-1).reshape(-1, 32).T.copy()


def _along(axis: str) -> NDArray[np.complex128]:
    return np.eye(2, dtype=np.complex128) if axis == "1" else np.tensordot(AXES[axis], _PAULI, axes=1)


def _projector(setting: str, signs: tuple[int, int]) -> NDArray[np.complex128]:
    one, two = ((np.eye(2) + sign * _along(axis)) / 2 for axis, sign in zip(setting, signs, strict=True))
    return np.kron(one, two).astype(np.complex128, copy=False)


_FEATURE_WEIGHTS = _weights(np.array([np.kron(_along(name[0]), _along(name[1])) for name in FEATURES]))
_OUTCOME_WEIGHTS = _weights(
    np.array([_projector(setting, signs) for setting in ALL_SETTINGS for signs in _OUTCOMES])
).reshape(32, len(ALL_SETTINGS), 4)
