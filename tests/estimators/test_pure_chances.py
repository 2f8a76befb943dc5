"""Outcomes by the short way against amplitudes, density matrix, channel and Born's rule; derivatives by differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.estimators.batch_cholesky import factorise, log_determinant, solve_lower, solve_upper, upper_product
from qent_hw.estimators.differences import jacobian
from qent_hw.estimators.limits_source import source_of
from qent_hw.estimators.pure_chances import POLAR, PureChances
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS

SETTINGS = (BELL_SETTINGS, ALL_SETTINGS, ("zz", "xz"))


def pure(family: str, channel: str) -> PureChances:
    parameters = load_family(family).parameters
    low = np.array([one.low for one in parameters])
    return PureChances(POLAR[family], low, np.array([one.high for one in parameters]) - low, channel)


@pytest.mark.parametrize("family", sorted(POLAR))
@pytest.mark.parametrize("channel", ["dephasing", "depolarizing"])
def test_chances_and_derivatives_are_those_of_the_density_matrix(family, channel):
    source, short = source_of(family, channel), pure(family, channel)
    points = np.random.default_rng(np.random.SeedSequence(1)).random((5000, source.dimension))
    # more than a block, and with ends of the cube among them
    points[:100, -1], points[100:200, -1], points[200:300, 0] = 0, 1, 0
    for settings in SETTINGS:
        expected = physics.outcome_probabilities(source.states(points), settings).reshape(len(points), -1)
        np.testing.assert_allclose(short.values(points, settings), expected, rtol=0, atol=1e-14)
        there, slope = short.slopes(points, settings)
        np.testing.assert_array_equal(there, short.values(points, settings))
        # 1e-6 of the curvature, some 4π², and single precision
        by_differences = jacobian(lambda at, settings=settings: short.values(at, settings), points, there)
        np.testing.assert_allclose(slope, by_differences, rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", sorted(POLAR))
def test_a_family_of_ones_own_goes_the_long_way_to_the_same_outcomes(family):
    shipped = source_of(family, "dephasing")
    own = source_of(replace(load_family(family), name="own"), "dephasing")
    points = np.random.default_rng(np.random.SeedSequence(2)).random((200, shipped.dimension))
    np.testing.assert_allclose(shipped.states(points), own.states(points), atol=1e-12)
    np.testing.assert_allclose(
        shipped.chances(points, None, BELL_SETTINGS), own.chances(points, None, BELL_SETTINGS), atol=1e-12
    )
    for one, other in zip(shipped.slopes(points, BELL_SETTINGS), own.slopes(points, BELL_SETTINGS), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("d", [1, 3, 7])
def test_small_matrices_as_lapack_does_them(d):
    rng = np.random.default_rng(np.random.SeedSequence(3))
    half = rng.standard_normal((50, d, d + 2))
    matrices = half @ half.swapaxes(1, 2)
    right = rng.standard_normal((50, d))
    lower = np.linalg.cholesky(matrices)
    factors = factorise(np.tril(matrices).transpose(1, 2, 0).copy())
    np.testing.assert_allclose(np.tril(factors.transpose(2, 0, 1)), lower, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(log_determinant(factors), np.linalg.slogdet(lower)[1], atol=1e-9)
    found = solve_upper(factors, solve_lower(factors, right.T)).T
    np.testing.assert_allclose(found, np.linalg.solve(matrices, right[..., None])[..., 0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(upper_product(factors, right.T).T, (lower.swapaxes(1, 2) @ right[..., None])[..., 0])
