from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qent_hw.errors import InputError
from qent_hw.physics import (
    ALL_SETTINGS,
    BELL_SETTINGS,
    FEATURES,
    Counts,
    features,
    features_from_counts,
    outcome_probabilities,
    sample_counts,
)

ONE_SHOT = np.array([[[1, 0, 0, 0], [0, 1, 0, 0]]])


def test_counts_hold_what_they_were_given() -> None:
    counts = Counts(["xa", "zz"], [[[5, 1, 2, 0], [0, 0, 0.0, 3.0]]])
    assert counts.settings == ("xa", "zz")
    assert counts.values.dtype == np.int64
    np.testing.assert_array_equal(counts.shots, [[8, 3]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        counts.settings = ("xa",)
    with pytest.raises(ValueError, match="read-only"):
        counts.values[0, 0, 0] = 1
    mine = ONE_SHOT.copy()
    held = Counts(("xa", "zz"), mine)
    mine[0, 0, 0] = 7
    assert held.values[0, 0, 0] == 1


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        (("xa", "xq"), ONE_SHOT, "setting 'xq' is unknown"),
        (("xa", "xa"), ONE_SHOT, "given 2 times"),
        (("xa",), ONE_SHOT, r"shape \(1, 2, 4\): must be \(n_states, 1, 4\)"),
        (("xa", "zz"), ONE_SHOT[0], r"shape \(2, 4\)"),
        (("xa", "zz"), -ONE_SHOT, r"counts\[0, 0, 0\] = -1"),
        (("xa", "zz"), ONE_SHOT * 0.5, r"counts\[0, 0, 0\] = 0\.5: must be a whole number"),
        (("xa", "zz"), ONE_SHOT * np.nan, r"= nan: must be a whole number"),
        (("xa", "zz"), ONE_SHOT.astype(str), "must be whole numbers"),
        (("xa", "zz"), np.array([[[1, 0, 0, 0]] * 2, [[1, 0, 0, 0], [0] * 4]]), "state 1, setting 'zz' hold no shot"),
    ],
)
def test_bad_counts_are_named(names, values, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Counts(names, values)


def test_sampling_shapes_and_shots(mixed) -> None:
    p = outcome_probabilities(mixed[:6], BELL_SETTINGS)
    rng = np.random.default_rng(1)
    for shots in (100, [10, 20, 30, 40], np.arange(1, 7)[:, None], np.arange(1, 25).reshape(6, 4)):
        counts = sample_counts(p, shots, rng)
        assert counts.shape == (6, 4, 4)
        assert counts.dtype == np.int64
        np.testing.assert_array_equal(counts.sum(axis=-1), np.broadcast_to(shots, (6, 4)))
    same = [sample_counts(p, 1000, np.random.default_rng(2)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    certain = sample_counts([1 + 1e-13, -1e-13, 0, 0], 50, rng)
    np.testing.assert_array_equal(certain, [50, 0, 0, 0])


@pytest.mark.parametrize(
    ("p", "shots", "message"),
    [
        ([0.5, 0.5, 0.1, -0.1], 10, r"^probabilities = \[0\.5, 0\.5, 0\.1, -0\.1\]"),
        ([[0.25] * 4, [0.3] * 4], 10, r"^probabilities\[1\]"),
        ([np.nan, 0, 0, 1], 10, "^probabilities"),
        ([0.5, 0.5], 10, r"shape \(2,\)"),
        ([0.25] * 4, 0, "^shots = 0: must be 1 or more"),
        ([[0.25] * 4] * 2, [5, -1], r"^shots\[1\] = -1"),
        ([0.25] * 4, 2.5, r"^shots = 2\.5: must be a whole number"),
        ([[0.25] * 4] * 2, [5, 5, 5], r"shots have shape \(3,\)"),
    ],
)
def test_bad_sampling_is_named(p, shots, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_counts(p, shots, np.random.default_rng(1))


def test_sampled_counts_follow_the_probabilities(mixed) -> None:
    """Pearson's χ² of 300 states x 9 settings, both tails (too even is wrong too): false-alarm rate 1e-6."""
    p = outcome_probabilities(mixed[:300], ALL_SETTINGS)
    counts = sample_counts(p, 20_000, np.random.default_rng(3))
    expected = 20_000 * p
    assert expected.min() > 5
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert 5e-7 < stats.chi2.sf(chi2, 300 * 9 * 3) < 1 - 5e-7


def test_features_from_counts_by_hand() -> None:
    counts = Counts(("xa", "xz"), [[[50, 20, 10, 20], [30, 30, 40, 100]]])
    values, errors = features_from_counts(counts, ["xa", "xz", "x1", "1a", "1z"])
    assert values[0] == pytest.approx([0.4, 0.3, (40 - 80) / 300, (60 - 40) / 100, (70 - 130) / 200])
    shots = np.array([100, 200, 300, 100, 200])
    assert errors[0] == pytest.approx(np.sqrt((1 - (values[0] * shots / (shots + 2)) ** 2) / (shots + 3)))
    assert errors[0] == pytest.approx(np.sqrt((1 - values[0] ** 2) / shots), rel=0.02)


def test_features_from_counts_tell_the_qubits_apart() -> None:
    """Only +-: qubit 1 is always up, qubit 2 always down."""
    values, _ = features_from_counts(Counts(("zz",), [[[0, 9, 0, 0]]]), ["zz", "z1", "1z"])
    np.testing.assert_array_equal(values, [[-1, 1, -1]])


def test_standard_errors_never_claim_certainty() -> None:
    for shots in (1, 10, 1000):
        _, errors = features_from_counts(Counts(("zz",), [[[shots, 0, 0, 0]]]), ["zz", "z1"])
        assert errors[0] == pytest.approx(2 * np.sqrt((shots + 1) / (shots + 3)) / (shots + 2))
    assert (errors > 1 / 1000).all()


def test_standard_error_is_the_posteriors() -> None:
    """A uniform prior on P(+1) and k of N successes give Beta(k+1, N-k+1); m = 2P - 1."""
    for k, n in [(0, 5), (3, 7), (90, 100), (100, 100)]:
        _, errors = features_from_counts(Counts(("zz",), [[[k, n - k, 0, 0]]]), ["zz"])
        assert errors[0, 0] == pytest.approx(2 * stats.beta(k + 1, n - k + 1).std())


def test_features_from_counts_are_unbiased_with_binomial_errors(mixed) -> None:
    """All fifteen features of 300 states, 2,000 shots a setting.

    χ² of the deviations over the exact binomial variance, each feature alone and both tails: 30 tails at 3e-8. The sum
    of the deviations, a bias, is held to 5.5 standard errors (15 x 4e-8). False-alarm rate together below 2e-6. The
    reported errors must match the exact ones, on average and for each state.
    """
    rho, shots = mixed[:300], 2_000
    counts = Counts(
        ALL_SETTINGS, sample_counts(outcome_probabilities(rho, ALL_SETTINGS), shots, np.random.default_rng(4))
    )
    values, errors = features_from_counts(counts, FEATURES)
    pooled = np.array([shots] * 9 + [3 * shots] * 6)
    exact = features(rho)
    sigma = np.sqrt((1 - exact**2) / pooled)
    z = (values - exact) / sigma
    for column in range(15):
        assert 3e-8 < stats.chi2.sf((z[:, column] ** 2).sum(), 300) < 1 - 3e-8
        assert abs(z[:, column].sum()) < 5.5 * np.sqrt(300)
    ratio = errors / sigma
    assert abs(ratio.mean() - 1) < 0.002
    assert np.abs(ratio - 1).max() < 0.1


def test_pooling_uses_every_setting_with_the_axis(mixed) -> None:
    p = outcome_probabilities(mixed[:5], BELL_SETTINGS)
    counts = Counts(BELL_SETTINGS, sample_counts(p, [100, 300, 50, 50], np.random.default_rng(5)))
    values, _ = features_from_counts(counts, ["x1", "1b"])
    x_shots = counts.values[:, :2].sum(axis=1)
    np.testing.assert_allclose(values[:, 0], x_shots @ [1, 1, -1, -1] / 400)
    b_shots = counts.values[:, [1, 3]].sum(axis=1)
    np.testing.assert_allclose(values[:, 1], b_shots @ [1, -1, 1, -1] / 350)


# A[measured, prepared] over ++, +-, -+, --: no product of two, and no two entries alike
MISREAD = np.array(
    [
        [0.955, 0.061, 0.082, 0.011],
        [0.024, 0.921, 0.014, 0.093],
        [0.017, 0.008, 0.899, 0.052],
        [0.004, 0.010, 0.005, 0.844],
    ]
)


def test_misreadings_are_undone_exactly_where_there_is_no_shot_noise(mixed) -> None:
    """Counts in the exact proportions of A @ probabilities; A's transpose or inverse in its place would be far off."""
    rho, shots = mixed[:50], 10**12
    told = outcome_probabilities(rho, ALL_SETTINGS) @ MISREAD.T
    counts = Counts(ALL_SETTINGS, np.round(told * shots))
    corrected, _ = features_from_counts(counts, FEATURES, MISREAD)
    np.testing.assert_allclose(corrected, features(rho), atol=1e-10)
    for wrong in (None, MISREAD.T / MISREAD.T.sum(axis=0), np.linalg.inv(MISREAD)):
        others, _ = features_from_counts(counts, FEATURES, wrong)
        assert np.abs(others - features(rho)).mean(axis=0).min() > 0.005


def test_the_first_sign_of_an_assignment_is_qubit_1() -> None:
    """Qubit 1 alone is misread, - as + one time in five: the state -- is told as +- so often."""
    assignment = np.kron([[1, 0.2], [0, 0.8]], np.eye(2))
    counts = Counts(("zz",), [[[0, 200, 0, 800]]])
    names = ["zz", "z1", "1z"]
    np.testing.assert_allclose(features_from_counts(counts, names, assignment)[0], [[1, -1, -1]])
    np.testing.assert_allclose(features_from_counts(counts, names)[0], [[0.6, -0.6, -1]])


def test_correction_is_unbiased_and_its_errors_are_right(mixed) -> None:
    """All fifteen features of 300 states, 2,000 shots a setting, by an asymmetric, correlated matrix.

    Pulls against the exact features of the states before they were misread: the sum of squares of each feature (30
    tails at 3e-8), and the sum held to 5.5 standard errors (15 x 4e-8): false-alarm rate together below 2e-6. Without
    the correction, or with errors as if nothing had been corrected, both fail.
    """
    rho, shots = mixed[:300], 2_000
    told = outcome_probabilities(rho, ALL_SETTINGS) @ MISREAD.T
    counts = Counts(ALL_SETTINGS, sample_counts(told, shots, np.random.default_rng(np.random.SeedSequence(6))))
    exact = features(rho)

    def fail(values, errors) -> tuple[int, int]:
        pulls = (values - exact) / errors
        spread = stats.chi2.sf((pulls**2).sum(axis=0), 300)
        biased = np.abs(pulls.sum(axis=0)) > 5.5 * np.sqrt(300)
        return int(((spread < 3e-8) | (spread > 1 - 3e-8)).sum()), int(biased.sum())

    values, errors = features_from_counts(counts, FEATURES, MISREAD)
    assert fail(values, errors) == (0, 0)
    plain, plain_errors = features_from_counts(counts, FEATURES)
    assert min(fail(plain, plain_errors)) > 10
    # the correction costs: errors are larger by what A⁻¹ makes of the noise (correlations of 9 settings: independent)
    alone = ["1" not in name for name in FEATURES]
    total = (((values - exact) / plain_errors)[:, alone] ** 2).sum()
    assert stats.chi2.sf(total, 300 * 9) < 1e-9
    assert np.all(errors.mean(axis=0) > 1.05 * plain_errors.mean(axis=0))


def test_correlated_errors_of_a_correction_by_hand() -> None:
    """One setting: the variance of w·f with w = A⁻ᵀ signs, in the multinomial of (counts + 1/2) / (N + 2)."""
    numbers, shots = np.array([50, 20, 10, 20]), 100
    values, errors = features_from_counts(Counts(("xa",), numbers[None, None]), ["xa", "1a"], MISREAD)
    smoothed = (numbers + 0.5) / (shots + 2)
    spread = (np.diag(smoothed) - np.outer(smoothed, smoothed)) / (shots + 3)
    inverse = np.linalg.inv(MISREAD)
    for column, signs in enumerate(([1, -1, -1, 1], [1, -1, 1, -1])):
        assert values[0, column] == pytest.approx(signs @ inverse @ numbers / shots)
        assert errors[0, column] ** 2 == pytest.approx(signs @ inverse @ spread @ inverse.T @ signs)


def test_a_perfect_readout_changes_nothing(mixed) -> None:
    counts = Counts(ALL_SETTINGS, sample_counts(outcome_probabilities(mixed[:20], ALL_SETTINGS), 50, rng(7)))
    for plain, corrected in zip(
        features_from_counts(counts, FEATURES), features_from_counts(counts, FEATURES, np.eye(4)), strict=True
    ):
        np.testing.assert_allclose(corrected, plain, atol=1e-15)


def test_quasi_probabilities_may_leave_the_range_of_averages() -> None:
    """Nothing is clipped or drawn anew: what is seen more rarely than it is misread comes out below zero."""
    values, errors = features_from_counts(Counts(("zz",), [[[1000, 0, 0, 0]]]), ["zz", "z1"], MISREAD)
    assert np.all(values > 1.02)
    assert np.all(errors > 0)


def rng(number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(number))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=36, max_size=36))
def test_features_from_any_counts_are_sane(numbers: list[int]) -> None:
    counts = Counts(ALL_SETTINGS, np.array(numbers).reshape(1, 9, 4) + np.eye(9, 4, dtype=int) + [0, 0, 0, 1])
    values, errors = features_from_counts(counts, FEATURES)
    assert (np.abs(values) <= 1).all()
    assert (errors > 0).all()
    assert (errors < 1).all()


def test_features_the_settings_do_not_give() -> None:
    counts = Counts(("xa", "zz"), ONE_SHOT)
    with pytest.raises(InputError, match="'y1' cannot be computed from the settings xa, zz: it needs ya or yb or yz"):
        features_from_counts(counts, ["x1", "y1"])
    with pytest.raises(InputError, match=r"'xb' cannot be computed .* it needs xb"):
        features_from_counts(counts, ["xb"])
    with pytest.raises(InputError, match="feature 'q1' is unknown"):
        features_from_counts(counts, ["q1"])
