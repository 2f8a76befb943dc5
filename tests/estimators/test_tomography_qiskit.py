"""qiskit-experiments' tomography, fed with our counts, gives our states."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit_experiments.framework import ExperimentData
from qiskit_experiments.library.tomography import StateTomographyAnalysis
from scipy.stats import norm

from qent_hw import physics
from qent_hw.errors import InputError
from qent_hw.estimators.tomography import TomographyEstimator
from qent_hw.estimators.tomography_qiskit import (
    QiskitTomographyEstimator,
    each_qubit,
    fitter_input,
    measurement_basis,
)
from qent_hw.physics import ALL_SETTINGS, Counts, dirichlet_spectrum

ONE, TWO = np.array([[0.98, 0.07], [0.02, 0.93]]), np.array([[0.96, 0.11], [0.04, 0.89]])
READOUT = np.kron(ONE, TWO)
RHO = physics.random_mixed(12, dirichlet_spectrum(0.5), np.random.SeedSequence(1))


def read(rho, assignment, shots):
    chances = physics.outcome_probabilities(rho, ALL_SETTINGS) @ (np.eye(4) if assignment is None else assignment.T)
    if shots >= 1e9:
        return Counts(ALL_SETTINGS, np.rint(chances * shots).astype(np.int64))
    return Counts(ALL_SETTINGS, physics.sample_counts(chances, shots, np.random.default_rng(2)))


def test_qubits_are_not_swapped():
    """A product of two unlike states, with phases: |ψ> = (cos 0.3 |0> + i sin 0.3 |1>) ⊗ (cos 1 |0> + sin 1 |1>)."""
    psi = np.kron([np.cos(0.3), 1j * np.sin(0.3)], [np.cos(1.0), np.sin(1.0)])
    rho = physics.density(psi[None])
    for assignment in (None, READOUT):
        found = QiskitTomographyEstimator(assignment).reconstruct(read(rho, assignment, 10**10)).states
        np.testing.assert_allclose(found, rho, atol=1e-7)


@pytest.mark.parametrize("assignment", [None, READOUT])
@pytest.mark.parametrize("shots", [11, 1000])
def test_it_is_linear_tomography_to_rounding(assignment, shots):
    counts = read(RHO, assignment, shots)
    theirs = QiskitTomographyEstimator(assignment)
    ours = TomographyEstimator("tomography_linear", "linear", assignment)
    np.testing.assert_allclose(theirs.reconstruct(counts).states, ours.reconstruct(counts).states, atol=1e-13)
    np.testing.assert_allclose(theirs.estimate(counts, 1).p_entangled, ours.estimate(counts, 1).p_entangled, atol=1e-6)
    assert np.all(theirs.estimate(counts, 1).verdict == ours.estimate(counts, 1).verdict)


def test_unequal_shots_are_weighted_by_us_alone():
    """Both are unbiased, and ours has the smaller error: 300 states, a setting with a tenth of the shots of others."""
    rho = np.broadcast_to(0.5 * RHO[0] + np.eye(4) / 8, (300, 4, 4))
    chances = physics.outcome_probabilities(rho, ALL_SETTINGS)
    shots = [2000, 200, 2000, 200, 2000, 200, 2000, 200, 2000]
    counts = Counts(ALL_SETTINGS, physics.sample_counts(chances, shots, np.random.default_rng(3)))
    off = [
        (np.abs(one.reconstruct(counts).states - rho) ** 2).sum(axis=(1, 2))
        for one in (QiskitTomographyEstimator(), TomographyEstimator("tomography_linear", "linear"))
    ]
    gain = off[0] - off[1]
    # one-sided, false alarm 1e-5
    assert gain.mean() > 0
    assert gain.mean() / (gain.std() / np.sqrt(300)) > norm.isf(1e-5)


@pytest.mark.parametrize("assignment", [None, READOUT])
def test_the_steps_are_those_of_its_own_analysis(assignment):
    counts = read(RHO[:2], assignment, 500)
    ours = QiskitTomographyEstimator(assignment).reconstruct(counts).states
    for values, state in zip(counts.values, ours, strict=True):
        analysis = StateTomographyAnalysis()
        analysis.set_options(measurement_basis=measurement_basis(assignment), measurement_qubits=(0, 1))
        data = ExperimentData()
        data.add_data(fitter_input(values))
        analysis.run(data).block_for_results()
        theirs = data.analysis_results("state", dataframe=True).iloc[0].value
        np.testing.assert_allclose(theirs.reverse_qargs().data, state, atol=1e-14)


def test_readouts_one_after_the_other_are_not_mixed_up():
    """Its cache takes two bases of the same name for one."""
    for assignment in (None, READOUT, np.kron(TWO, ONE), READOUT):
        found = QiskitTomographyEstimator(assignment).reconstruct(read(RHO, assignment, 10**10)).states
        np.testing.assert_allclose(found, RHO, atol=1e-6)


def test_each_qubits_own_misreadings():
    one, two = each_qubit(READOUT)
    np.testing.assert_allclose(one, ONE, atol=1e-15)
    np.testing.assert_allclose(two, TWO, atol=1e-15)
    # correlated: both flip together, or none
    one, two = each_qubit(0.9 * np.eye(4) + 0.1 * np.eye(4)[::-1])
    np.testing.assert_allclose(one, [[0.9, 0.1], [0.1, 0.9]], atol=1e-15)
    np.testing.assert_allclose(two, one, atol=1e-15)


def test_settings_come_in_any_order_and_must_be_there():
    counts = read(RHO[:3], None, 100)
    estimator = QiskitTomographyEstimator()
    turned = Counts(ALL_SETTINGS[::-1], counts.values[:, ::-1])
    np.testing.assert_array_equal(estimator.estimate(turned, 1).p_entangled, estimator.estimate(counts, 1).p_entangled)
    with pytest.raises(InputError, match="setting zz is missing and tomography_qiskit needs it"):
        estimator.estimate(Counts(ALL_SETTINGS[:-1], counts.values[:, :-1]), 1)
    assert estimator.settings == ALL_SETTINGS
    assert "each qubit by itself" in QiskitTomographyEstimator(READOUT).card["assumes"]
