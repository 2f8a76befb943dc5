"""Sampled counts agree with the exact channel in mean and variance, for every injection and every backend path.

Each χ² test below has a false-alarm rate of 1e-6 per case; seeds are fixed, so a case that passes keeps passing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error, kraus_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from scipy import stats

from qent_hw.circuits import load_family
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import ANGLES, OUTCOME_OF_BITS, transpile_template
from qent_hw.hardware import resolve_backend
from qent_hw.physics import Counts, features_from_counts, outcome_probabilities
from qent_hw.physics.settings import ALL_SETTINGS
from qent_hw.simulation import idled_states, noisy_states

FALSE_ALARM = 1e-6
T1, T2 = (80e-6, 60e-6), (50e-6, 90e-6)
PATHS = ("aer", "aer:fake_manila", "fake_manila")
INJECTIONS = ("noise-model", "depolarizing", "idle", "twirl")


def ignore_progress(_circuits):
    pass


def states():
    family = load_family("general_four_basis")
    return family.amplitudes(family.draw(5, np.random.default_rng(31)))


def pubs_for(backend, injection, psi, settings, shots):
    isa = transpile_template(backend.device.target)
    if injection == "idle":
        tau = np.array([0.0, 20e-6, 20e-6, 60e-6, 200e-6])
        waits = (np.rint(tau / backend.device.target.dt / 16) * 16).astype(np.int64)
        return build_pubs(isa, psi, settings, shots, "idle", delay_dt=waits), waits
    p = np.array([0.0, 0.3, 0.3, 0.7, 1.0])
    if injection == "depolarizing":
        return build_pubs(isa, psi, settings, shots, "noise-model", channel="depolarizing", p=p), p
    return build_pubs(isa, psi, settings, shots, injection, p=p), p


def exact_probabilities(backend, pubs, psi, injection, strength, settings):
    """From closed forms for `aer`; for a fake from the density matrix of the whole, uncut device's noise model."""
    if backend.name == "aer":
        if injection == "idle":
            rho = idled_states(psi, strength * backend.device.target.dt, backend.device.idle)
        else:
            channel = "depolarizing" if injection == "depolarizing" else "dephasing"
            rho = noisy_states(psi, channel, strength)
        return outcome_probabilities(rho, settings)
    probabilities = np.zeros((len(psi), len(settings), 4))
    for pub in pubs:
        exact = whole_device_probabilities(backend.device.qubits, pub).mean(axis=2)
        probabilities[np.ix_(pub.states, range(len(settings)), OUTCOME_OF_BITS)] = exact
    return probabilities


def whole_device_probabilities(qubits, pub):
    """(n_states, n_settings, n_parts, 4) in Qiskit's bit order, all five qubits of the device simulated."""
    model = NoiseModel.from_backend(FakeManilaV2())
    model.add_basis_gates(["unitary"])
    if pub.idle_error is not None:
        p = pub.idle_error.p
        # Eq. 2: Kraus operators √(1−p)·I, √p·|0⟩⟨0|, √p·|1⟩⟨1|
        one = kraus_error([np.sqrt(1 - p) * np.eye(2), np.sqrt(p) * np.diag([1, 0]), np.sqrt(p) * np.diag([0, 1])])
        both = one.tensor(one) if pub.idle_error.channel == "dephasing" else depolarizing_error(p, 2)
        model.add_all_qubit_quantum_error(both, "idle")
    whole = QuantumCircuit(5)
    whole.compose(pub.circuit.remove_final_measurements(inplace=False), qubits=list(qubits), inplace=True)
    whole.save_density_matrix(list(qubits))
    flat = pub.values.reshape(-1, len(ANGLES))
    binds = {one: flat[:, ANGLES.index(one.name)] for one in whole.parameters}
    result = AerSimulator(noise_model=model, method="density_matrix").run(whole, parameter_binds=[binds]).result()
    populations = [np.real(np.diag(result.data(row)["density_matrix"].data)) for row in range(len(flat))]
    readout = {
        error["gate_qubits"][0][0]: np.array(error["probabilities"]).T
        for error in model.to_dict()["errors"]
        if error["type"] == "roerror"
    }
    confusion = np.kron(readout[qubits[1]], readout[qubits[0]])
    return (np.array(populations) @ confusion.T).reshape(*pub.values.shape[:3], 4)


def backend_for(path):
    return resolve_backend("aer", T1=T1, T2=T2) if path == "aer" else resolve_backend(path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("injection", INJECTIONS)
def test_counts_follow_the_exact_channel(path, injection):
    backend, psi, shots = backend_for(path), states(), 4000
    settings = ("xa", "yb", "zz", "xz")
    pubs, strength = pubs_for(backend, injection, psi, settings, shots)
    expected = exact_probabilities(backend, pubs, psi, injection, strength, settings) * shots
    counts = np.zeros((len(psi), len(settings), 4))
    for pub, seed in zip(pubs, np.random.SeedSequence(41).spawn(len(pubs)), strict=True):
        counts[pub.states] = backend.sample(pub, seed, ignore_progress)
    assert np.all(counts.sum(axis=-1) == shots)
    possible = expected > 1e-9 * shots
    assert np.all(counts[~possible] == 0)
    # cells with few expected counts would make χ² unreliable; they are pooled into one per state and setting
    chi2 = dof = 0.0
    for observed, wanted in zip(counts.reshape(-1, 4), expected.reshape(-1, 4), strict=True):
        large = wanted >= 10
        cells = np.append(observed[large], observed[~large].sum()), np.append(wanted[large], wanted[~large].sum())
        kept = cells[1] > 1
        chi2 += np.sum((cells[0][kept] - cells[1][kept]) ** 2 / cells[1][kept])
        dof += kept.sum() - 1
    assert dof > 20
    assert FALSE_ALARM / 2 < stats.chi2.sf(chi2, dof) < 1 - FALSE_ALARM / 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("injection", INJECTIONS)
def test_correlations_scatter_as_binomials(path, injection):
    """200 repetitions of one setting in one PUB: shared seeds would give too little variance, lost ones too much.

    A twirled setting is stratified, a fixed quarter of its shots for each sign pair, and scatters by the mean of the
    four parts' variances, which is below the binomial one.
    """
    backend, shots, repeats = backend_for(path), 400, 200
    psi = np.repeat(states()[1:2], 5, axis=0)
    pubs, _ = pubs_for(backend, injection, psi, ("xa",), shots)
    pub = next(one for one in pubs if 1 in one.states)
    place = int(np.flatnonzero(pub.states == 1)[0])
    repeated = type(pub)(
        pub.circuit,
        np.repeat(pub.values[place : place + 1], repeats, axis=0),
        pub.shots,
        np.arange(repeats),
        pub.idle_error,
    )
    counts = backend.sample(repeated, np.random.SeedSequence(42), ignore_progress)
    values, errors = features_from_counts(Counts(("xa",), counts), ("xa",))
    variance = part_variance(backend, repeated) / shots
    chi2 = np.sum((values[:, 0] - values.mean()) ** 2) / variance
    assert FALSE_ALARM / 2 < stats.chi2.sf(chi2, repeats - 1) < 1 - FALSE_ALARM / 2
    # the stated standard errors are the binomial ones, an upper bound for a twirl
    assert np.mean(errors**2) >= 0.9 * variance


def part_variance(backend, pub):
    """Mean over the parts of 1 − E², the variance of one shot, with E known to 0.002 from 400,000 shots."""
    parts = []
    for angles in pub.values[0, 0]:
        one = type(pub)(pub.circuit, angles[None, None, None], 400_000, np.arange(1), pub.settings, pub.idle_error)
        counts = backend.sample(one, np.random.SeedSequence(43), ignore_progress)[0, 0]
        parts.append(1 - (np.sum(counts * np.array([1, -1, -1, 1])) / counts.sum()) ** 2)
    return np.mean(parts)


def test_same_seed_same_bits_and_other_seed_other_bits():
    backend, psi = resolve_backend("aer:fake_manila"), states()
    pubs, _ = pubs_for(backend, "twirl", psi, ALL_SETTINGS, 64)
    first, again = (backend.sample(pubs[0], np.random.SeedSequence(5), ignore_progress) for _ in range(2))
    other = backend.sample(pubs[0], np.random.SeedSequence(6), ignore_progress)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_broadcast_equals_circuits_bound_one_by_one():
    """Aer's broadcasting has returned zeros after the first parameter set for some gates (field-notes 10)."""
    backend, psi = resolve_backend("aer"), states()
    isa = transpile_template(backend.device.target)
    pub = build_pubs(isa, psi, ("xa", "zz"), 100_000, "noise-model", p=np.full(5, 0.2))[0]
    together = backend.sample(pub, np.random.SeedSequence(7), ignore_progress)
    for state in range(5):
        alone = replace(pub, values=pub.values[state : state + 1], states=np.arange(1))
        counts = backend.sample(alone, np.random.SeedSequence(8), ignore_progress)[0]
        table = np.stack([together[state].ravel(), counts.ravel()])
        table = table[:, table.sum(axis=0) > 0]
        assert stats.chi2_contingency(table).pvalue > FALSE_ALARM
