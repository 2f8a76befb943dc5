"""Labelled states on a device: on a perfect one they are the ideal states, on others their features alone differ."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.data import labelled_states, labelled_states_at
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.sources import FamilyStates
from qent_hw.experiments.training_device import training_device_of
from qent_hw.hardware.device import ideal_device
from qent_hw.physics import FEATURE_SETS, FEATURES

FAMILY = "special_four_basis"
BELL8 = FEATURE_SETS["bell8"]
T1, T2 = (80e-6, 60e-6), (50e-6, 90e-6)


@cache
def perfect(injection, T1=None, T2=None):
    """Gates and readout without error; with T1 and T2 the qubits relax while they wait."""
    return DeviceStates(load_family(FAMILY), training_device_of(ideal_device(T1, T2), "perfect", injection))


@pytest.mark.parametrize("injection", ["noise-model", "twirl"])
@pytest.mark.parametrize("channel", ["dephasing", "depolarizing"])
def test_on_a_perfect_device_they_are_the_ideal_states(injection, channel):
    if (injection, channel) == ("twirl", "depolarizing"):
        with pytest.raises(InputError, match=r"'depolarizing'; it must be one of dephasing$"):
            labelled_states(perfect(injection), channel, FEATURES, 10, 1)
        return
    ideal, ours = (labelled_states(source, channel, FEATURES, 3000, 1) for source in (FAMILY, perfect(injection)))
    np.testing.assert_allclose(ours.features, ideal.features, atol=1e-6)
    np.testing.assert_array_equal(ours.entangled, ideal.entangled)
    np.testing.assert_array_equal(ours.concurrence, ideal.concurrence)


def test_a_wait_relaxes_states_and_labels_alike():
    """Without gate and readout errors all features are those of the state that is labelled; T1 makes |00⟩ likelier."""
    drawn = perfect("idle", T1, T2).draw("dephasing", 3000, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.features(FEATURES), physics.features(drawn.truth), atol=1e-12)
    without = FamilyStates(load_family(FAMILY)).draw("dephasing", 3000, np.random.default_rng(2))
    ground, dephased = (np.real(states.truth[:, 0, 0]).mean() for states in (drawn, without))
    assert ground > dephased + 0.1
    # the two-qubit coherences decay as dephasing of p would have it, as far as waits go (p = 0.995), in nanoseconds
    waited, wanted = (np.abs(states.truth[:, 0, 3]) for states in (drawn, without))
    np.testing.assert_allclose(waited, wanted, rtol=1e-4, atol=2e-5)


def test_sampled_features_scatter_as_their_parts_do():
    """z² of 2 × 16,000 correlations of a twirl, whose sign pairs get a quarter of the shots each (mean 1, standard
    error 0.008; six of these), with shots that do not divide by four."""
    source, names = perfect("twirl"), ("xa", "yb")
    exact, sampled = labelled_states_at(source, "dephasing", names, 16_000, 3, (np.inf, 403))
    np.testing.assert_array_equal(exact.entangled, sampled.entangled)
    drawn = source.draw("dephasing", 16_000, np.random.default_rng(np.random.SeedSequence(3, spawn_key=(0,))))
    parts = drawn.probabilities(names) @ np.array([1, -1, -1, 1])
    variance = (1 - parts**2).mean(axis=2) / 403
    z2 = (sampled.features - exact.features) ** 2 / np.maximum(variance, 1e-12)
    assert np.mean(z2[variance > 1e-5]) == pytest.approx(1, abs=0.05)
    # less than shots that draw their sign pair at random
    assert variance.mean() < 0.95 * ((1 - exact.features.astype(float) ** 2) / 403).mean()


def test_a_twirl_takes_a_shot_for_each_sign_pair():
    with pytest.raises(InputError, match="3 per setting; a twirl needs at least 4"):
        labelled_states(perfect("twirl"), "dephasing", BELL8, 10, 4, 3)


def test_states_follow_from_the_seed_chunk_by_chunk():
    source = perfect("idle", T1, T2)
    few, many = (labelled_states(source, "dephasing", BELL8, n, 7, 500) for n in (16_384, 17_000))
    np.testing.assert_array_equal(many.features[:16_384], few.features)
    np.testing.assert_array_equal(many.concurrence[:16_384], few.concurrence)
    assert not np.array_equal(labelled_states(source, "dephasing", BELL8, 100, 8, 500).features, few.features[:100])
