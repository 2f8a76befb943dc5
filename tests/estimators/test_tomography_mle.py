"""Maximum likelihood over all states: that the maximum is reached, by conditions and by two other ways to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.estimators.situation import measured
from qent_hw.estimators.sources import FamilyStates
from qent_hw.estimators.tomography_born import OPERATORS, outcome_chances
from qent_hw.estimators.tomography_mle import GAP, most_likely_states
from qent_hw.physics import ALL_SETTINGS, dirichlet_spectrum

READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])


def operators(assignment):
    """(36, 4, 4) of all outcomes, from their chances."""
    chances = outcome_chances(assignment)
    parts = np.concatenate([chances.offset[:, None], chances.slopes], axis=1)
    return np.einsum("kg,gij->kij", parts, OPERATORS)


def pull(counts, rho, assignment):
    """R = Σ (n/p) E / N of each state, (n, 4, 4)."""
    effects = operators(assignment)
    chance = np.einsum("kij,nji->nk", effects, rho).real
    ratio = counts.reshape(-1, 36) / chance
    return np.einsum("nk,kij->nij", ratio, effects) / counts.sum(axis=(1, 2))[:, None, None]


def likelihood(counts, rho, assignment=None):
    chance = np.einsum("kij,nji->nk", operators(assignment), rho).real
    return (counts.reshape(-1, 36) * np.log(np.maximum(chance, 1e-300))).sum(axis=1)


def counted(kind, shots, n, assignment=None):
    rng = np.random.default_rng(np.random.SeedSequence([8, shots]))
    if kind == "family":
        # never misread, whatever the assignment says: counts that no state explains
        drawn = FamilyStates(load_family("special_four_basis")).draw("dephasing", n, rng)
        return measured(drawn, ALL_SETTINGS, shots, rng)
    psi = rng.standard_normal((n, 4, 2)) @ [1, 1j]
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    rho = {
        "pure": physics.density(psi),
        "axes": physics.density(np.eye(4)[rng.integers(0, 4, n)]),
        "mixed": physics.random_mixed(n, dirichlet_spectrum(1.0), np.random.SeedSequence(9)),
    }[kind]
    chances = physics.outcome_probabilities(rho, ALL_SETTINGS) @ (np.eye(4) if assignment is None else assignment.T)
    return physics.Counts(ALL_SETTINGS, physics.sample_counts(chances, max(1, shots // 9), rng))


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("shots", [9, 100, 4000, 64_000, 10**7])
@pytest.mark.parametrize("kind", ["family", "pure", "axes", "mixed"])
def test_no_state_is_more_likely(kind, shots, assignment):
    """λ_max(R) ≤ 1 bounds what could be gained by N (λ_max − 1), whatever the way there; and R ρ = ρ."""
    counts = counted(kind, shots, 150, assignment).values
    rho = most_likely_states(counts, outcome_chances(assignment)).states
    total = counts.sum(axis=(1, 2))
    r = pull(counts, rho, assignment)
    assert np.all(total * (np.linalg.eigvalsh(r)[:, -1] - 1) < GAP + 1e-11 * total)
    assert np.linalg.eigvalsh(rho).min() > -1e-15
    # what R ρ = ρ lacks is of second order: ρ's eigenvalues beyond the kernel are off by the root of the gap
    assert np.abs(r @ rho - rho).max() < 1e-3
    np.testing.assert_allclose(np.einsum("nii->n", rho).real, 1, atol=1e-12)


@pytest.mark.parametrize("shots", [100, 4000])
def test_it_agrees_with_a_general_optimiser(shots):
    counts = counted("family", shots, 12).values
    rho = most_likely_states(counts, outcome_chances()).states
    effects = operators(None)

    def loss(x, seen):
        """−Σ n log tr(E ρ) of ρ = T T† / tr(T T†), and its slopes along the real and imaginary parts of T."""
        factor = (x[:16] + 1j * x[16:]).reshape(4, 4)
        norm = (np.abs(factor) ** 2).sum()
        chance = np.maximum(np.einsum("kij,jl,il->k", effects, factor, factor.conj()).real / norm, 1e-300)
        slope = 2 * (seen.sum() * np.eye(4) - np.einsum("k,kij->ij", seen / chance, effects)) @ factor / norm
        return -(seen * np.log(chance)).sum(), np.concatenate([slope.real.ravel(), slope.imag.ravel()])

    start = np.concatenate([np.eye(4).ravel(), np.zeros(16)])
    for seen, ours in zip(counts, rho, strict=True):
        found = minimize(loss, start, (seen.reshape(36),), jac=True, method="BFGS", options={"maxiter": 5000})
        best = -likelihood(seen[None], ours[None])[0]
        assert best - GAP < found.fun < best + 1e-3


def test_it_agrees_with_many_steps_of_rrhor():
    counts = counted("family", 4000, 100).values
    ours = most_likely_states(counts, outcome_chances()).states
    rho = np.broadcast_to(np.eye(4) / 4, ours.shape).astype(complex)
    for _ in range(1500):
        r = pull(counts, rho, None)
        rho = r @ rho @ r
        rho /= np.einsum("nii->n", rho).real[:, None, None]
    gained = likelihood(counts, ours) - likelihood(counts, rho)
    assert gained.min() > -GAP
    assert gained.max() < 2e-3
    assert np.median(np.abs(ours - rho).max(axis=(1, 2))) < 1e-5


def test_states_do_not_depend_on_their_company():
    counts = counted("family", 400, 60).values
    together = most_likely_states(counts, outcome_chances()).states
    alone = np.concatenate([most_likely_states(one[None], outcome_chances()).states for one in counts])
    np.testing.assert_allclose(together, alone, atol=1e-9)
