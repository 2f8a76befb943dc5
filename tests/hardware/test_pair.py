"""The pair chosen is the best by an independent sum, for the right reasons; what is faulty is never taken."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit.quantum_info import SuperOp, average_gate_fidelity
from qiskit.transpiler import InstructionProperties
from qiskit_aer.noise import thermal_relaxation_error
from qiskit_ibm_runtime.fake_provider import FakeLondonV2, FakeManilaV2, FakePeekskill, FakeTorino

from qent_hw.circuits.template import transpile_template
from qent_hw.errors import BackendError, InputError
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.backends import fake_device
from qent_hw.hardware.device import cut_device
from qent_hw.hardware.faults import coupled_pairs, faultless_pairs
from qent_hw.hardware.infidelity import relaxation_error
from qent_hw.hardware.pair import check_pair, choose_pair, pair_figures

BEST_OF_MANILA = (3, 4)


def edited_manila(edit):
    """FakeManilaV2 from a snapshot that `edit` has changed, as a device with faults would publish it."""
    backend = FakeManilaV2()
    backend.properties()
    edit(backend._props_dict)
    return backend


def set_qubit(name, value, qubit=3):
    def edit(snapshot):
        rest = [one for one in snapshot["qubits"][qubit] if one["name"] != name]
        date = rest[0]["date"]
        snapshot["qubits"][qubit] = rest + [{"name": name, "value": value, "unit": "", "date": date}] * (
            value is not None
        )

    return edit


def set_gate(gate, qubits, name, value):
    def edit(snapshot):
        (entry,) = (one for one in snapshot["gates"] if (one["gate"], one["qubits"]) == (gate, qubits))
        rest = [one for one in entry["parameters"] if one["name"] != name]
        date = entry["parameters"][0]["date"]
        entry["parameters"] = rest + [{"name": name, "value": value, "unit": "", "date": date}] * (value is not None)

    return edit


def drop_gate(gate, qubits):
    def edit(snapshot):
        snapshot["gates"] = [one for one in snapshot["gates"] if (one["gate"], one["qubits"]) != (gate, qubits)]

    return edit


def published_error(backend, pair):
    """E from the properties alone."""
    properties = backend.properties()
    right = 1 - properties.gate_error("cx", pair)
    for qubit in pair:
        right *= (1 - properties.gate_error("sx", qubit)) ** 6 * (1 - properties.readout_error(qubit))
    return 1 - right


def test_smallest_error_of_a_circuit_wins():
    backend = FakeManilaV2()
    errors = {pair: published_error(backend, pair) for pair in coupled_pairs(backend.target)}
    choice = choose_pair(backend, "twirl")
    assert tuple(sorted(choice.qubits)) == min(errors, key=errors.get) == BEST_OF_MANILA
    for pair, error in errors.items():
        # relaxation makes a few gates slightly worse than published
        assert pair_figures(backend.target, pair).circuit_error == pytest.approx(error, abs=1e-3)
    assert choose_pair(backend, "noise-model") == choice


def test_a_gate_is_no_better_than_its_relaxation():
    """At T1 = 5 µs a cx of some 300 ns loses more than its published 0.6%, so another pair wins."""
    short = edited_manila(lambda snapshot: [set_qubit(name, 5e-6)(snapshot) for name in ("T1", "T2")])
    figures = pair_figures(short.target, BEST_OF_MANILA)
    assert figures.gate_error > 2 * short.properties().gate_error("cx", BEST_OF_MANILA)
    assert 3 not in choose_pair(short, "twirl").qubits


@pytest.mark.parametrize(("T1", "T2"), [(50e-6, 70e-6), (50e-6, 100e-6), (200e-6, 10e-6)])
def test_relaxation_error_is_that_of_the_channel(T1, T2):
    one = thermal_relaxation_error(T1, T2, 20e-6)
    assert relaxation_error(20e-6, [(T1, T2)]) == pytest.approx(1 - average_gate_fidelity(SuperOp(one)), abs=1e-12)
    two = 1 - average_gate_fidelity(SuperOp(one.tensor(thermal_relaxation_error(80e-6, 40e-6, 20e-6))))
    assert relaxation_error(20e-6, [(T1, T2), (80e-6, 40e-6)]) == pytest.approx(two, abs=1e-12)


def lifetimes_of_manila(T1, T2):
    def edit(snapshot):
        for qubit, (t1, t2) in enumerate(zip(T1, T2, strict=True)):
            set_qubit("T1", t1, qubit)(snapshot)
            set_qubit("T2", t2, qubit)(snapshot)

    return edited_manila(edit)


def test_idle_wants_dephasing_without_relaxation_and_alike():
    """0,1 relax as they dephase; 1,2 and 2,3 dephase unlike; 3,4 dephase alike, and alone."""
    backend = lifetimes_of_manila([100e-6] * 5, [200e-6, 200e-6, 200e-6, 20e-6, 22e-6])
    figures = {pair: pair_figures(backend.target, pair) for pair in coupled_pairs(backend.target)}
    assert tuple(sorted(choose_pair(backend, "idle").qubits)) == (3, 4)
    # T2 = 2·T1: in τ = 2·T1 ln 2 three quarters of |1⟩ decay, of each qubit
    assert figures[0, 1].wait_s == pytest.approx(200e-6 * math.log(2))
    assert figures[0, 1].wait_error == pytest.approx(1 - (1 - 0.375) ** 2)
    moved = lifetimes_of_manila([100e-6] * 5, [20e-6, 22e-6, 200e-6, 200e-6, 200e-6])
    assert tuple(sorted(choose_pair(moved, "idle").qubits)) == (0, 1)
    assert tuple(sorted(choose_pair(moved, "twirl").qubits)) == (3, 4)


def test_unevenness_is_the_largest_difference_of_any_wait():
    long = 1e6  # seconds, so that nothing relaxes
    T2 = [30e-6, 90e-6, 1e-3, 1e-3, 1e-3]
    figures = pair_figures(lifetimes_of_manila([long] * 5, T2).target, (0, 1))
    waits = np.linspace(0, 1e-3, 100_001)
    assert figures.wait_error == pytest.approx(np.ptp([np.exp(-waits / t2) for t2 in T2[:2]], axis=0).max(), abs=1e-7)


def test_published_T2_above_twice_T1_counts_as_twice_T1():
    figures = pair_figures(lifetimes_of_manila([100e-6] * 5, [500e-6] * 5).target, (0, 1))
    assert figures.T2 == (200e-6, 200e-6)


def test_first_qubit_is_the_first_of_the_gate():
    directed, symmetric, both_ways = FakePeekskill(), FakeTorino(), FakeManilaV2()
    for injection in ("twirl", "idle"):
        assert choose_pair(directed, injection).qubits in directed.target["ecr"]
        first, second = choose_pair(symmetric, injection).qubits
        assert first < second
    chosen = choose_pair(both_ways, "twirl").qubits
    assert both_ways.target["cx"][chosen].duration < both_ways.target["cx"][chosen[::-1]].duration


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (set_qubit("operational", 0), "qubit 3 is reported as not operational"),
        (set_gate("sx", [3], "operational", 0), "sx on 3 is reported as not operational"),
        (set_gate("cx", [3, 4], "operational", 0), "cx on 3,4 is reported as not operational"),
        (set_gate("cx", [4, 3], "gate_error", 1), "cx on 4,3 has the error 1"),
        (set_gate("cx", [3, 4], "gate_error", None), "cx on 3,4 has no error published"),
        (set_gate("x", [3], "gate_error", 1), "x on 3 has the error 1"),
        (drop_gate("sx", [3]), "sx on 3 has no error published"),
        (set_qubit("readout_error", 1), "measure on 3 has the error 1"),
        (set_qubit("readout_error", None), "measure on 3 has no error published"),
        (set_qubit("T1", 0), "qubit 3 has no valid T1 and T2"),
        (set_qubit("T2", None), "qubit 3 has no valid T1 and T2"),
    ],
)
def test_faulty_qubits_and_gates_are_never_taken(edit, complaint):
    backend = edited_manila(edit)
    with pytest.raises(InputError, match=f"^qubits = 4,3: .*{complaint}") as caught:
        check_pair(backend, (4, 3))
    assert "\n" not in str(caught.value)
    for injection in ("twirl", "idle"):
        assert set(choose_pair(backend, injection).qubits) != {3, 4}
    with pytest.raises(InputError, match=complaint):
        cut_device(backend, (4, 3))


def test_a_gate_missing_from_the_target_is_a_fault():
    backend = FakeManilaV2()
    del backend.target["sx"][(3,)]
    with pytest.raises(InputError, match="sx on 3 is missing"):
        check_pair(backend, (3, 4))
    assert 3 not in choose_pair(backend, "twirl").qubits


def test_no_pair_left_is_a_backend_error():
    """Kyoto's snapshot has the error 1 on every ecr."""
    with pytest.raises(BackendError, match=r"fake_kyoto: none of its 144 coupled pairs .* ecr on 1,0 has the error 1"):
        resolve_backend("fake_kyoto")


def test_the_choice_is_written_down_and_a_given_pair_is_not_called_chosen():
    device = resolve_backend("fake_manila", injection="idle").device
    assert device.facts["pair_chosen"].startswith("qubits 4,3 dephase most alike")
    assert "T1 = 145/179 µs" in device.facts["pair_chosen"]
    assert "\n" not in device.facts["pair_chosen"]
    assert "pair_chosen" not in resolve_backend("fake_manila", qubits=(0, 1)).device.facts


@pytest.mark.parametrize(
    "name", ["london", "rochester", "ourense", "manhattan", "cairo", "hanoi", "prague", "brisbane"]
)
def test_snapshots_of_all_ages_give_a_pair(name):
    """2020 to 2025: u1 to u3 gates, no time step, broken pairs, one- and two-way gates, two kinds of gate at once."""
    backend = fake_device(f"fake_{name}")
    sound = faultless_pairs(backend)
    for injection in ("twirl", "idle"):
        choice = choose_pair(backend, injection)
        assert tuple(sorted(choice.qubits)) in sound
        assert 0 < choice.figures.circuit_error < choice.figures.score("idle") < 1


def test_a_device_without_a_time_step_can_still_wait():
    device = cut_device(FakeLondonV2(), injection="idle")
    assert FakeLondonV2().target.dt is None
    assert device.facts["dt_assumed_s"] == device.target.dt == 1e-9
    isa = transpile_template(device.target)
    assert isa.count_ops()["u3"] >= 4
    assert isa.count_ops()["delay"] == 2


def test_properties_of_instructions_may_lack_a_duration():
    backend = FakeManilaV2()
    for where, properties in backend.target["cx"].items():
        backend.target.update_instruction_properties("cx", where, InstructionProperties(error=properties.error))
    assert choose_pair(backend, "twirl").qubits == (3, 4)
