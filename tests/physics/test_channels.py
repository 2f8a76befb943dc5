from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import DensityMatrix, Kraus, SuperOp
from qiskit_aer.noise import thermal_relaxation_error

from qent_hw.errors import InvalidRelaxationError, InvalidStrengthError
from qent_hw.physics import concurrence, density, dephase, depolarize, random_mixed, relax, two_basis

I2 = np.eye(2)
P0, P1 = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
LOWER = np.array([[0.0, 1.0], [0.0, 0.0]])


def dephasing_kraus(p: float) -> list[np.ndarray]:
    return [np.sqrt(1 - p) * I2, np.sqrt(p) * P0, np.sqrt(p) * P1]


def relaxation_kraus(t: float, t1: float, t2: float) -> list[np.ndarray]:
    """Amplitude damping by 1 - e^{-t/T1}, then what pure dephasing T2 asks for beyond it."""
    gamma = 1 - np.exp(-t / t1)
    damping = [P0 + np.sqrt(1 - gamma) * P1, np.sqrt(gamma) * LOWER]
    pure = dephasing_kraus(1 - np.exp(-t / t2 + t / (2 * t1)))
    return [b @ a for a, b in product(damping, pure)]


def apply(first: list[np.ndarray], second: list[np.ndarray], rho: np.ndarray) -> np.ndarray:
    operators = [np.kron(a, b) for a, b in product(first, second)]
    return sum(k @ rho @ k.conj().T for k in operators)


@pytest.mark.parametrize(("p1", "p2"), [(0.0, 0.0), (0.3, 0.3), (0.2, 0.9), (1.0, 0.1), (1.0, 1.0)])
def test_dephase_is_the_kraus_channel(mixed, p1: float, p2: float) -> None:
    np.testing.assert_allclose(
        dephase(mixed, p1, p2), apply(dephasing_kraus(p1), dephasing_kraus(p2), mixed), atol=1e-15
    )


def test_dephase_agrees_with_qiskit_per_qubit(mixed) -> None:
    channel = Kraus(dephasing_kraus(0.7)).tensor(Kraus(dephasing_kraus(0.2)))
    ours = dephase(mixed[:50], 0.7, 0.2)
    for rho, expected in zip(ours, mixed[:50], strict=True):
        np.testing.assert_allclose(rho, DensityMatrix(expected).evolve(channel).data, atol=1e-14)


def test_dephase_follows_the_hamming_distance(mixed) -> None:
    hamming = np.array([[bin(i ^ j).count("1") for j in range(4)] for i in range(4)])
    np.testing.assert_allclose(dephase(mixed, 0.35), mixed * 0.65**hamming, atol=1e-15)
    np.testing.assert_array_equal(dephase(mixed, 0.35), dephase(mixed, 0.35, 0.35))


def test_dephase_qubit_order() -> None:
    """|+0> has coherence on qubit 1 alone: p1 removes it, p2 does not touch it."""
    plus_zero = density([np.sqrt(0.5), 0, np.sqrt(0.5), 0])
    np.testing.assert_allclose(dephase(plus_zero, 1, 0), np.diag([0.5, 0, 0.5, 0]), atol=1e-15)
    np.testing.assert_allclose(dephase(plus_zero, 0, 1), plus_zero, atol=1e-15)


def test_dephasing_shrinks_two_basis_concurrence_by_its_square() -> None:
    """Eq. 10: C -> (1-p)² C."""
    rng = np.random.default_rng(3)
    theta, phi = rng.uniform(0, 2 * np.pi, (2, 200))
    p = rng.uniform(size=200)
    rho = density(two_basis(theta, phi))
    np.testing.assert_allclose(concurrence(dephase(rho, p)), (1 - p) ** 2 * np.abs(np.sin(theta)), atol=1e-14)


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_depolarize(mixed, p: float) -> None:
    paulis = [I2, np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    twirled = apply(paulis, paulis, mixed) / 16
    np.testing.assert_allclose(depolarize(mixed, p), (1 - p) * mixed + p * twirled, atol=1e-15)


@pytest.mark.parametrize(
    ("t", "T1", "T2"),
    [(0.0, (1, 2), (1, 1)), (0.7, (1, 2), (0.5, 3.9)), (2.0, (3, 1), (6, 2)), (50.0, (1, 1), (1, 1))],
)
def test_relax_is_the_kraus_channel(mixed, t: float, T1: tuple, T2: tuple) -> None:
    expected = apply(relaxation_kraus(t, T1[0], T2[0]), relaxation_kraus(t, T1[1], T2[1]), mixed)
    np.testing.assert_allclose(relax(mixed, t, T1, T2), expected, atol=1e-14)


@pytest.mark.parametrize(("T1", "T2"), [((100e-6, 60e-6), (80e-6, 40e-6)), ((50e-6, 90e-6), (95e-6, 120e-6))])
def test_relax_agrees_with_aer(mixed, T1: tuple, T2: tuple) -> None:
    t = 37e-6
    one, two = (SuperOp(thermal_relaxation_error(t1, t2, t)) for t1, t2 in zip(T1, T2, strict=True))
    channel = one.tensor(two)
    for rho, expected in zip(relax(mixed[:50], t, T1, T2), mixed[:50], strict=True):
        np.testing.assert_allclose(rho, DensityMatrix(expected).evolve(channel).data, atol=1e-12)


def test_relax_limits(mixed) -> None:
    np.testing.assert_array_equal(relax(mixed, 0, 1, 1), mixed)
    np.testing.assert_allclose(relax(mixed, 1e3, 1, 2), np.broadcast_to(np.diag([1, 0, 0, 0]), mixed.shape), atol=1e-15)
    without_t1 = relax(mixed, 0.6, np.inf, [1, 2])
    np.testing.assert_allclose(without_t1, dephase(mixed, 1 - np.exp(-0.6), 1 - np.exp(-0.3)), atol=1e-15)
    np.testing.assert_array_equal(relax(mixed, 0.6, np.inf, np.inf), mixed)
    assert relax(mixed, 0.6, 1, 2 * (1 + 5e-10)).shape == mixed.shape


def test_relax_qubit_order() -> None:
    """|11>, qubit 1 short-lived: it decays to |01>, not to |10>."""
    np.testing.assert_allclose(
        relax(density([0, 0, 0, 1]), 1e-3, [1e-6, np.inf], [1e-6, 1]), density([0, 1, 0, 0]), atol=1e-15
    )


def test_channels_do_not_touch_their_input(mixed) -> None:
    before = mixed.copy()
    for out in (dephase(mixed, 0.2), depolarize(mixed, 0.2), relax(mixed, 1, 1, 1), relax(mixed, 0, 1, 1)):
        assert not np.shares_memory(out, mixed)
    np.testing.assert_array_equal(mixed, before)


def test_broadcasting(mixed) -> None:
    one, p = mixed[0], np.linspace(0, 1, 5)
    assert dephase(one, p).shape == (5, 4, 4)
    assert dephase(mixed[:7, None], p).shape == (7, 5, 4, 4)
    assert dephase(mixed[:7], 0.1, p[:, None]).shape == (5, 7, 4, 4)
    np.testing.assert_array_equal(dephase(mixed[:7], 0.1, p[:, None])[3, 2], dephase(mixed[2], 0.1, p[3]))
    assert depolarize(mixed[:7, None], p).shape == (7, 5, 4, 4)
    assert relax(one, 1, 1, 1).shape == (4, 4)
    t = np.arange(5.0)
    assert relax(one, t, 1, 1).shape == (5, 4, 4)
    T1 = np.random.default_rng(1).uniform(1, 2, (7, 1, 2))
    grid = relax(mixed[:7, None], t, T1, [1.0, 0.5])
    assert grid.shape == (7, 5, 4, 4)
    np.testing.assert_allclose(grid[6, 3], relax(mixed[6], 3.0, T1[6, 0], [1.0, 0.5]), atol=1e-16)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1e3),
    st.floats(1e-3, 1e3),
    st.floats(1e-3, 2),
)
def test_channels_keep_density_matrices(seed: int, p: float, q: float, t: float, t1: float, share: float) -> None:
    """Trace preserving and positive, also on pure states."""
    rho = np.concatenate([random_mixed(3, [0.5, 0.3, 0.2, 0], seed), random_mixed(3, [1, 0, 0, 0], seed)])
    for out in (dephase(rho, p, q), depolarize(rho, p), relax(rho, t, [t1, 2 * t1], share * t1)):
        np.testing.assert_allclose(np.trace(out, axis1=-2, axis2=-1), 1, atol=1e-14)
        np.testing.assert_allclose(out, out.conj().swapaxes(-1, -2), atol=1e-15)
        assert np.linalg.eigvalsh(out).min() > -1e-14


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 5), st.floats(0, 5))
def test_channels_compose(seed: int, p: float, q: float, t: float, u: float) -> None:
    rho = random_mixed(3, [0.6, 0.3, 0.1, 0], seed)
    np.testing.assert_allclose(dephase(dephase(rho, p), q), dephase(rho, 1 - (1 - p) * (1 - q)), atol=1e-14)
    lifetimes = ([1.0, 3.0], [1.5, 2.0])
    np.testing.assert_allclose(
        relax(relax(rho, t, *lifetimes), u, *lifetimes), relax(rho, t + u, *lifetimes), atol=1e-14
    )
    np.testing.assert_allclose(
        dephase(relax(rho, t, *lifetimes), p, q), relax(dephase(rho, p, q), t, *lifetimes), atol=1e-14
    )


RHO = np.eye(4) / 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dephase(RHO, 1.2), r"^p1 = 1\.2: .*\[0, 1\]"),
        (lambda: dephase(RHO, 0.1, -0.5), r"^p2 = -0\.5"),
        (lambda: dephase(RHO, [0.1, np.nan]), r"^p1\[1\] = nan"),
        (lambda: depolarize(RHO, [[0.1, 0.2], [0.1, 1.0001]]), r"^p\[1, 1\] = 1\.0001"),
        (lambda: depolarize(RHO, "much"), "^p = 'much': must be a number"),
        (lambda: dephase(np.array([RHO, RHO]), [0.1, 0.2, 0.3]), r"p1 \(3,\) does not broadcast .*\(2,\)"),
        (lambda: dephase(RHO, [0.1, 0.2, 0.3], [0.1, 0.2]), r"p1 \(3,\), p2 \(2,\)"),
    ],
)
def test_bad_strengths_are_named(call, message: str) -> None:
    with pytest.raises(InvalidStrengthError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relax(RHO, -1, 1, 1), "^t = -1: must be finite and 0 or more"),
        (lambda: relax(RHO, [0, np.inf], 1, 1), r"^t\[1\] = inf"),
        (lambda: relax(RHO, 1, 0, 1), "^T1 = 0: must be positive"),
        (lambda: relax(RHO, 1, 1, [1, np.nan]), r"^T2\[1\] = nan"),
        (lambda: relax(RHO, 1, [1, 3], 2.5), r"^T2\[0\] = 2\.5 \(qubit 1\) exceeds 2\*T1 = 2:"),
        (lambda: relax(RHO, 1, [[2, 2], [2, 1]], [2, 3]), r"^T2\[1, 1\] = 3 \(qubit 2\) exceeds 2\*T1 = 2:"),
        (lambda: relax(RHO, 1, 1, np.inf), "exceeds"),
        (lambda: relax(RHO, 1, [1, 1, 1], 1), r"^T1 has shape \(3,\)"),
        (lambda: relax(RHO, 1, np.ones((2, 2)), np.ones((3, 2))), "do not broadcast"),
        (lambda: relax(np.array([RHO] * 2), [1, 2, 3], 1, 1), r"t \(3,\)"),
        (lambda: relax(RHO, 1, "long", 1), "T1 = 'long'"),
    ],
)
def test_bad_relaxation_is_named(call, message: str) -> None:
    with pytest.raises(InvalidRelaxationError, match=message):
        call()
