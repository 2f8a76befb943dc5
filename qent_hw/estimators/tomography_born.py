"""Two-qubit states as their fifteen averages, and the chances of all outcomes as linear functions of these."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.physics.settings import ALL_SETTINGS, AXES, FEATURES, gives

_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_SIGNS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
# Below this, relative to the largest, a singular value of the readout means that averages cannot be told apart.
_BLIND = 1e-6


def _along(axis: str) -> NDArray[np.complex128]:
    return np.eye(2, dtype=np.complex128) if axis == "1" else np.tensordot(AXES[axis], _PAULI, axes=1)


OPERATORS: NDArray[np.complex128] = np.array([np.kron(_along(name[0]), _along(name[1])) for name in ("11", *FEATURES)])
"""1⊗1 and then A⊗B of every feature, (16, 4, 4) in the order of FEATURES. Orthogonal: tr(G_j G_k) = 4 δ_jk."""


@dataclass(frozen=True)
class Chances:
    """Of every outcome of all nine settings (or of some), as offset + slopes @ averages: offset (36,), slopes (36, 15).

    The first axis runs over ALL_SETTINGS and, within each, over ++, +−, −+, −−; averages follow FEATURES.
    """

    offset: NDArray[np.float64]
    slopes: NDArray[np.float64]

    def __call__(self, averages: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 15) averages -> (n, 36) chances."""
        return self.offset + averages @ self.slopes.T

    @cached_property
    def squares(self) -> NDArray[np.float64]:
        """(36, 225) the outer product of every outcome's slopes with themselves."""
        return (self.slopes[:, :, None] * self.slopes[:, None, :]).reshape(-1, 225)


def outcome_chances(assignment: NDArray[np.float64] | None = None) -> Chances:
    """The chances that a device reads, given A[measured, prepared] (4, 4) of ++, +−, −+, −−; None if it never errs.

    Outcome m of a setting has the operator Σ_o A[m, o] P_o, with P_o the projector on outcome o.

    Raises
    ------
    InputError
        for an assignment that is no (4, 4) matrix of finite numbers with columns that sum to one, or with which some
        averages leave no trace in the counts.
    """
    offset, slopes = np.full((9, 4), 0.25), np.zeros((9, 4, 15))
    for k, setting in enumerate(ALL_SETTINGS):
        for j, feature in enumerate(FEATURES):
            if gives(setting, feature):
                slopes[k, :, j] = np.prod(_SIGNS[:, [letter != "1" for letter in feature]], axis=1) / 4
    if assignment is not None:
        matrix = np.asarray(assignment, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.allclose(matrix.sum(axis=0), 1, atol=1e-6):
            raise InputError(
                f"assignment of shape {matrix.shape}: must be (4, 4), A[measured, prepared], each column summing to one"
            )
        offset, slopes = offset @ matrix.T, matrix @ slopes
    flat = slopes.reshape(36, 15)
    sizes = np.linalg.svd(flat, compute_uv=False)
    if sizes[-1] < _BLIND * sizes[0]:
        raise InputError("assignment: misreads so much that some averages cannot be had from the counts")
    return Chances(offset.reshape(36), flat)


@dataclass(frozen=True)
class Reconstruction:
    """What tomography makes of counts: averages (n, 15) of density matrices, in the order of FEATURES, and their
    covariance (n, 15, 15) over repetitions as if every state were far from the border of all states."""

    averages: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def states(self) -> NDArray[np.complex128]:
        """(n, 4, 4) density matrices."""
        return matrices_of(self.averages)


def matrices_of(averages: NDArray[np.float64]) -> NDArray[np.complex128]:
    """(1⊗1 + Σ r_k G_k)/4 -> (n, 4, 4), hermitian of trace one, for averages (n, 15)."""
    return (OPERATORS[0] + (averages @ OPERATORS[1:].reshape(15, 16)).reshape(-1, 4, 4)) / 4


def smoothed(frequencies: NDArray[np.float64], shots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies as after Laplace's half a count more of each outcome: never zero, so that no error vanishes.

    Multinomial covariances take them with shots + 3; see `features_from_counts`, which smooths so.
    """
    return (frequencies * shots + 0.5) / (shots + 2)
