"""The state families of arXiv:2410.21504v2 as amplitudes, and random mixed states.

Amplitudes are ordered |00>, |01>, |10>, |11>; the first qubit is the left one in |ab> (big-endian). Angles are in
radians and broadcast against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError, InvalidStateError
from qent_hw.physics.batches import first_index, subscript
from qent_hw.physics.checks import STATE_TOLERANCE, check_amplitudes

Spectrum = Callable[[int, np.random.Generator], NDArray[np.float64]]
"""Draws n spectra: (n, rng) -> (n, 4) eigenvalues, each row non-negative with sum one."""


def two_basis(theta: ArrayLike, phi: ArrayLike) -> NDArray[np.complex128]:
    """cos(θ/2)|00> + e^{iφ} sin(θ/2)|11> (Eq. 12, 15) -> (..., 4) amplitudes.

    Concurrence |sin θ|. Raises InvalidStateError naming an angle that is NaN or infinite.
    """
    theta, phi = _angles(theta=theta, phi=phi)
    zero = np.zeros_like(theta)
    return np.stack([np.cos(theta / 2), zero, zero, np.exp(1j * phi) * np.sin(theta / 2)], axis=-1)


def special_four_basis(theta: ArrayLike, phi: ArrayLike) -> NDArray[np.complex128]:
    """cos(θ/2)|0>(e^{-iφ}|0> + |1>)/√2 + sin(θ/2)|1>(e^{iφ}|0> + |1>)/√2 (Eq. 14, 16) -> (..., 4) amplitudes.

    Concurrence |sin θ sin φ|. Raises InvalidStateError naming an angle that is NaN or infinite.
    """
    theta, phi = _angles(theta=theta, phi=phi)
    cos, sin = np.cos(theta / 2) / np.sqrt(2), np.sin(theta / 2) / np.sqrt(2)
    phase = np.exp(1j * phi)
    return np.stack([cos * phase.conj(), cos, sin * phase, sin], axis=-1)


def general_four_basis(
    alpha: ArrayLike, beta: ArrayLike, gamma: ArrayLike, phi1: ArrayLike, phi2: ArrayLike, phi3: ArrayLike
) -> NDArray[np.complex128]:
    """The general pure state of Eq. 17 -> (..., 4) amplitudes.

    sin α|00> + cos α sin β e^{iφ1}|01> + cos α cos β sin γ e^{iφ2}|10> + cos α cos β cos γ e^{iφ3}|11>.
    Raises InvalidStateError naming an angle that is NaN or infinite.
    """
    alpha, beta, gamma, phi1, phi2, phi3 = _angles(alpha=alpha, beta=beta, gamma=gamma, phi1=phi1, phi2=phi2, phi3=phi3)
    rest = np.cos(alpha) * np.cos(beta)
    return np.stack(
        [
            np.sin(alpha).astype(np.complex128),
            np.cos(alpha) * np.sin(beta) * np.exp(1j * phi1),
            rest * np.sin(gamma) * np.exp(1j * phi2),
            rest * np.cos(gamma) * np.exp(1j * phi3),
        ],
        axis=-1,
    )


def density(psi: ArrayLike, *, validate: bool = True) -> NDArray[np.complex128]:
    """|ψ><ψ| of amplitudes (..., 4) -> (..., 4, 4).

    Raises InvalidStateError naming the state whose amplitudes are not finite or not normalised.
    """
    array = check_amplitudes(psi) if validate else np.asarray(psi, dtype=np.complex128)
    return array[..., :, None] * array[..., None, :].conj()


def random_mixed(n: int, spectrum: Spectrum | ArrayLike, seed: int | np.random.SeedSequence) -> NDArray[np.complex128]:
    """n random mixed states ρ = U diag(λ) U† with Haar-random U (Sec. III.C) -> (n, 4, 4).

    U comes from the QR decomposition of a complex Gaussian matrix (Mezzadri, arXiv:math-ph/0609050). `spectrum` gives
    the eigenvalues λ: one row (4,) for all states, an array (n, 4), or a function `(n, rng) -> (n, 4)` such as
    `dirichlet_spectrum(0.88)`. The same seed gives the same states.

    Raises InputError for n < 0, a bad seed, or a spectrum that is not four non-negative numbers with sum one.
    """
    if n < 0:
        raise InputError(f"n = {n} states: must be 0 or more")
    rng = _generator(seed)
    gaussian = rng.standard_normal((n, 4, 4, 2)).view(np.complex128)[..., 0]
    # QR leaves the phases of U's columns arbitrary, not Haar's; they cancel in U diag(λ) U†, so they may stay.
    unitary = np.linalg.qr(gaussian).Q
    eigenvalues = _check_spectrum(spectrum(n, rng) if callable(spectrum) else spectrum, n)
    rho = (unitary * eigenvalues[:, None, :]) @ unitary.conj().swapaxes(-1, -2)
    return (rho + rho.conj().swapaxes(-1, -2)) / 2


def dirichlet_spectrum(alpha: ArrayLike) -> Spectrum:
    """A spectrum for `random_mixed`: eigenvalues from a Dirichlet law, `alpha` one positive number or four.

    About 42% of the states are entangled at alpha = 0.88. Raises InputError for an alpha that is not positive and
    finite.
    """
    try:
        weights = np.broadcast_to(np.asarray(alpha, dtype=np.float64), (4,))
    except (TypeError, ValueError):
        raise InputError(f"alpha = {alpha!r}: must be one positive number or four") from None
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise InputError(f"alpha = {alpha!r}: must be positive and finite")

    def draw(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.dirichlet(weights, size=n)

    return draw


def _angles(**angles: ArrayLike) -> list[NDArray[np.float64]]:
    """The named angles as float64 arrays of one common shape."""
    arrays = {}
    for name, value in angles.items():
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidStateError(f"{name} is no array of numbers: angles are real, in radians") from None
        bad = ~np.isfinite(array)
        if np.any(bad):
            index = first_index(bad)
            raise InvalidStateError(f"{subscript(name, index)} = {array[index]}: an angle must be finite (radians)")
        arrays[name] = array
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InvalidStateError(f"the shapes of the angles do not broadcast: {shapes}") from None


def _generator(seed: object) -> np.random.Generator:
    if isinstance(seed, np.random.SeedSequence) or (isinstance(seed, int | np.integer) and seed >= 0):
        return np.random.default_rng(seed)
    raise InputError(f"seed = {seed!r}: must be a non-negative integer or a SeedSequence")


def _check_spectrum(spectrum: ArrayLike, n: int) -> NDArray[np.float64]:
    try:
        values = np.broadcast_to(np.asarray(spectrum, dtype=np.float64), (n, 4))
    except (TypeError, ValueError):
        raise InputError(f"spectrum has shape {np.shape(spectrum)}: must be (4,) or ({n}, 4)") from None
    bad = ~((values >= 0).all(axis=-1) & (np.abs(values.sum(axis=-1) - 1) <= STATE_TOLERANCE))
    if np.any(bad):
        k = int(np.argmax(bad))
        raise InputError(f"spectrum of state {k} is {values[k].tolist()}: must be non-negative with sum one")
    return values
