"""The one template prepares every state, before and after transpilation, and measures every setting."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator, Statevector
from qiskit_ibm_runtime.fake_provider import FakeManilaV2, FakeSherbrooke, FakeTorino

from qent_hw.circuits import load_family, shipped_families
from qent_hw.circuits.injection import delay_for, twirl_angles, with_delay, with_labelled_idle, without_delay
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import (
    ANGLES,
    OUTCOME_OF_BITS,
    prepare_angles,
    rotate_angles,
    template,
    timing_grid,
    transpile_template,
)
from qent_hw.errors import InputError
from qent_hw.hardware.device import cut_device, ideal_device
from qent_hw.physics import density, dephase, idle_channel, outcome_probabilities
from qent_hw.physics.settings import ALL_SETTINGS

DEVICES = {
    "ideal": ideal_device(),
    "manila": cut_device(FakeManilaV2()),
    "torino": cut_device(FakeTorino()),
    "sherbrooke": cut_device(FakeSherbrooke()),
}


def bind(circuit, row):
    return circuit.assign_parameters({parameter: row[ANGLES.index(parameter.name)] for parameter in circuit.parameters})


def unitary_part(circuit):
    return without_delay(circuit).remove_final_measurements(inplace=False)


def random_psi(n, seed):
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=(n, 4)) + 1j * rng.normal(size=(n, 4))
    return psi / np.linalg.norm(psi, axis=1, keepdims=True)


def awkward_psi():
    """Product and maximally entangled states, where Schmidt bases are degenerate."""
    states = [*np.eye(4), [1, 0, 0, 1], [0, 1, -1j, 0], [1, 1, 1, 1], [1, 1j, 1, 1j], [1, 0, 0, 1e-9], [1, 1, 1, -1]]
    psi = np.array(states, dtype=complex)
    return psi / np.linalg.norm(psi, axis=1, keepdims=True)


@pytest.mark.parametrize("device", DEVICES)
def test_template_prepares_any_state_before_and_after_transpilation(device):
    families = [load_family(name) for name in shipped_families()]
    prepared = [family.amplitudes(family.draw(100, np.random.default_rng(21))) for family in families]
    psi = np.concatenate([*prepared, random_psi(50, 22), awkward_psi()])
    isa = transpile_template(DEVICES[device].target)
    angles = prepare_angles(psi)
    for logical in (unitary_part(template()), unitary_part(isa)):
        for row, wanted in zip(angles, psi, strict=True):
            bound = bind(logical, np.concatenate([row, np.zeros(4)]))
            got = Statevector(bound.reverse_bits()).data
            assert abs(np.vdot(got, wanted)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_transpiled_template_has_one_two_qubit_gate(device):
    isa = transpile_template(DEVICES[device].target)
    two_qubit = [one for one in isa.data if len(one.qubits) == 2 and one.operation.name != "barrier"]
    assert len(two_qubit) == 1
    assert two_qubit[0].operation.name in ("cz", "cx", "ecr")
    assert isa.count_ops()["delay"] == 2
    assert {parameter.name for parameter in isa.parameters} == set(ANGLES)


@pytest.mark.parametrize("device", ["ideal", "sherbrooke"])
def test_settings_measure_what_their_names_say(device):
    """Probabilities of the circuit's outcomes against the projectors of qent_hw.physics, for asymmetric states too."""
    isa = transpile_template(DEVICES[device].target)
    psi = random_psi(8, 23)
    expected = outcome_probabilities(density(psi), ALL_SETTINGS)
    for row, state in zip(prepare_angles(psi), expected, strict=True):
        for rotation, wanted in zip(rotate_angles(ALL_SETTINGS), state, strict=True):
            probabilities = Statevector(bind(unitary_part(isa), np.concatenate([row, rotation]))).probabilities()
            got = np.empty(4)
            got[OUTCOME_OF_BITS] = probabilities
            assert got == pytest.approx(wanted, abs=1e-9)


def test_twirl_average_is_exactly_dephasing():
    psi, p = random_psi(6, 24), np.array([0.0, 0.1, 0.45, 0.8, 0.99, 1.0])
    pub = build_pubs(transpile_template(ideal_device().target), psi, ALL_SETTINGS, 8, "twirl", p=p)[0]
    expected = outcome_probabilities(dephase(density(psi), p), ALL_SETTINGS)
    circuit = unitary_part(pub.circuit)
    for state in range(6):
        for setting in range(9):
            parts = [Statevector(bind(circuit, row)).probabilities() for row in pub.values[state, setting]]
            got = np.empty(4)
            got[OUTCOME_OF_BITS] = np.mean(parts, axis=0)
            assert got == pytest.approx(expected[state, setting], abs=1e-9)


def test_pubs_cover_every_state_once_and_share_one_circuit_where_they_can():
    isa = transpile_template(ideal_device().target)
    psi, p = random_psi(6, 25), np.array([0.1, 0.5, 0.1, 0.9, 0.5, 0.1])
    grouped = build_pubs(isa, psi, ("xa", "yb"), 10, "noise-model", p=p)
    assert [pub.idle_error.p for pub in grouped] == [0.1, 0.5, 0.9]
    assert sorted(np.concatenate([pub.states for pub in grouped])) == list(range(6))
    assert grouped[0].values.shape == (3, 2, 1, len(ANGLES))
    twirled = build_pubs(isa, psi, ("xa", "yb"), 12, "twirl", p=p)
    assert [(pub.values.shape, pub.shots) for pub in twirled] == [((6, 2, 4, len(ANGLES)), 3)]


def test_idle_slot_fillings_change_nothing_else():
    isa = transpile_template(DEVICES["manila"].target)
    kept = [one.operation.name for one in isa.data if one.operation.name not in ("delay", "unitary")]
    for filled in (with_delay(isa, 320), with_labelled_idle(isa), without_delay(isa)):
        assert [one.operation.name for one in filled.data if one.operation.name not in ("delay", "unitary")] == kept
    delays = [one.operation.duration for one in with_delay(isa, 320).data if one.operation.name == "delay"]
    assert delays == [320, 320]
    placeholders = {one.operation.duration for one in isa.data if one.operation.name == "delay"}
    assert placeholders == {100 * timing_grid(DEVICES["manila"].target)}


def test_delay_for_keeps_to_the_grid_and_to_the_two_qubit_coherence():
    T2, dt, grid = (50e-6, 80e-6), 2e-9, 16
    p = np.array([0.0, 0.3, 0.9, 1.0])
    wait = delay_for(p, idle_channel(1e-3, T2), dt, grid)
    assert np.all(wait % grid == 0)
    survives = np.exp(-wait * dt / T2[0] - wait * dt / T2[1])
    assert survives[:3] == pytest.approx((1 - p[:3]) ** 2, abs=1e-3)
    assert np.sqrt(survives[3]) == pytest.approx(0.005, abs=1e-4)
    with pytest.raises(InputError, match="T2"):
        delay_for(p, idle_channel(), dt, grid)


def test_twirl_refuses_what_it_cannot_do():
    isa = transpile_template(ideal_device().target)
    with pytest.raises(InputError, match="multiple of 4, such as 12"):
        build_pubs(isa, random_psi(1, 26), ("xa",), 11, "twirl", p=np.array([0.5]))
    with pytest.raises(InputError, match="dephasing only"):
        build_pubs(isa, random_psi(1, 26), ("xa",), 12, "twirl", channel="depolarizing", p=np.array([0.5]))


def test_twirl_angles_add_to_the_setting():
    rotate = rotate_angles(("zz", "xa"))
    angles = twirl_angles(rotate, np.array([1.0]))
    assert angles.mean(axis=2)[0] == pytest.approx(rotate)
    assert np.ptp(angles[0, 0], axis=0) == pytest.approx([np.pi, 0, np.pi, 0])


def test_labelled_idle_acts_on_the_qubits_in_state_order():
    isa = with_labelled_idle(transpile_template(DEVICES["manila"].target))
    idle = next(one for one in isa.data if one.operation.name == "unitary")
    assert idle.operation.label == "idle"
    assert [isa.find_bit(qubit).index for qubit in idle.qubits] == [0, 1]
    assert np.allclose(Operator(idle.operation).data, np.eye(4))
    assert DensityMatrix.from_int(0, 4).evolve(idle.operation).is_valid()
