from __future__ import annotations

import cmath
import subprocess
import sys
from math import cos, pi, sin, sqrt

import numpy as np
import pytest
from scipy import stats

from qent_hw.errors import InputError, InvalidStateError
from qent_hw.physics import (
    check_density,
    concurrence,
    density,
    dirichlet_spectrum,
    general_four_basis,
    is_entangled,
    random_mixed,
    special_four_basis,
    two_basis,
)

ZERO, ONE = np.array([1, 0]), np.array([0, 1])


def test_two_basis_amplitudes() -> None:
    expected = cos(0.35) * np.kron(ZERO, ZERO) + cmath.exp(0.4j) * sin(0.35) * np.kron(ONE, ONE)
    np.testing.assert_allclose(two_basis(0.7, 0.4), expected, atol=1e-15)


def test_special_four_basis_amplitudes() -> None:
    theta, phi = 0.7, 2.4
    expected = cos(theta / 2) * np.kron(ZERO, (cmath.exp(-1j * phi) * ZERO + ONE) / sqrt(2)) + sin(theta / 2) * np.kron(
        ONE, (cmath.exp(1j * phi) * ZERO + ONE) / sqrt(2)
    )
    np.testing.assert_allclose(special_four_basis(theta, phi), expected, atol=1e-15)


def test_general_four_basis_amplitudes() -> None:
    a, b, c, f1, f2, f3 = 0.3, 1.1, 2.5, 0.4, 3.0, 5.1
    expected = [
        sin(a),
        cos(a) * sin(b) * cmath.exp(1j * f1),
        cos(a) * cos(b) * sin(c) * cmath.exp(1j * f2),
        cos(a) * cos(b) * cos(c) * cmath.exp(1j * f3),
    ]
    np.testing.assert_allclose(general_four_basis(a, b, c, f1, f2, f3), expected, atol=1e-15)


def test_pure_concurrence_closed_forms() -> None:
    theta, phi = np.random.default_rng(1).uniform(0, 2 * pi, (2, 500))
    two, special = density(two_basis(theta, phi)), density(special_four_basis(theta, phi))
    np.testing.assert_allclose(concurrence(two), np.abs(np.sin(theta)), atol=1e-14)
    np.testing.assert_allclose(concurrence(special), np.abs(np.sin(theta) * np.sin(phi)), atol=1e-14)


def test_angles_broadcast_and_states_are_normalised() -> None:
    psi = special_four_basis(np.linspace(0, 6, 5)[:, None], np.linspace(0, 6, 3))
    assert psi.shape == (5, 3, 4)
    assert psi.dtype == np.complex128
    np.testing.assert_allclose(np.linalg.norm(psi, axis=-1), 1, atol=1e-15)
    assert two_basis(0.1, 0.2).shape == (4,)
    assert general_four_basis(*np.ones((6, 2, 3))).shape == (2, 3, 4)
    assert density(psi).shape == (5, 3, 4, 4)
    np.testing.assert_array_equal(density(psi)[2, 1], np.outer(psi[2, 1], psi[2, 1].conj()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_basis([0.1, np.nan], 0.0), r"theta\[1\] = nan"),
        (lambda: special_four_basis(0.1, np.inf), r"phi = inf"),
        (lambda: general_four_basis(0, 0, [[0, -np.inf]], 0, 0, 0), r"gamma\[0, 1\] = -inf"),
        (lambda: two_basis("north", 0.0), "theta is no array of numbers"),
        (lambda: two_basis([1, 2], [1, 2, 3]), r"theta \(2,\), phi \(3,\)"),
        (lambda: density([[1, 0, 0, 0], [1, 1, 0, 0]]), r"psi\[1\] has squared norm 2"),
        (lambda: density([np.nan, 0, 0, 0]), "psi has squared norm nan"),
        (lambda: density([1, 0]), r"psi has shape \(2,\)"),
    ],
)
def test_bad_states_are_named(call, message) -> None:
    with pytest.raises(InvalidStateError, match=message):
        call()


def test_random_mixed_has_the_spectrum_asked_for_and_is_reproducible() -> None:
    spectrum = np.random.default_rng(2).dirichlet(np.ones(4), size=50)
    rho = check_density(random_mixed(50, spectrum, 7))
    np.testing.assert_allclose(np.linalg.eigvalsh(rho), np.sort(spectrum), atol=1e-14)
    np.testing.assert_array_equal(rho, random_mixed(50, spectrum, np.random.SeedSequence(7)))
    assert not np.allclose(rho, random_mixed(50, spectrum, 8))
    assert random_mixed(0, [1, 0, 0, 0], 1).shape == (0, 4, 4)


def test_random_mixed_is_haar_distributed() -> None:
    """For a pure spectrum each |<i|ψ>|² follows Beta(1, 3), in a rotated basis too. False alarm 8 x 1e-7 < 1e-6."""
    rho = random_mixed(20_000, [1, 0, 0, 0], 11)
    turn = np.linalg.qr(np.random.default_rng(12).normal(size=(4, 4)) + 1j * np.diag([1, 2, 3, 4])).Q
    for states in (rho, turn @ rho @ turn.conj().T):
        for i in range(4):
            assert stats.kstest(states[:, i, i].real, stats.beta(1, 3).cdf).pvalue > 1e-7
    np.testing.assert_allclose(rho.mean(axis=0), np.eye(4) / 4, atol=6 / np.sqrt(20_000) / 4)


def test_dirichlet_spectrum_gives_about_42_percent_entangled() -> None:
    """20,000 states: standard error 0.35 points, so ±2 points has a false-alarm rate of about 1e-8."""
    share = is_entangled(random_mixed(20_000, dirichlet_spectrum(0.88), 3)).mean()
    assert abs(share - 0.42) < 0.02
    draws = dirichlet_spectrum([1, 2, 3, 4])(40_000, np.random.default_rng(4))
    np.testing.assert_allclose(draws.mean(axis=0), [0.1, 0.2, 0.3, 0.4], atol=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_mixed(2, [0.5, 0.5, 0.5, -0.5], 1), "spectrum of state 0"),
        (lambda: random_mixed(2, [[1, 0, 0, 0], [0.5, 0.4, 0, 0]], 1), "spectrum of state 1"),
        (lambda: random_mixed(2, [np.nan, 0, 0, 1], 1), "spectrum of state 0"),
        (lambda: random_mixed(2, [0.5, 0.5], 1), r"shape \(2,\): must be \(4,\) or \(2, 4\)"),
        (lambda: random_mixed(2, lambda n, rng: np.ones((n, 4)), 1), "spectrum of state 0"),
        (lambda: random_mixed(-1, [1, 0, 0, 0], 1), "n = -1"),
        (lambda: random_mixed(1, [1, 0, 0, 0], -3), "seed = -3"),
        (lambda: random_mixed(1, [1, 0, 0, 0], None), "seed = None"),
        (lambda: dirichlet_spectrum(0), "alpha = 0"),
        (lambda: dirichlet_spectrum([1, 2]), "alpha"),
        (lambda: dirichlet_spectrum(np.inf), "positive and finite"),
    ],
)
def test_bad_spectra_and_seeds_are_named(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_physics_needs_numpy_alone() -> None:
    script = (
        "import sys, qent_hw.physics\n"
        "print([m for m in ('qiskit', 'qiskit_aer', 'pandas', 'scipy', 'tensorflow') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
