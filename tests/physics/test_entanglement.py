from __future__ import annotations

import numpy as np
import pytest
import qiskit.quantum_info as qi
from hypothesis import given, settings
from hypothesis import strategies as st

from qent_hw.physics import (
    concurrence,
    density,
    dephase,
    depolarize,
    dirichlet_spectrum,
    general_four_basis,
    is_entangled,
    negativity,
    partial_transpose,
    ppt_min_eigenvalue,
    random_mixed,
    relax,
    special_four_basis,
    two_basis,
)
from qent_hw.physics.wootters import (
    concurrence_from_spectrum,
    concurrence_from_transpose,
    concurrence_of_x_states,
)

BELL = density([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])


def haar(rng: np.random.Generator, size: int, n: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(n, size, size)) + 1j * rng.normal(size=(n, size, size))).Q


def local(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random product unitaries."""
    return np.einsum("nij,nkl->nikjl", haar(rng, 2, n), haar(rng, 2, n)).reshape(n, 4, 4)


def turned(unitary: np.ndarray, rho: np.ndarray) -> np.ndarray:
    out = unitary @ rho @ unitary.conj().swapaxes(-1, -2)
    return (out + out.conj().swapaxes(-1, -2)) / 2


def test_agrees_with_qiskit(mixed, special) -> None:
    """Qiskit's concurrence takes roots of eigenvalues, hence its 1e-7."""
    rho = np.concatenate([mixed, special])
    ours = concurrence(rho), negativity(rho), ppt_min_eigenvalue(rho), is_entangled(rho), partial_transpose(rho)
    for state, c, n, lowest, entangled, transposed in zip(rho, *ours, strict=True):
        peer = qi.DensityMatrix(state)
        flipped = peer.partial_transpose([0]).data
        assert c == pytest.approx(qi.concurrence(peer), abs=1e-7)
        assert n == pytest.approx(qi.negativity(peer, [0]), abs=1e-12)
        assert lowest == pytest.approx(np.linalg.eigvalsh(flipped)[0], abs=1e-14)
        assert entangled == (np.linalg.eigvalsh(flipped)[0] < -1e-12)
        np.testing.assert_array_equal(transposed, flipped)


def test_partial_transpose_is_that_of_the_second_qubit() -> None:
    rng = np.random.default_rng(1)
    a, b = random_mixed(1, [1, 0, 0, 0], 1)[0][:2, :2], rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    np.testing.assert_array_equal(partial_transpose(np.kron(a, b), validate=False), np.kron(a, b.T))


def test_pure_states_have_eq_9(pure) -> None:
    c1, c2, c3, c4 = pure.T
    np.testing.assert_allclose(concurrence(density(pure)), 2 * np.abs(c1 * c4 - c2 * c3), atol=1e-14)
    np.testing.assert_allclose(negativity(density(pure)), np.abs(c1 * c4 - c2 * c3), atol=1e-14)


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6, 1e-8, 1e-11])
def test_weakly_entangled_pure_states(size: float) -> None:
    """det(ρ^TB) = -(C/2)^4 drowns in rounding below C = 1e-4; the label and the value must not."""
    rho = turned(local(np.random.default_rng(2), 50), density([np.sqrt(1 - size**2 / 4), 0, 0, size / 2]))
    np.testing.assert_allclose(concurrence(rho), size * np.sqrt(1 - size**2 / 4), atol=2e-15)
    assert is_entangled(rho).all()


def test_separable_states_come_out_as_exactly_that() -> None:
    """Pure products and mixtures of two to four of them: no noise of the size √1e-16, no false label."""
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(2, 400, 4, 2)) + 1j * rng.normal(size=(2, 400, 4, 2))
    factors /= np.linalg.norm(factors, axis=-1, keepdims=True)
    products = density(np.einsum("nki,nkj->nkij", *factors).reshape(400, 4, 4))
    for rank in (1, 2, 3, 4):
        weights = rng.dirichlet(np.ones(rank), size=400)
        rho = np.einsum("nk,nkij->nij", weights, products[:, :rank])
        assert not is_entangled(rho).any()
        assert concurrence(rho).max() < 2e-14
        assert negativity(rho).max() < 1e-15
        assert ppt_min_eigenvalue(rho).min() > -1e-15


def test_landmarks() -> None:
    assert concurrence(BELL) == pytest.approx(1, abs=1e-15)
    assert negativity(BELL) == pytest.approx(0.5, abs=1e-15)
    assert ppt_min_eigenvalue(BELL) == pytest.approx(-0.5, abs=1e-15)
    assert is_entangled(BELL)
    mixed = np.eye(4) / 4
    assert concurrence(mixed) == 0
    assert negativity(mixed) == 0
    assert ppt_min_eigenvalue(mixed) == pytest.approx(0.25)
    assert not is_entangled(mixed)
    for basis_state in np.eye(4):
        assert concurrence(density(basis_state)) == 0
        assert not is_entangled(density(basis_state))


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_werner_states_either_side_of_a_third(gap: float) -> None:
    """w |Bell><Bell| + (1-w) I/4, so strength p = 1 - w; C = max(0, (3w-1)/2), also in a random local basis."""
    states = turned(local(np.random.default_rng(4), 20), BELL)
    above, below = depolarize(states, 2 / 3 - gap), depolarize(states, 2 / 3 + gap)
    assert is_entangled(above).all()
    assert not is_entangled(below).any()
    np.testing.assert_allclose(concurrence(above), 1.5 * gap, atol=1e-14)
    assert concurrence(below).max() < 1e-14
    np.testing.assert_allclose(ppt_min_eigenvalue(below), 0.75 * gap, atol=1e-15)


def test_bell_state_under_depolarizing_ends_at_two_thirds() -> None:
    p = np.linspace(0, 1, 301)
    rho = depolarize(BELL, p)
    np.testing.assert_allclose(concurrence(rho), np.maximum(0, 1 - 1.5 * p), atol=1e-14)
    np.testing.assert_array_equal(is_entangled(rho), p < 2 / 3 - 1e-12)


def test_two_basis_under_depolarizing_is_separable_beyond_two_thirds() -> None:
    theta, phi = np.random.default_rng(5).uniform(0, 2 * np.pi, (2, 2000))
    assert not is_entangled(depolarize(density(two_basis(theta, phi)), 2 / 3 + 1e-9)).any()


def test_special_four_basis_sudden_death() -> None:
    """The maximal state (θ = φ = π/2) dies at p* = 2 - √2, and no other of the family lives longer."""
    best = density(special_four_basis(np.pi / 2, np.pi / 2))
    end = 2 - np.sqrt(2)
    for gap in (1e-3, 1e-6, 1e-9):
        assert is_entangled(dephase(best, end - gap))
        assert concurrence(dephase(best, end - gap)) > 0
        assert not is_entangled(dephase(best, end + gap))
        assert concurrence(dephase(best, end + gap)) == pytest.approx(0, abs=1e-15)
    theta, phi = np.random.default_rng(6).uniform(0, 2 * np.pi, (2, 5000))
    assert not is_entangled(dephase(density(special_four_basis(theta, phi)), end + 1e-6)).any()


def test_special_four_basis_entangled_share() -> None:
    """Published 42.1%; 40,000 states have a standard error of 0.25 points, ±1.2 points alarms falsely at 1e-6."""
    rng = np.random.default_rng(7)
    theta, phi = rng.uniform(0, 2 * np.pi, (2, 40_000))
    share = is_entangled(dephase(density(special_four_basis(theta, phi)), rng.uniform(size=40_000))).mean()
    assert abs(share - 0.421) < 0.012


def test_two_basis_fully_dephased_is_separable_and_never_before() -> None:
    theta, phi = np.random.default_rng(8).uniform(0.1, 3, (2, 200))
    rho = density(two_basis(theta, phi))
    full = dephase(rho, 1)
    assert not is_entangled(full).any()
    assert concurrence(full).max() == 0
    assert is_entangled(dephase(rho, 0.9999)).all()


def test_three_amplitudes_never_change_class() -> None:
    rng = np.random.default_rng(9)
    psi = rng.normal(size=(200, 4)) + 1j * rng.normal(size=(200, 4))
    psi[:, 1] = 0
    rho = density(psi / np.linalg.norm(psi, axis=1, keepdims=True))
    assert is_entangled(dephase(rho, rng.uniform(0, 0.99, 200))).all()


def test_two_basis_under_relaxation_is_an_x_state() -> None:
    """C = 2 max(0, |ρ14| - √(ρ22 ρ33)), from populations written out by hand."""
    rng = np.random.default_rng(10)
    theta, t = rng.uniform(0, 2 * np.pi, 200), rng.uniform(0, 2, 200)
    T1, T2 = np.array([1.0, 0.7]), np.array([1.2, 0.4])
    kept = np.exp(-t[:, None] / T1)
    excited = np.sin(theta / 2) ** 2
    coherence = np.abs(np.sin(theta)) / 2 * np.exp(-t * (1 / T2).sum())
    single = excited * np.sqrt(kept[:, 0] * (1 - kept[:, 1]) * kept[:, 1] * (1 - kept[:, 0]))
    expected = 2 * np.maximum(0, coherence - single)
    rho = relax(density(two_basis(theta, 0.3)), t, T1, T2)
    np.testing.assert_allclose(concurrence(rho), expected, atol=1e-14)
    np.testing.assert_allclose(concurrence(turned(local(rng, 200), rho)), expected, atol=1e-10)


def test_bell_diagonal_states_in_any_local_basis() -> None:
    """C = max(0, 2 λmax - 1), including spectra with zeros."""
    rng = np.random.default_rng(11)
    s = np.sqrt(0.5)
    bells = np.array([[s, 0, 0, s], [s, 0, 0, -s], [0, s, s, 0], [0, s, -s, 0]])
    for rank in (1, 2, 3, 4):
        weights = np.zeros((300, 4))
        weights[:, :rank] = rng.dirichlet(0.5 * np.ones(rank), size=300)
        rho = turned(local(rng, 300), np.einsum("nk,ki,kj->nij", weights, bells, bells))
        np.testing.assert_allclose(concurrence(rho), np.maximum(0, 2 * weights.max(axis=1) - 1), atol=1e-10)


def test_rounding_errors_of_a_zero_eigenvalue_do_not_count() -> None:
    """0.6 |ψ><ψ| + 0.4 |01><01| has C = 0.6 C(ψ); 1e-17 of |10> in it would take off 2√(0.4e-17), that is 4e-9."""
    rng = np.random.default_rng(14)
    theta = rng.uniform(0, 2 * np.pi, 300)
    rho = 0.6 * density(two_basis(theta, 0.7)) + 0.4 * density([0, 1, 0, 0])
    np.testing.assert_allclose(concurrence(turned(local(rng, 300), rho)), 0.6 * np.abs(np.sin(theta)), atol=1e-13)


def test_the_three_methods_agree_and_each_is_used() -> None:
    full = random_mixed(3000, dirichlet_spectrum(0.88), 12)
    full = full[is_entangled(full)]
    transposed = partial_transpose(full)
    fast = concurrence_from_transpose(transposed, np.linalg.det(transposed).real)
    answered = ~np.isnan(fast)
    assert answered.mean() > 0.99
    np.testing.assert_allclose(fast[answered], concurrence_from_spectrum(full)[answered], atol=1e-10)
    assert np.isnan(concurrence_of_x_states(full)).all()

    rng = np.random.default_rng(13)
    x_states = relax(density(two_basis(*rng.uniform(0, 6, (2, 300)))), rng.uniform(0, 2, 300), 1, [1.5, 0.5])
    np.testing.assert_allclose(concurrence_of_x_states(x_states), concurrence_from_spectrum(x_states), atol=1e-14)

    pure = density(general_four_basis(*rng.uniform(0, 6, (6, 100))))
    transposed = partial_transpose(pure)
    with_root = concurrence_from_transpose(transposed, np.linalg.det(transposed).real)
    sure = ~np.isnan(with_root)
    np.testing.assert_allclose(with_root[sure], concurrence(pure)[sure], atol=1e-10)
    assert sure.mean() < 0.5


def test_labels_and_measures_are_consistent(mixed, special) -> None:
    rho = np.concatenate([mixed, special])
    c, n = concurrence(rho), negativity(rho)
    np.testing.assert_array_equal(is_entangled(rho), c > 1e-9)
    np.testing.assert_allclose(n, np.maximum(0, -ppt_min_eigenvalue(rho)), atol=1e-15)
    # Verstraete et al., J. Phys. A 34, 10327 (2001): √((1-C)² + C²) - (1-C) <= 2N <= C
    assert (2 * n <= c + 1e-10).all()
    assert (2 * n >= np.sqrt((1 - c) ** 2 + c**2) - (1 - c) - 1e-10).all()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.sampled_from([0.1, 0.88, 5.0]))
def test_local_unitaries_and_swap_leave_everything_alone(seed: int, p: float, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    rho = np.concatenate([random_mixed(4, dirichlet_spectrum(alpha), seed), random_mixed(2, [1 - p, p, 0, 0], seed)])
    moved = turned(local(rng, 6), rho)
    swap = np.eye(4)[[0, 2, 1, 3]]
    for other in (moved, swap @ rho @ swap):
        np.testing.assert_allclose(concurrence(other), concurrence(rho), atol=1e-9)
        np.testing.assert_allclose(negativity(other), negativity(rho), atol=1e-12)
        np.testing.assert_allclose(ppt_min_eigenvalue(other), ppt_min_eigenvalue(rho), atol=1e-12)
    assert (concurrence(rho) >= 0).all()
    assert (concurrence(rho) <= 1 + 1e-12).all()


def test_batches_keep_their_shape_across_blocks(mixed) -> None:
    many = np.tile(mixed, (30, 1, 1)).reshape(30, 400, 4, 4)
    for function in (concurrence, negativity, ppt_min_eigenvalue, is_entangled):
        out = function(many, validate=False)
        assert out.shape == (30, 400)
        np.testing.assert_array_equal(out[17], function(mixed))
        assert np.shape(function(mixed[0])) == ()
        assert function(mixed[0]) == function(mixed)[0]
    assert is_entangled(many).dtype == np.bool_
