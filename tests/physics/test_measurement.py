from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, SparsePauliOp

from qent_hw.errors import InputError
from qent_hw.physics import (
    ALL_SETTINGS,
    AXES,
    FEATURES,
    density,
    features,
    outcome_probabilities,
    special_four_basis,
    two_basis,
)


def pauli_sum(axis: str) -> list[tuple[str, float]]:
    return [("I", 1.0)] if axis == "1" else list(zip("XYZ", AXES[axis], strict=True))


def operator(feature: str) -> SparsePauliOp:
    """Qiskit's labels read right to left, so its left letter is qubit 1, as here."""
    terms = [(p + q, u * v) for p, u in pauli_sum(feature[0]) for q, v in pauli_sum(feature[1])]
    return SparsePauliOp.from_list(terms)


def test_features_agree_with_qiskit(mixed) -> None:
    ours = features(mixed[::4])
    for column, name in enumerate(FEATURES):
        peer = [DensityMatrix(rho).expectation_value(operator(name)).real for rho in mixed[::4]]
        np.testing.assert_allclose(ours[:, column], peer, atol=1e-14)


def test_features_of_known_states() -> None:
    """|+x>|1>: x1 = 1, 1z = -1, xz = -1; the qubits are not interchangeable."""
    values = dict(zip(FEATURES, features(density([0, np.sqrt(0.5), 0, np.sqrt(0.5)])), strict=True))
    expected = dict.fromkeys(FEATURES, 0.0) | {"x1": 1.0, "1z": -1.0, "xz": -1.0}
    assert values == pytest.approx(expected, abs=1e-15)
    bell = dict(zip(FEATURES, features(density(two_basis(np.pi / 2, 0))), strict=True))
    s = np.sqrt(0.5)
    assert bell == pytest.approx(dict.fromkeys(FEATURES, 0.0) | {"zz": 1, "xa": s, "xb": -s, "ya": -s, "yb": -s})


def test_zz_and_1z_vanish_in_the_special_family() -> None:
    values = features(density(special_four_basis(*np.random.default_rng(1).uniform(0, 6, (2, 100)))))
    np.testing.assert_allclose(values[:, [FEATURES.index("zz"), FEATURES.index("1z")]], 0, atol=1e-15)


def test_features_determine_the_state(mixed) -> None:
    operators = np.array([operator(name).to_matrix() for name in FEATURES])
    rebuilt = (np.eye(4) + np.einsum("nk,kij->nij", features(mixed), operators)) / 4
    np.testing.assert_allclose(rebuilt, mixed, atol=1e-14)


def test_outcome_probabilities_are_those_of_the_projectors(mixed) -> None:
    ours = outcome_probabilities(mixed, ALL_SETTINGS)
    for k, setting in enumerate(ALL_SETTINGS):
        vectors = []
        for axis in setting:
            _, columns = np.linalg.eigh(operator(axis + "1").to_matrix()[::2, ::2])
            vectors.append({-1: columns[:, 0], 1: columns[:, 1]})
        for j, (s1, s2) in enumerate([(1, 1), (1, -1), (-1, 1), (-1, -1)]):
            psi = np.kron(vectors[0][s1], vectors[1][s2])
            expected = np.einsum("i,nij,j->n", psi.conj(), mixed, psi).real
            np.testing.assert_allclose(ours[:, k, j], expected, atol=1e-14)


def test_outcome_probabilities_give_the_features(mixed) -> None:
    p = outcome_probabilities(mixed, ALL_SETTINGS)
    np.testing.assert_allclose(p.sum(axis=-1), 1, atol=1e-14)
    np.testing.assert_allclose(p @ [1, -1, -1, 1], features(mixed)[:, :9], atol=1e-14)
    averages = dict(zip(FEATURES, features(mixed).T, strict=True))
    for k, setting in enumerate(ALL_SETTINGS):
        np.testing.assert_allclose(p[:, k] @ [1, 1, -1, -1], averages[setting[0] + "1"], atol=1e-14)
        np.testing.assert_allclose(p[:, k] @ [1, -1, 1, -1], averages["1" + setting[1]], atol=1e-14)


def test_outcome_order_tells_the_qubits_apart() -> None:
    """|0>|1> along z: qubit 1 gives +, qubit 2 gives -, which is the second outcome."""
    np.testing.assert_allclose(outcome_probabilities(density([0, 1, 0, 0]), ["zz"]), [[0, 1, 0, 0]], atol=1e-15)


def test_shapes_and_order_of_settings(mixed) -> None:
    grid = mixed.reshape(20, 20, 4, 4)
    assert features(grid).shape == (20, 20, 15)
    assert features(mixed[0]).shape == (15,)
    np.testing.assert_array_equal(features(grid)[3, 4], features(mixed)[64])
    p = outcome_probabilities(grid, ["zz", "xa"])
    assert p.shape == (20, 20, 2, 4)
    np.testing.assert_allclose(p[..., 1, :], outcome_probabilities(grid, ["xa"])[..., 0, :], atol=1e-15)
    assert outcome_probabilities(mixed[0], ["xa"]).shape == (1, 4)
    swapped_layout = np.moveaxis(np.moveaxis(mixed, 0, -1).copy(), -1, 0)
    np.testing.assert_allclose(features(swapped_layout), features(mixed), atol=1e-15)
    assert (p >= 0).all()


def test_unknown_setting(mixed) -> None:
    with pytest.raises(InputError, match="setting 'xy' is unknown"):
        outcome_probabilities(mixed, ["xy"])
