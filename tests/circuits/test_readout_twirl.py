"""Twirled readout: the parts measure the same, and misreadings become symmetric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from qent_hw.circuits import load_family
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.readout_twirl import FLIPS, twirled
from qent_hw.circuits.template import transpile_template
from qent_hw.errors import InputError
from qent_hw.hardware.device import ideal_device
from qent_hw.hardware.simulators import aer_backend
from qent_hw.physics import density, dephase, outcome_probabilities
from qent_hw.simulation.device import device_probabilities, device_template
from qent_hw.simulation.errors import device_errors

SETTINGS = ("xa", "yb", "zz")
FALSE_ALARM = 1e-6


def states(n):
    rng = np.random.default_rng(4)
    family = load_family("special_four_basis")
    return family.amplitudes(family.draw(n, rng))


def agrees(counts, probabilities):
    """χ² of counts (…, 4) against exact probabilities, at a false-alarm rate of 1e-6."""
    expected = counts.sum(-1, keepdims=True) * probabilities
    seen = expected > 5
    statistic = ((counts - expected)[seen] ** 2 / expected[seen]).sum()
    return statistic < chi2.isf(FALSE_ALARM, seen.sum())


@pytest.mark.parametrize("injection", ["noise-model", "twirl"])
def test_without_errors_nothing_changes(injection):
    psi, device = states(6), ideal_device()
    p = np.full(len(psi), 0.3)
    isa = transpile_template(device.target)
    (pub,) = build_pubs(isa, psi, SETTINGS, 16_000, injection, p=p, readout_twirl=True)
    assert pub.values.shape[2] == (16 if injection == "twirl" else 4)
    assert pub.shots * pub.values.shape[2] == 16_000
    counts = aer_backend("aer", device).sample(pub, np.random.SeedSequence(2), lambda n: None)
    assert (counts.sum(-1) == 16_000).all()
    assert agrees(counts, outcome_probabilities(dephase(density(psi), p), SETTINGS))


def test_misreadings_become_symmetric():
    device = ideal_device()
    backend = aer_backend("aer", device)
    misread = np.array([[[0.98, 0.08], [0.02, 0.92]], [[0.99, 0.05], [0.01, 0.95]]])
    for qubit in (0, 1):
        # Aer has a row for each true outcome
        backend.noise_model.add_readout_error(misread[qubit].T, [qubit])
    errors = replace(device_errors(device.target), readout=np.kron(*misread))
    assignment = twirled(errors.readout)
    np.testing.assert_allclose(assignment, assignment.T, atol=1e-15)
    np.testing.assert_allclose(assignment.sum(axis=0), 1)
    psi = states(6)
    p = np.full(len(psi), 0.3)
    isa = transpile_template(device.target)
    (pub,) = build_pubs(isa, psi, SETTINGS, 40_000, "noise-model", p=p, readout_twirl=True)
    counts = backend.sample(pub, np.random.SeedSequence(3), lambda n: None)
    plain, symmetric = (
        device_probabilities(device_template(isa, one), psi, SETTINGS, "noise-model", p=p)[:, :, 0]
        for one in (errors, replace(errors, readout=assignment))
    )
    assert agrees(counts, symmetric)
    assert not agrees(counts, plain)


def test_a_matrix_of_one_qubit_is_averaged_over_its_flips():
    first = np.array([[0.9, 0.3], [0.1, 0.7]])
    expected = np.kron([[0.8, 0.2], [0.2, 0.8]], np.eye(2))
    np.testing.assert_allclose(twirled(np.kron(first, np.eye(2))), expected)


def test_shots_must_divide_into_the_parts():
    isa = transpile_template(ideal_device().target)
    with pytest.raises(InputError, match=f"{len(FLIPS)} equal parts; use a multiple of 4, such as 12"):
        build_pubs(isa, states(1), ("xa",), 11, "noise-model", p=np.array([0.5]), readout_twirl=True)
    with pytest.raises(InputError, match="16 equal parts"):
        build_pubs(isa, states(1), ("xa",), 100, "twirl", p=np.array([0.5]), readout_twirl=True)
