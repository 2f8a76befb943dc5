"""Tomography tuned on simulated states: the accuracy of field-notes 5, and that it holds what it says."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.situation import Situation, measured
from qent_hw.estimators.sources import ExactStates, FamilyStates
from qent_hw.estimators.tomography import TomographyEstimator
from qent_hw.estimators.tomography_errors import ppt_margin
from qent_hw.estimators.tuning import tuned
from qent_hw.experiments.training_device import training_device
from qent_hw.physics import ALL_SETTINGS, Counts
from qent_hw.physics.wootters import signed_concurrence

# two-sided, of each statement here
FALSE_ALARM = 1e-5
Z = norm.isf(FALSE_ALARM / 2)
SOURCE = FamilyStates(load_family("special_four_basis"))


@cache
def made(method, shots):
    return tuned(TomographyEstimator(f"tomography_{method}", method), Situation(SOURCE, "dephasing", shots), 1)


@cache
def states(shots, n=2000):
    rng = np.random.default_rng(np.random.SeedSequence(6))
    drawn = SOURCE.draw("dephasing", n, rng)
    return drawn.truth, measured(drawn, ALL_SETTINGS, shots, rng)


@pytest.mark.parametrize(("shots", "accuracy"), [(400, 0.836), (4000, 0.932), (64_000, 0.975)])
def test_accuracy_is_that_of_the_field_notes(shots, accuracy):
    truth, counts = states(shots)
    right = (made("mle", shots).estimate(counts, 1).verdict == "entangled") == physics.is_entangled(truth)
    assert abs(right.mean() - accuracy) < Z * np.sqrt(accuracy * (1 - accuracy) / len(right)) + 0.002


@pytest.mark.parametrize("shots", [100, 1000])
def test_it_is_as_right_as_it_claims(shots):
    truth, counts = states(shots)
    estimates = made("linear", shots).estimate(counts, 1)
    sure = np.maximum(estimates.p_entangled, 1 - estimates.p_entangled)
    right = (estimates.verdict == "entangled") == physics.is_entangled(truth)
    assert abs(right.mean() - sure.mean()) < Z * np.sqrt((sure * (1 - sure)).sum()) / len(sure) + 0.01
    concurrence = physics.concurrence(truth)
    held = (estimates.concurrence_low <= concurrence) & (concurrence <= estimates.concurrence_high)
    assert held.mean() > 0.9 - Z * np.sqrt(0.09 / len(held)) - 0.01
    # the mean of what is left is nought, since the estimate is the mean of simulated ones
    left = estimates.concurrence - concurrence
    assert abs(left.mean()) < Z * left.std() / np.sqrt(len(left)) * 1.1
    assert np.all(estimates.p_entangled_low <= estimates.p_entangled)
    assert np.all(estimates.p_entangled <= estimates.p_entangled_high)
    assert np.all(estimates.concurrence_low <= estimates.concurrence)
    assert np.all(estimates.concurrence <= estimates.concurrence_high)


def test_signed_concurrence():
    """The concurrence where that is positive; of noise, whose four λ are 1/4, −1/2."""
    rho = physics.random_mixed(300, physics.dirichlet_spectrum(0.5), np.random.SeedSequence(2))
    signed = signed_concurrence(rho)
    np.testing.assert_allclose(np.maximum(signed, 0), physics.concurrence(rho), atol=1e-9)
    assert np.all((signed > 0) == physics.is_entangled(rho))
    np.testing.assert_allclose(signed_concurrence(np.eye(4, dtype=complex)[None] / 4), -0.5, atol=1e-12)


def test_half_is_where_fewest_verdicts_are_wrong():
    """On the states it was tuned on, which the seed gives back: no other threshold has more right."""
    base, n = TomographyEstimator("tomography_linear", "linear"), 2000
    estimator = tuned(base, Situation(SOURCE, "dephasing", 400), 3, n)
    rng = np.random.default_rng(np.random.SeedSequence(3))
    drawn = SOURCE.draw("dephasing", n, rng)
    counts = measured(drawn, ALL_SETTINGS, 400, rng)
    entangled = physics.is_entangled(drawn.truth)
    right = ((estimator.estimate(counts, 1).verdict == "entangled") == entangled).sum()
    above = entangled[np.argsort(-ppt_margin(base.reconstruct(counts))[0])]
    best = (np.cumsum(np.concatenate([[0], np.where(above, 1, -1)])) + (~entangled).sum()).max()
    # between two neighbours the curve is a line, and may put one of them on the wrong side
    assert best - 1 <= right <= best


def test_it_is_fixed_by_the_seed_pickles_and_needs_no_fit_to_predict():
    _, counts = states(400)
    again = tuned(TomographyEstimator("tomography_linear", "linear"), Situation(SOURCE, "dephasing", 400), 1)
    for one in (again, pickle.loads(pickle.dumps(made("linear", 400)))):
        for name in ("p_entangled", "concurrence", "concurrence_low"):
            np.testing.assert_array_equal(
                getattr(one.estimate(counts, 7), name), getattr(made("linear", 400).estimate(counts, 1), name)
            )
    assert made("linear", 400).name == "tomography_linear_tuned"
    assert made("linear", 400).settings == ALL_SETTINGS
    assert "400 shots" in made("linear", 400).card["assumes"]
    assert "special_four_basis" in made("linear", 400).card["assumes"]
    with pytest.raises(InputError, match="setting zz is missing"):
        again.estimate(Counts(ALL_SETTINGS[:-1], counts.values[:5, :-1]), 1)


def test_for_a_device_it_beats_plain_ppt_on_that_device():
    source = DeviceStates(load_family("special_four_basis"), training_device("fake_manila", None, "idle"))
    situation = Situation(source, "dephasing", 2000)
    base = TomographyEstimator("tomography_mle", "mle", situation.assignment)
    estimator = tuned(base, situation, 1, 8000)
    rng = np.random.default_rng(np.random.SeedSequence(9))
    drawn = source.draw("dephasing", 2000, rng)
    counts = measured(drawn, ALL_SETTINGS, 2000, rng)
    entangled = physics.is_entangled(drawn.truth)
    plain, best = ((one.estimate(counts, 1).verdict == "entangled") == entangled for one in (base, estimator))
    gain = best.astype(int) - plain
    assert gain.mean() > Z * gain.std() / np.sqrt(len(gain))
    assert "fake_manila" in estimator.card["assumes"]


@dataclass(frozen=True)
class Alike:
    """A source of one state."""

    rho: np.ndarray
    channels: tuple[str, ...] = ("none",)

    def draw(self, channel, n, rng):
        return ExactStates(np.broadcast_to(self.rho, (n, 4, 4)))


def test_what_cannot_be_tuned_is_refused():
    base = TomographyEstimator()
    with pytest.raises(InputError, match="all 1000 simulated states are separable"):
        tuned(base, Situation(Alike(np.eye(4, dtype=complex) / 4), "none", 900), 1, 1000)
    bell = physics.density(np.array([1, 0, 0, 1]) / np.sqrt(2))
    with pytest.raises(InputError, match="all 1000 simulated states are entangled"):
        tuned(base, Situation(Alike(bell), "none", 900), 1, 1000)
    with pytest.raises(InputError, match="n = 10 simulated states"):
        tuned(base, Situation(SOURCE, "dephasing", 900), 1, 10)
    with pytest.raises(InputError, match="9 settings need at least as many"):
        tuned(base, Situation(SOURCE, "dephasing", 8), 1, 1000)
