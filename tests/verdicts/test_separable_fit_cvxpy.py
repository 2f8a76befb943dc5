"""The best separable state and the rates, against a semidefinite program of cvxpy solved by Clarabel."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.estimators.sources import FamilyStates
from qent_hw.estimators.tomography_born import OPERATORS
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.reach import NO_RATE, rates
from qent_hw.verdicts.separable_fit import GAP, best_of_all, best_separable, chances_of, log_likelihood

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate")

READOUT = np.kron([[0.98, 0.07], [0.02, 0.93]], [[0.96, 0.11], [0.04, 0.89]])
SETS = {"zz": ("zz",), "two": ("xa", "zz"), "four": BELL_SETTINGS, "five": (*BELL_SETTINGS, "zz"), "nine": ALL_SETTINGS}


def real_block(matrices):
    """Hermitian (k, 4, 4) as real symmetric (k, 8, 8), positive exactly where these are."""
    return np.block([[matrices.real, -matrices.imag], [matrices.imag, matrices.real]])


def projectors(settings):
    """(n_settings, 4, 4, 4) of all outcomes, written out here and not taken from the package."""
    x, y, z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.array([[1, 0], [0, -1]])
    axes = {"x": x, "y": y, "z": z, "a": (x + y) / np.sqrt(2), "b": (y - x) / np.sqrt(2)}

    def projector(setting, signs):
        one, two = ((np.eye(2) + sign * axes[axis]) / 2 for axis, sign in zip(setting, signs, strict=True))
        return np.kron(one, two)

    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    return np.array([[projector(setting, pair) for pair in signs] for setting in settings])


def program(counts, settings, assignment, *, separable):
    """The largest Σ n log p, and the averages there."""
    states = [OPERATORS, physics.partial_transpose(OPERATORS, validate=False)][: 1 + separable]
    read_rightly = projectors(settings)
    read = read_rightly if assignment is None else np.einsum("mo,soij->smij", assignment, read_rightly)
    linear = np.einsum("smij,kji->smk", read, OPERATORS).real.reshape(-1, 16) / 4
    seen = counts.reshape(-1)
    r = cp.Variable(15)
    chance = linear[:, 0] + linear[:, 1:] @ r
    total = seen.sum()
    some = np.flatnonzero(seen > 0)
    loss = -(seen[some] / total) @ cp.log(chance[some])
    blocks = [real_block(one) / 4 for one in states]
    constraints = [b[0] + sum(r[k] * b[k + 1] for k in range(15)) >> 0 for b in blocks]
    problem = cp.Problem(cp.Minimize(loss), constraints)
    problem.solve(solver=cp.CLARABEL)
    # where a likelihood is flat it may be less sure of itself than it asks for; the bounds below judge that
    assert problem.status in ("optimal", "optimal_inaccurate")
    return -problem.value * total, r.value


def random_counts(settings, shots, assignment, seed):
    """Counts of three random states: pure, of the general 4-basis family under dephasing, and mixed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, shots]))
    psi = rng.standard_normal((1, 4, 2)) @ [1, 1j]
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    mixed = physics.random_mixed(1, physics.dirichlet_spectrum(1.0), np.random.SeedSequence(seed))
    family = FamilyStates(load_family("general_four_basis")).draw("dephasing", 1, rng).truth
    read = physics.outcome_probabilities(np.concatenate([physics.density(psi), family, mixed]), settings)
    chance = read if assignment is None else read @ assignment.T
    return physics.sample_counts(chance, max(1, shots // len(settings)), rng)


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("shots", [40, 4000])
@pytest.mark.parametrize("settings", SETS.values(), ids=SETS)
def test_both_fits_are_those_of_the_program(settings, shots, assignment):
    counts = random_counts(settings, shots, assignment, 31)
    chances = chances_of(settings, assignment)
    for fit, separable in ((best_separable(counts, chances), True), (best_of_all(counts, chances), False)):
        for seen, value, upper in zip(counts, fit.value, fit.upper, strict=True):
            best, _ = program(seen, settings, assignment, separable=separable)
            accurate = 1e-6 * seen.sum()
            assert value - accurate < best < upper + accurate
            assert upper - value <= GAP


def test_rates_are_those_of_the_program():
    """Exact chances in place of counts: the smallest divergence from a separable state, of twelve entangled states."""
    source = family_source(FamilyStates(load_family("general_four_basis")), "dephasing")
    points, rho = source.draw(40, np.random.default_rng(32))
    entangled = np.flatnonzero(physics.is_entangled(rho))[:12]
    for settings in (BELL_SETTINGS, (*BELL_SETTINGS, "zz"), ALL_SETTINGS):
        chance = source.chances(points[entangled], rho[entangled], settings)
        found = rates(chance, chances_of(settings))
        for p, rate in zip(chance, found, strict=True):
            best, _ = program(p / len(settings), settings, None, separable=True)
            own = log_likelihood(p.reshape(1, -1) / len(settings), p.reshape(1, -1))[0]
            assert own - best == pytest.approx(rate, abs=1e-6)
            assert rate == 0 or rate > NO_RATE
