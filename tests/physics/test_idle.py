"""Waiting: the closed form against the master equation, and the two laws of decay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from qent_hw.errors import InvalidRelaxationError
from qent_hw.physics import IdleChannel, dephase, idle_channel, idled, random_mixed, relax
from qent_hw.physics.states import dirichlet_spectrum

T1, T2 = np.array([80e-6, 30e-6]), np.array([50e-6, 45e-6])
STATES = random_mixed(20, dirichlet_spectrum([1, 1, 1, 1]), 5)
I2, X, Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.diag([1, -1])
LOWER, EXCITED = np.array([[0, 1], [0, 0]]), np.diag([0, 1])


def lindblad(rho, t, detuning, zz):
    """The master equation, integrated exactly: H = −2π(Σ δ n + ζ n n), as rz(2πδt) turns |1⟩ by e^{+2πiδt}."""
    on = (lambda op: np.kron(op, I2), lambda op: np.kron(I2, op))
    hamiltonian = -2 * np.pi * (detuning[0] * on[0](EXCITED) + detuning[1] * on[1](EXCITED))
    hamiltonian = hamiltonian - 2 * np.pi * zz * np.kron(EXCITED, EXCITED)
    jumps = []
    for qubit in (0, 1):
        pure = 1 / T2[qubit] - 1 / (2 * T1[qubit])
        jumps += [np.sqrt(1 / T1[qubit]) * on[qubit](LOWER), np.sqrt(pure / 2) * on[qubit](Z)]
    one = np.eye(4)
    generator = -1j * (np.kron(hamiltonian, one) - np.kron(one, hamiltonian.T))
    for jump in jumps:
        square = jump.conj().T @ jump
        generator = generator + np.kron(jump, jump.conj()) - (np.kron(square, one) + np.kron(one, square.T)) / 2
    return (expm(generator * t) @ rho.reshape(16)).reshape(4, 4)


@pytest.mark.parametrize("zz", [0.0, 3e4, -5e3])
@pytest.mark.parametrize("detuning", [(0.0, 0.0), (1.3e4, -2.2e4)])
def test_waiting_solves_the_master_equation(zz, detuning):
    channel = IdleChannel(T1, T2, np.array(detuning), np.array(zz))
    waits = np.array([0.0, 1e-7, 2e-5, 2e-4])
    for t in waits:
        found = idled(STATES, t, channel)
        for rho, after in zip(STATES, found, strict=True):
            np.testing.assert_allclose(after, lindblad(rho, t, detuning, zz), atol=1e-12)


def test_without_phases_it_is_relaxation():
    t = np.linspace(0, 3e-4, len(STATES))
    np.testing.assert_allclose(idled(STATES, t, idle_channel(T1, T2)), relax(STATES, t, T1, T2), atol=1e-14)


def test_without_relaxation_zz_is_a_conditional_phase():
    channel = IdleChannel(np.full(2, np.inf), np.full(2, np.inf), np.zeros(2), np.array(1e4))
    after = idled(STATES, 5e-5, channel)  # half a turn of |11⟩
    flip = np.diag([1, 1, 1, -1])
    np.testing.assert_allclose(after, flip @ STATES @ flip, atol=1e-12)


def test_a_gaussian_decay_has_the_same_1_over_e_time_and_keeps_populations():
    gaussian = IdleChannel(T1, T2, np.zeros(2), np.zeros(()), "gaussian")
    for qubit in (0, 1):
        assert gaussian.coherence(T2[qubit])[qubit] == pytest.approx(np.exp(-1))
    # without relaxation the dephasing is Eq. 2's, of the strengths it tells
    pure = IdleChannel(np.full(2, np.inf), T2, np.zeros(2), np.zeros(()), "gaussian")
    p1, p2 = pure.strengths(2e-5)
    assert (p1, p2) == pytest.approx(1 - np.exp(-((2e-5 / T2) ** 2)))
    np.testing.assert_allclose(idled(STATES, 2e-5, pure), dephase(STATES, p1, p2), atol=1e-14)


@pytest.mark.parametrize("law", ["exponential", "gaussian"])
def test_the_wait_for_a_strength_gives_it_on_the_average(law):
    channel = IdleChannel(T1, T2, np.array([1e4, 0.0]), np.array(2e3), law)
    p = np.array([0.0, 0.1, 0.6, 0.995])
    p1, p2 = channel.strengths(channel.wait_for(p))
    np.testing.assert_allclose((1 - p1) * (1 - p2), (1 - p) ** 2, rtol=1e-10)
    assert p1[1] != pytest.approx(p2[1], rel=1e-3)
    assert np.isinf(idle_channel().wait_for(0.5))


def test_a_batch_has_its_own_channel_for_each_state():
    rng = np.random.default_rng(1)
    n, t = len(STATES), 4e-5
    each = IdleChannel(
        T1 * rng.uniform(1, 2, (n, 2)),
        T2 * rng.uniform(0.5, 1, (n, 2)),
        rng.normal(0, 1e4, (n, 2)),
        rng.normal(0, 1e4, n),
    )
    found = idled(STATES, t, each)
    for k in (0, 7, n - 1):
        alone = IdleChannel(each.T1[k], each.T2[k], each.detuning[k], each.zz[k])
        np.testing.assert_allclose(found[k], idled(STATES[k : k + 1], t, alone)[0], atol=1e-13)
    np.testing.assert_allclose(idled(STATES[3:6], t, each[3:6]), found[3:6], atol=1e-13)


def test_impossible_times_are_refused_with_the_qubit_named():
    with pytest.raises(InvalidRelaxationError, match="qubit 2 is above 2·T1"):
        idle_channel((1e-4, 1e-5), (1e-4, 1e-4))
    with pytest.raises(InvalidRelaxationError, match="T1 = -1 s"):
        idle_channel(-1.0)
    with pytest.raises(InvalidRelaxationError, match="law = 'linear'"):
        IdleChannel(T1, T2, np.zeros(2), np.zeros(()), "linear")
