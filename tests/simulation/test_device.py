"""The simulated device gives the probabilities of Aer's density matrix, for every injection and kind of gates."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from qiskit.circuit.library import CRXGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, kraus_error
from qiskit_aer.noise.device import basic_device_gate_errors, basic_device_readout_errors

from qent_hw.circuits import load_family, shipped_families
from qent_hw.circuits.injection import delay_for
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import ANGLES, OUTCOME_OF_BITS, timing_grid, transpile_template
from qent_hw.errors import InputError
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.device import PairBackend
from qent_hw.physics import ALL_SETTINGS
from qent_hw.simulation.device import device_probabilities, device_template
from qent_hw.simulation.errors import device_errors
from qent_hw.simulation.program import compile_program

# their two-qubit gates and rotations: cx; ecr; cz; cx with u1, u2, u3; cx with rx and rzz
DEVICES = ("fake_manila", "fake_peekskill", "fake_prague", "fake_almaden", "fake_fractional")
INJECTIONS = ("noise-model", "depolarizing", "idle", "twirl")


@cache
def pair_of(name):
    """The device, its transpiled template, and that with its errors."""
    device = resolve_backend(f"aer:{name}").device
    isa = transpile_template(device.target)
    return device, isa, device_template(isa, device_errors(device.target))


def states_and_strengths():
    families = [load_family(name) for name in shipped_families()]
    psi = np.concatenate([one.amplitudes(one.draw(2, np.random.default_rng(51))) for one in families])
    return psi, np.array([0.0, 0.4, 1.0])[np.arange(len(psi)) % 3]


def injected(injection, p, device):
    """Injection and its arguments, for `build_pubs` and `device_probabilities` alike."""
    if injection == "idle":
        return "idle", {"delay_dt": delay_for(p, device.idle, device.target.dt, timing_grid(device.target))}
    if injection == "depolarizing":
        return "noise-model", {"p": p, "channel": "depolarizing"}
    return injection, {"p": p}


def by_aer(device, isa, psi, injection, arguments):
    """(n, n_settings, n_parts, 4) from Aer's density matrix before readout, and the device's readout errors."""
    confusion = np.stack([np.eye(2)] * 2)
    for (qubit,), error in basic_device_readout_errors(target=device.target):
        confusion[qubit] = error.probabilities.T
    result = None
    for pub in build_pubs(isa, psi, ALL_SETTINGS, 4, injection, **arguments):
        model = NoiseModel.from_backend(PairBackend(device))
        model.add_basis_gates(["unitary"])
        if pub.idle_error is not None:
            model.add_all_qubit_quantum_error(idle_error(pub.idle_error), "idle")
        circuit = pub.circuit.remove_final_measurements(inplace=False)
        circuit.save_probabilities([0, 1])
        flat = pub.values.reshape(-1, len(ANGLES))
        binds = {one: flat[:, ANGLES.index(one.name)] for one in circuit.parameters}
        run = AerSimulator(noise_model=model, method="density_matrix").run(circuit, parameter_binds=[binds]).result()
        exact = np.array([run.data(row)["probabilities"] for row in range(len(flat))]) @ np.kron(*confusion[::-1]).T
        if result is None:
            result = np.empty((len(psi), *pub.values.shape[1:3], 4))
        result[pub.states] = exact.reshape(*pub.values.shape[:3], 4)[..., OUTCOME_OF_BITS]
    return result


def idle_error(wanted):
    """Kraus operators of Eq. 2, of Eq. 13 those of sixteen Paulis."""
    p = wanted.p
    if wanted.channel == "dephasing":
        one = kraus_error([np.sqrt(1 - p) * np.eye(2), np.sqrt(p) * np.diag([1, 0]), np.sqrt(p) * np.diag([0, 1])])
        return one.tensor(one)
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    weights = [1 - 15 / 16 * p] + [p / 16] * 15
    products = [np.kron(one, two) for one in paulis for two in paulis]
    return kraus_error([np.sqrt(weight) * product for weight, product in zip(weights, products, strict=True)])


@pytest.mark.parametrize("injection", INJECTIONS)
@pytest.mark.parametrize("name", DEVICES)
def test_probabilities_are_those_of_aers_density_matrix(name, injection):
    device, isa, template = pair_of(name)
    psi, p = states_and_strengths()
    kind, arguments = injected(injection, p, device)
    ours = device_probabilities(template, psi, ALL_SETTINGS, kind, **arguments)
    np.testing.assert_allclose(ours.sum(axis=-1), 1, atol=1e-14)
    np.testing.assert_allclose(ours, by_aer(device, isa, psi, kind, arguments), atol=1e-12)


def test_where_aer_differs_it_has_dropped_the_rarest_errors():
    """Aer leaves out what has a probability of at most 1e-10 and does not make up for it: its states lose trace."""
    device, isa, template = pair_of("fake_torino")
    psi, p = states_and_strengths()
    ours = device_probabilities(template, psi, ALL_SETTINGS, "twirl", p=p)
    aers = by_aer(device, isa, psi, "twirl", {"p": p})
    terms = {
        (name, tuple(where)): error.probabilities
        for name, where, error in basic_device_gate_errors(target=device.target)
    }
    dropped = 0.0
    for one in isa.data:
        rare = np.array(terms.get((one.operation.name, tuple(isa.find_bit(qubit).index for qubit in one.qubits)), ()))
        dropped += rare[rare <= 1e-10].sum()
    assert dropped > 1e-10
    assert np.abs(ours - aers).max() < dropped
    np.testing.assert_allclose(1 - aers.sum(axis=-1), dropped, rtol=1e-4)
    np.testing.assert_allclose(ours.sum(axis=-1), 1, atol=1e-14)


def test_states_are_independent_of_their_batch():
    """More states than are evolved at once."""
    _, _, template = pair_of("fake_manila")
    family = load_family("general_four_basis")
    psi, p = family.amplitudes(family.draw(1000, np.random.default_rng(52))), np.linspace(0, 1, 1000)
    together = device_probabilities(template, psi, ("xa", "zz"), "twirl", p=p)
    alone = [device_probabilities(template, psi[k : k + 1], ("xa", "zz"), "twirl", p=p[k : k + 1]) for k in (0, 700)]
    np.testing.assert_allclose(together[[0, 700]], np.concatenate(alone), atol=1e-14)


def test_a_twirl_that_would_not_be_the_pubs_is_refused():
    """A gate between the idle slot and the setting's rz: turning in the slot is not what the PUB's rz does."""
    device, isa, _ = pair_of("fake_manila")
    odd = isa.copy_empty_like()
    for one in isa.data:
        odd.append(one)
        if one.operation.name == "delay" and isa.find_bit(one.qubits[0]).index == 1:
            odd.sx(one.qubits[0])
    psi, p = states_and_strengths()
    template = device_template(odd, device_errors(device.target))
    with pytest.raises(InputError, match="rotation of qubit 1 does not begin about z"):
        device_probabilities(template, psi, ("xa",), "twirl", p=p)


def test_injection_without_its_values_and_unknown_gates_are_refused():
    device, isa, template = pair_of("fake_manila")
    psi, p = states_and_strengths()
    with pytest.raises(InputError, match="'idle' lacks"):
        device_probabilities(template, psi, ("xa",), "idle", p=p)
    odd = isa.copy_empty_like()
    odd.append(CRXGate(isa.parameters[0]), [0, 1])
    with pytest.raises(InputError, match="'crx' has a free angle"):
        compile_program([(odd.data[0], (0, 1))], device_errors(device.target))
