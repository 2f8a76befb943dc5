"""The rule of adaptive shots where what is right is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.verdicts.adaptive import Rule, totals
from qent_hw.verdicts.next_setting import information, share_out


def test_a_verdict_needs_p_beyond_its_threshold_by_the_error_of_its_samples():
    p = np.array([0.9999, 0.0001, 0.5, 0.992, 0.992, 0.008, 1.0, 1.0, 0.0])
    effective = np.array([5000, 5000, 5000, 300, 200_000, 200_000, 40, 20, 20])
    expected = ["entangled", "separable", "undecided", "undecided", "entangled", "separable", *["undecided"] * 3]
    assert Rule(0.01).verdicts(p, effective).tolist() == expected
    # 40 samples of one kind do for a rate of 10%; 20 never do
    assert Rule(0.1).verdicts(p, effective)[-3:].tolist() == ["entangled", "undecided", "undecided"]


@pytest.mark.parametrize("rate", [0.0, 0.5, -0.1, 1.0, float("nan")])
def test_an_error_rate_that_makes_no_sense_is_refused_in_one_line(rate):
    with pytest.raises(InputError, match=r"above 0 and below 0\.5") as caught:
        Rule(rate)
    assert "\n" not in str(caught.value)


def test_information_is_the_mutual_information_of_outcome_and_label():
    fair, sure, other = np.full(4, 0.25), np.eye(4)[0], np.eye(4)[1]
    half = np.array([0.5, 0.25, 0.125, 0.125])
    entangled, separable = np.stack([sure, fair, half])[None], np.stack([other, fair, fair])[None]
    told = information(np.array([0.5]), entangled, separable)[0]
    # one bit where the outcome gives the label away; nothing where it is the same for both
    assert told[:2] == pytest.approx([np.log(2), 0], abs=1e-15)

    def entropy(q):
        return -(q * np.log(q)).sum()

    for p in (0.1, 0.5, 0.9):
        told = information(np.array([p]), entangled, separable)[0]
        by_entropies = entropy(p * half + (1 - p) * fair) - p * entropy(half) - (1 - p) * entropy(fair)
        assert told[2] == pytest.approx(by_entropies, abs=1e-12)
    assert (information(np.array([0.0]), entangled, separable) == 0).all()
    assert (information(np.array([1.0]), entangled, separable) == 0).all()


def test_a_batch_goes_to_the_setting_that_tells_most_and_ties_to_the_one_measured_least():
    told = np.array([[0.0, 3, 1, 0], [0, 0, 0, 0], [2, 2, 0, 0]])
    measured = np.array([[9, 99, 9, 9], [50, 40, 30, 60], [70, 60, 1, 1]])
    most = share_out(40, told, measured, "most")
    assert most.tolist() == [[0, 40, 0, 0], [0, 0, 40, 0], [0, 40, 0, 0]]
    shared = share_out(40, told, measured, "shared")
    assert shared.tolist() == [[0, 30, 10, 0], [10, 10, 10, 10], [20, 20, 0, 0]]
    even = share_out(42, told, measured, "even")
    assert np.sort(even, axis=1).tolist() == [[10, 10, 11, 11]] * 3
    assert even[1].tolist() == [10, 11, 11, 10]


@pytest.mark.parametrize("spread", ["most", "shared", "even"])
def test_whatever_the_spread_every_state_gets_the_batch_in_whole_parts(spread):
    rng = np.random.default_rng(np.random.SeedSequence(3))
    told, measured = rng.random((50, 4)) ** 3, rng.integers(16, 900, (50, 4))
    for batch, parts in ((48, 1), (47, 1), (48, 4), (112, 16)):
        shots = share_out(batch, told, measured, spread, parts)
        assert (shots.sum(axis=1) == batch).all()
        assert (shots >= 0).all()
        assert (shots % parts == 0).all()


def test_rounds_grow_to_the_fixed_plans_total():
    assert totals(Rule(), 4, 16_384)[:4] == [64, 96, 144, 216]
    assert len(totals(Rule(), 4, 16_384)) == 15
    for parts in (1, 4, 16):
        found = totals(Rule(growth=1.05), 4, 4096, parts)
        assert found[-1] == 4096
        assert (np.diff(found) > 0).all()
        assert all(one % parts == 0 for one in found)
        assert found[0] % (4 * parts) == 0
    assert totals(Rule(), 4, 40) == [40]
    assert totals(Rule(), 4, 41) == [40, 41]
    with pytest.raises(InputError, match="shots = 3 in all"):
        totals(Rule(), 4, 3)
