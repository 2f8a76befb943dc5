"""Outcomes of a pure state under dephasing or depolarizing, and their derivatives, in real arithmetic.

What the general way makes by matrices of complex numbers (amplitudes, density matrix, channel, Born's rule) is here a
few real products for each element of ρ that the settings see. States are the last axis, so that every step is one sweep
over contiguous memory. Tests hold the result equal to the general way's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.physics import outcome_probabilities

Array: TypeAlias = NDArray[np.float64]

# Elements of ρ above the diagonal: six, of which the last two have labels that differ in both qubits.
_LEFT = np.array([0, 2, 0, 1, 0, 1])
_RIGHT = np.array([1, 3, 2, 3, 3, 2])
_BOTH = np.array([False] * 4 + [True] * 2)[:, None]
# States at a time: what they need stays in the cache.
_BLOCK = 2048


@dataclass(frozen=True)
class Polar:
    """A family's amplitudes as moduli and phases, ψ_i = m_i e^{iφ_i}.

    The first j of the family's k angles set the moduli, the others the phases. moduli: those angles (j, n) -> m (4, n),
    of either sign, and their derivatives (j, 4, n); phases: (4, k - j), φ = phases @ angles.
    """

    moduli: Callable[[Array], tuple[Array, Array]]
    phases: Array


@dataclass(frozen=True)
class PureChances:
    """Chances of the outcomes of measuring the states of points of the unit cube: the first k coordinates stand for the
    family's angles, `low` + `span` · coordinate, the last for the strength p of `channel` ('dephasing', Eq. 3-6, or
    'depolarizing', Eq. 13, of arXiv:2410.21504v2)."""

    polar: Polar
    low: Array
    span: Array
    channel: str

    def values(self, points: Array, settings: tuple[str, ...]) -> Array:
        """Points (n, k + 1) -> (n, 4 n_settings)."""
        found = np.empty((len(points), 4 * len(settings)))
        for start in range(0, len(points), _BLOCK):
            part = slice(start, start + _BLOCK)
            found[part] = _chances(self._elements(points[part]), settings).T
        return found

    def slopes(self, points: Array, settings: tuple[str, ...]) -> tuple[Array, NDArray[np.float32]]:
        """Points (n, k + 1) -> the chances (n, 4 n_settings) and their derivatives (n, 4 n_settings, k + 1), these in
        single precision; in memory the points are the last axis of both."""
        n, d = points.shape
        found, slopes = np.empty((4 * len(settings), n)), np.empty((d, 4 * len(settings), n), np.float32)
        for start in range(0, n, _BLOCK):
            part = slice(start, start + _BLOCK)
            elements = self._elements(points[part])
            found[:, part] = _chances(elements, settings)
            slopes[:, :, part] = self._slopes(elements, settings)
        return found.T, slopes.T

    def _elements(self, points: Array) -> _Elements:
        angles = self.low[:, None] + self.span[:, None] * points[:, :-1].T
        j = len(self.span) - self.polar.phases.shape[1]
        moduli, change = self.polar.moduli(angles[:j])
        direction = self._directions(angles[j:])
        keep = 1 - points[:, -1]
        if self.channel == "dephasing":
            kept, kept_slope = np.where(_BOTH, keep * keep, keep), np.where(_BOTH, -2 * keep, -1.0)
            left, left_slope = np.ones_like(keep), np.zeros_like(keep)
        else:
            kept, kept_slope = np.broadcast_to(keep, (6, len(keep))), np.full((6, len(keep)), -1.0)
            left, left_slope = keep, np.full_like(keep, -1.0)
        return _Elements(
            moduli, change, direction, moduli[_LEFT] * moduli[_RIGHT] * direction, kept, kept_slope, left, left_slope
        )

    def _directions(self, angles: Array) -> Array:
        """Cosine and sine (2, 6, n) of the phases of the elements."""
        turning = self.polar.phases.any(axis=1)
        cosine, sine = np.ones((4, angles.shape[1])), np.zeros((4, angles.shape[1]))
        cosine[turning], sine[turning] = cosine_and_sine(self.polar.phases[turning] @ angles)
        found = np.empty((2, 6, angles.shape[1]))
        found[0] = cosine[_LEFT] * cosine[_RIGHT] + sine[_LEFT] * sine[_RIGHT]
        found[1] = sine[_LEFT] * cosine[_RIGHT] - cosine[_LEFT] * sine[_RIGHT]
        return found

    def _slopes(self, at: _Elements, settings: tuple[str, ...]) -> NDArray[np.float32]:
        """(k + 1, 4 n_settings, n); single precision will do for derivatives, and takes half the time."""
        _, diagonal, weights = outcome_weights(settings)
        j = len(at.change)
        change = (at.change * self.span[:j, None, None]).astype(np.float32)
        moduli, kept, direction, values = (
            one.astype(np.float32) for one in (at.moduli, at.kept, at.direction, at.values)
        )
        moved = np.empty((len(self.span) + 1, *values.shape), np.float32)
        size_change = change[:, _LEFT] * moduli[_RIGHT] + moduli[_LEFT] * change[:, _RIGHT]
        np.multiply((size_change * kept)[:, None], direction, out=moved[:j])
        # r e^{iφ} moves by i r e^{iφ} as the phase turns
        real, imaginary = values * kept
        turned = ((self.polar.phases[_LEFT] - self.polar.phases[_RIGHT]) * self.span[j:]).T[:, :, None]
        turned = turned.astype(np.float32)
        np.multiply(-turned, imaginary, out=moved[j:-1, 0])
        np.multiply(turned, real, out=moved[j:-1, 1])
        moved[-1] = values * at.kept_slope
        found: NDArray[np.float32] = weights.T.astype(np.float32) @ moved.reshape(len(moved), 12, -1)
        if at.left_slope.any():
            found[-1] += (at.left_slope * _populations(at, settings)).astype(np.float32)
        if diagonal.any():
            found[:j] += diagonal.T.astype(np.float32) @ (2 * at.left.astype(np.float32) * change[:, 1:] * moduli[1:])
        return found


@dataclass(frozen=True)
class _Elements:
    """Of n states before the channel: moduli (4, n) and their derivatives, `change` (j, 4, n); of the six elements of ρ
    the directions e^{iφ} and the `values`, (2, 6, n) real and imaginary parts. What is left of the elements, `kept`
    (6, n), and of the populations' distance from 1/4, `left` (n,), with derivatives by p."""

    moduli: Array
    change: Array
    direction: Array
    values: Array
    kept: Array
    kept_slope: Array
    left: Array
    left_slope: Array


def _chances(at: _Elements, settings: tuple[str, ...]) -> Array:
    weights = outcome_weights(settings)[2]
    seen = weights.T @ (at.kept * at.values).reshape(12, -1) + 0.25 + at.left * _populations(at, settings)
    found: Array = np.maximum(seen, 0.0, out=seen)
    return found


def _populations(at: _Elements, settings: tuple[str, ...]) -> Array:
    """What the populations add to the chances (4 n_settings, n), or to one, beyond 1/4."""
    constant, diagonal, _ = outcome_weights(settings)
    beyond: Array = (constant - 0.25)[:, None] + (diagonal.T @ at.moduli[1:] ** 2 if diagonal.any() else 0.0)
    return beyond


@cache
def outcome_weights(settings: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """Chances of all outcomes as constant (4 n_settings,), weights (3, 4 n_settings) on ρ11, ρ22, ρ33, and weights
    (12, 4 n_settings) on the real parts of six elements of ρ and then on their imaginary parts; trace ρ is one."""
    basis = np.zeros((16, 4, 4), dtype=np.complex128)
    basis[range(4), range(4), range(4)] = 1
    basis[range(4, 10), _LEFT, _RIGHT] = basis[range(4, 10), _RIGHT, _LEFT] = 1
    basis[range(10, 16), _LEFT, _RIGHT], basis[range(10, 16), _RIGHT, _LEFT] = 1j, -1j
    # around a state that makes every outcome likely, since chances below zero are cut off
    even = np.eye(4) / 4
    near, there = (outcome_probabilities(rho, settings, validate=False) for rho in (even + basis / 64, even))
    weights = 64 * (near - there).reshape(16, -1)
    diagonal = weights[1:4] - weights[0]
    # rounding
    diagonal[np.abs(diagonal) < 1e-12] = 0
    return weights[0], diagonal, weights[4:]


def cosine_and_sine(angles: Array) -> tuple[Array, Array]:
    """cos and sin by way of the half angle's tangent, which NumPy computes several times as fast as either; both are
    good to about 1e-16."""
    tangent = np.tan(angles / 2)
    square = tangent * tangent
    scale = 1 / (1 + square)
    return (1 - square) * scale, 2 * tangent * scale


def _two_basis(angles: Array) -> tuple[Array, Array]:
    """cos(θ/2)|00⟩ + e^{iφ} sin(θ/2)|11⟩ (Eq. 12)."""
    n = angles.shape[1]
    cosine, sine = cosine_and_sine(angles[0] / 2)
    moduli, slopes = np.zeros((4, n)), np.zeros((1, 4, n))
    moduli[0], moduli[3] = cosine, sine
    slopes[0, 0], slopes[0, 3] = -sine / 2, cosine / 2
    return moduli, slopes


def _special_four_basis(angles: Array) -> tuple[Array, Array]:
    """cos(θ/2)|0⟩(e^{−iφ}|0⟩ + |1⟩)/√2 + sin(θ/2)|1⟩(e^{iφ}|0⟩ + |1⟩)/√2 (Eq. 14)."""
    cosine, sine = cosine_and_sine(angles[0] / 2)
    moduli, slopes = np.empty((4, len(cosine))), np.empty((1, 4, len(cosine)))
    moduli[:2], moduli[2:] = cosine / np.sqrt(2), sine / np.sqrt(2)
    slopes[0, :2], slopes[0, 2:] = -moduli[2] / 2, moduli[0] / 2
    return moduli, slopes


def _general_four_basis(angles: Array) -> tuple[Array, Array]:
    """sin α|00⟩ + cos α sin β e^{iφ1}|01⟩ + cos α cos β sin γ e^{iφ2}|10⟩ + cos α cos β cos γ e^{iφ3}|11⟩ (Eq. 17)."""
    (ca, cb, cg), (sa, sb, sg) = cosine_and_sine(angles)
    moduli, slopes = np.empty((4, len(ca))), np.zeros((3, 4, len(ca)))
    cab = ca * cb
    moduli[0], moduli[1], moduli[2], moduli[3] = sa, ca * sb, cab * sg, cab * cg
    slopes[0, 0], slopes[0, 1], slopes[0, 2], slopes[0, 3] = ca, -sa * sb, -sa * cb * sg, -sa * cb * cg
    slopes[1, 1], slopes[1, 2], slopes[1, 3] = cab, -ca * sb * sg, -ca * sb * cg
    slopes[2, 2], slopes[2, 3] = cab * cg, -cab * sg
    return moduli, slopes


POLAR: Mapping[str, Polar] = {
    "two_basis": Polar(_two_basis, np.array([[0.0], [0], [0], [1]])),
    "special_four_basis": Polar(_special_four_basis, np.array([[-1.0], [0], [1], [0]])),
    "general_four_basis": Polar(_general_four_basis, np.eye(4, 3, -1)),
}
"""The shipped families, by their names; their parameters in the order of the circuits' headers."""
