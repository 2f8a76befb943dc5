"""The circuits in circuits/*.qasm are the single source of the states: each equals its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import transpile
from qiskit.quantum_info import Statevector

from qent_hw.circuits import load_family, shipped_families
from qent_hw.errors import InputError
from qent_hw.physics import concurrence, density, general_four_basis, special_four_basis, two_basis

CLOSED_FORMS = {
    "two_basis": two_basis,
    "special_four_basis": special_four_basis,
    "general_four_basis": general_four_basis,
}


def overlap(first, second):
    """|⟨first|second⟩| of each pair: 1 where they agree up to a global phase."""
    return np.abs(np.sum(first.conj() * second, axis=-1))


def test_every_shipped_family_has_a_closed_form_to_check_it():
    assert set(shipped_families()) == set(CLOSED_FORMS)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_circuit_equals_closed_form(name):
    family = load_family(name)
    values = family.draw(500, np.random.default_rng(11))
    assert overlap(family.amplitudes(values), CLOSED_FORMS[name](**values)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_batched_amplitudes_equal_qiskit(name):
    """The evaluator of this package against Qiskit's own simulation of the same file, qubit order included."""
    family = load_family(name)
    values = family.draw(20, np.random.default_rng(12))
    ours = family.amplitudes(values)
    for row in range(20):
        bound = family.circuit.assign_parameters({key: column[row] for key, column in values.items()})
        theirs = Statevector(bound.reverse_bits()).data
        assert overlap(ours[row], theirs) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", ["two_basis", "special_four_basis"])
@pytest.mark.parametrize("entangler", ["cx", "cz"])
def test_transpiler_finds_the_single_two_qubit_gate(name, entangler):
    circuit = transpile(load_family(name).circuit, basis_gates=["rz", "sx", "x", entangler], optimization_level=3)
    assert circuit.count_ops()[entangler] == 1


def test_header_says_what_the_loader_needs():
    family = load_family("special_four_basis")
    assert [parameter.name for parameter in family.parameters] == ["theta", "phi"]
    assert family.parameters[0].high == pytest.approx(2 * np.pi)
    assert "Eq. 14" in family.citation


def test_special_four_basis_concurrence_is_sin_sin():
    family = load_family("special_four_basis")
    values = family.draw(200, np.random.default_rng(13))
    expected = np.abs(np.sin(values["theta"]) * np.sin(values["phi"]))
    assert concurrence(density(family.amplitudes(values))) == pytest.approx(expected, abs=1e-9)


USER_FAMILY = """// title: partly entangling
// state: cos(w²/2)…
// citation: a user's own
// parameter w in [0, pi/2]: angle
OPENQASM 3.0;
include "stdgates.inc";
input float[64] w;
qubit[2] q;
ry(w*w) q[0];
cx q[0], q[1];
"""


def test_users_family_with_a_nonlinear_angle(tmp_path):
    path = tmp_path / "mine.qasm"
    path.write_text(USER_FAMILY)
    family = load_family(str(path))
    w = np.array([0.2, 0.9, 1.3])
    expected = np.zeros((3, 4))
    expected[:, 0], expected[:, 3] = np.cos(w**2 / 2), np.sin(w**2 / 2)
    assert family.name == "mine"
    assert overlap(family.amplitudes({"w": w}), expected) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("// title: partly entangling\n", ""), "title"),
        (("// parameter w", "// parameter z"), "'w' is an input but has no '// parameter' line"),
        (("[0, pi/2]", "[2, 1]"), "range .2, 1. is empty"),
        (("[0, pi/2]", "[0, tau]"), "'tau' is no angle"),
        (("ry(w*w) q[0];", "ry(w*w q[0];"), "not readable as OpenQASM 3"),
        (("qubit[2] q;", "qubit[3] q;"), "3 qubits"),
        (("cx q[0], q[1];", "reset q[0];"), "'reset' is no unitary gate"),
    ],
)
def test_wrong_family_files_are_refused_in_one_line(tmp_path, change, complaint):
    path = tmp_path / "mine.qasm"
    path.write_text(USER_FAMILY.replace(*change))
    with pytest.raises(InputError, match=complaint) as caught:
        load_family(str(path)).amplitudes({"w": np.array([0.1])})
    assert "\n" not in str(caught.value)


def test_unknown_family_lists_the_shipped_ones():
    with pytest.raises(InputError, match=r"general_four_basis, special_four_basis, two_basis"):
        load_family("three_basis")
