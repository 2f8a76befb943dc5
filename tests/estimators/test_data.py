"""Labelled states: labels, sampled features, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, concurrence, negativity

from qent_hw import physics
from qent_hw.errors import InputError
from qent_hw.estimators.data import GeneralMixed, drawn_parameters, labelled_states, labelled_states_at
from qent_hw.physics.spectra import singular_value_spectrum

BELL8 = physics.FEATURE_SETS["bell8"]
SPECIAL = ("special_four_basis", "dephasing")


@pytest.mark.parametrize("family", ["two_basis", "special_four_basis", "general_four_basis"])
@pytest.mark.parametrize("channel", ["dephasing", "depolarizing"])
def test_all_fifteen_features_carry_the_labels(family, channel) -> None:
    """ρ rebuilt from its fifteen averages must have the label and the concurrence that came with it."""
    states = labelled_states(family, channel, physics.FEATURES, 40, seed=3)
    x, y, z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
    axes = {"1": np.eye(2), "x": x, "y": y, "z": z, "a": (x + y) / np.sqrt(2), "b": (y - x) / np.sqrt(2)}
    operators = [np.kron(axes[name[0]], axes[name[1]]) for name in physics.FEATURES]
    for values, entangled, c in zip(states.features, states.entangled, states.concurrence, strict=True):
        rho = DensityMatrix((np.eye(4) + sum(v * o for v, o in zip(values, operators, strict=True))) / 4)
        # float32 features: ρ is off by 1e-7, and where it is singular the concurrence by the root of that
        assert concurrence(rho) == pytest.approx(c, abs=2e-3)
        if c > 5e-3:
            assert entangled
            assert negativity(rho, [0]) > 0
    assert states.features.dtype == np.float32
    assert states.concurrence.dtype == np.float32
    assert states.entangled.dtype == np.bool_
    assert np.isinf(states.shots).all()


def test_shares_of_entangled_states_are_the_papers() -> None:
    """42.1% and 63.3% (Sec. III) with 30,000 states: a standard error of 0.003; five of these."""
    for family, share in (("special_four_basis", 0.421), ("general_four_basis", 0.633)):
        states = labelled_states(family, "dephasing", BELL8, 30_000, seed=4)
        assert states.entangled.mean() == pytest.approx(share, abs=0.015)
        np.testing.assert_array_equal(states.entangled, states.concurrence > 0)
    assert labelled_states("two_basis", "dephasing", BELL8, 5000, seed=4).entangled.all()


def test_sampled_features_scatter_as_binomial_theory_says() -> None:
    """z² of 8 × 20,000 features: mean 1 with a standard error below 0.005 (features share shots); six of these."""
    exact, sampled = labelled_states_at(*SPECIAL, BELL8, 20_000, 5, (np.inf, 1000))
    np.testing.assert_array_equal(exact.entangled, sampled.entangled)
    shots = np.where(np.isin(BELL8, ("x1", "y1", "1a", "1b")), 2000, 1000)
    variance = (1 - exact.features.astype(float) ** 2) / shots
    z2 = (sampled.features - exact.features) ** 2 / variance
    assert np.mean(z2[variance > 1e-6]) == pytest.approx(1, abs=0.03)


def test_random_shots_are_whole_log_uniform_and_in_range() -> None:
    """Quartiles of log(shots) over 40,000 states: a standard error of 0.003 of the range; five of these."""
    shots = labelled_states(*SPECIAL, BELL8, 40_000, 6, (100, 65536)).shots
    assert shots.min() >= 100
    assert shots.max() <= 65536
    np.testing.assert_array_equal(shots, np.round(shots))
    place = (np.log(shots) - np.log(100)) / (np.log(65536) - np.log(100))
    np.testing.assert_allclose(np.quantile(place, (0.25, 0.5, 0.75)), (0.25, 0.5, 0.75), atol=0.015)


def test_states_follow_from_the_seed_chunk_by_chunk() -> None:
    few, many = (labelled_states(*SPECIAL, BELL8, n, 7, 500) for n in (16_384, 20_000))
    np.testing.assert_array_equal(many.features[:16_384], few.features)
    np.testing.assert_array_equal(many.concurrence[:16_384], few.concurrence)
    again, other = (labelled_states(*SPECIAL, BELL8, 100, seed, 500) for seed in (np.random.SeedSequence(7), 8))
    np.testing.assert_array_equal(again.features, labelled_states(*SPECIAL, BELL8, 100, 7, 500).features)
    assert not np.array_equal(again.features, other.features)
    assert len(np.unique(many.features, axis=0)) == len(many)


def test_drawn_parameters_are_those_of_the_labelled_states() -> None:
    """Special 4-basis states rebuilt in closed form from their parameters, over a chunk's border."""
    states = labelled_states(*SPECIAL, physics.FEATURES, 17_000, 9)
    drawn = drawn_parameters(*SPECIAL, 17_000, 9)
    assert list(drawn) == ["theta", "phi", "p"]
    rho = physics.dephase(physics.density(physics.special_four_basis(drawn["theta"], drawn["phi"])), drawn["p"])
    np.testing.assert_allclose(physics.features(rho), states.features, atol=1e-6)


def test_general_mixed_states_have_their_spectrum_and_their_label() -> None:
    """Purity from the features of all nine settings must be that of the spectrum; 42% are entangled at α = 0.88
    (20,000 states: a standard error of 0.0035; five of these)."""
    mixed = GeneralMixed(physics.dirichlet_spectrum(0.88))
    states = labelled_states(mixed, "none", physics.FEATURES, 20_000, 10)
    assert states.entangled.mean() == pytest.approx(0.42, abs=0.0175)
    np.testing.assert_array_equal(states.entangled, states.concurrence > 0)
    fixed = GeneralMixed(lambda n, rng: np.tile([0.7, 0.2, 0.1, 0.0], (n, 1)))
    values = labelled_states(fixed, "none", physics.FEATURES, 100, 10).features.astype(float)
    np.testing.assert_allclose((1 + np.sum(values**2, axis=1)) / 4, 0.49 + 0.04 + 0.01, atol=1e-6)


def test_general_mixed_states_have_a_name() -> None:
    """42.7% are entangled by the law of the figures (20,000 states: a standard error of 0.0035; five of these)."""
    named = labelled_states("general_mixed", "none", physics.FEATURES, 20_000, 10)
    assert named.entangled.mean() == pytest.approx(0.427, abs=0.0175)
    law = GeneralMixed(singular_value_spectrum(1.283))
    np.testing.assert_array_equal(named.features, labelled_states(law, "none", physics.FEATURES, 20_000, 10).features)


def test_general_mixed_states_follow_from_the_seed_and_not_their_shots() -> None:
    mixed = GeneralMixed(physics.dirichlet_spectrum(1.0))
    few, many = (labelled_states(mixed, "none", BELL8, n, 7, shots) for n, shots in ((16_384, np.inf), (17_000, 300)))
    np.testing.assert_array_equal(many.concurrence[:16_384], few.concurrence)
    assert len(np.unique(many.concurrence[many.entangled])) == many.entangled.sum()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((GeneralMixed(physics.dirichlet_spectrum(1.0)), "dephasing", BELL8, 10, 0), "'dephasing'.*none"),
        (("general_mixed", "dephasing", BELL8, 10, 0), "'dephasing'.*none"),
        (("special_four_basis", "none", BELL8, 10, 0), "'none'.*dephasing, depolarizing"),
        (("special_four_basis", "damping", BELL8, 10, 0), "'damping'.*dephasing, depolarizing"),
        (("no_such_family", "dephasing", BELL8, 10, 0), "no_such_family"),
        (("special_four_basis", "dephasing", ("xx",), 10, 0), "'xx'"),
        (("special_four_basis", "dephasing", BELL8, 0, 0), "at least 1"),
        (("special_four_basis", "dephasing", BELL8, 10, 0, 0), "shots"),
        (("special_four_basis", "dephasing", BELL8, 10, 0, (500, 100)), "shots"),
        (("special_four_basis", "dephasing", BELL8, 10, 0, float("nan")), "shots"),
        (("special_four_basis", "dephasing", BELL8, 10, 0, 100.5), "shots"),
    ],
)
def test_impossible_requests_are_refused(arguments, word) -> None:
    with pytest.raises(InputError, match=word):
        labelled_states(*arguments)
