"""An estimator made true for one experiment: what its figures meant for simulated states of the same kind.

The states, the device, the settings and the shots of an experiment are known beforehand, so it can be simulated, and
what an estimator says of simulated states be compared with what they are. From that follow P(entangled) (isotonic
regression: Zadrozny and Elkan, KDD 2002), the interval of the concurrence (see `belt`) and the verdict at a stated
error rate (see `decision`). All of it holds for states like the simulated ones, and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from qent_hw.errors import InputError
from qent_hw.estimators.estimates import Estimates, Estimator
from qent_hw.estimators.situation import Situation, measured
from qent_hw.estimators.sources import Drawn
from qent_hw.physics import Counts, concurrence, is_entangled
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.belt import FEWEST, Belt
from qent_hw.verdicts.decision import ENTANGLED, SEPARABLE, UNDECIDED, Scores, check_error_rate

STATES = 20_000
"""Simulated states, of which a quarter each way is enough for tails of 1%."""


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Simulated states of a situation with their counts: labels (n,), concurrences (n,)."""

    counts: Counts
    entangled: NDArray[np.bool_]
    concurrence: NDArray[np.float64]

    def first(self, n: int) -> Rehearsal:
        """The first `n` of them."""
        counts = Counts(self.counts.settings, self.counts.values[:n])
        return Rehearsal(counts, self.entangled[:n], self.concurrence[:n])


def rehearse(situation: Situation, n: int, seed: np.random.SeedSequence) -> Rehearsal:
    """`n` states of a situation, measured in its settings.

    Raises
    ------
    InputError
        for too few shots.
    """
    drawn = rehearsed_states(situation, n, seed)
    counts = measured(drawn, situation.settings, situation.shots, np.random.default_rng(fresh_seed(seed, 1)))
    return Rehearsal(counts, is_entangled(drawn.truth, validate=False), concurrence(drawn.truth, validate=False))


def rehearsed_states(situation: Situation, n: int, seed: np.random.SeedSequence) -> Drawn:
    """The states that `rehearse` measures."""
    return situation.states.draw(situation.channel, n, np.random.default_rng(fresh_seed(seed, 0)))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What an estimator's figures are worth.

    scores: of separable and entangled states, see `_score`; said, meant: (k,), scores and how often states with such
    a score are entangled, not decreasing; belt: of its concurrence, None where too few states are entangled, or
    separable, to tell.
    """

    scores: Scores
    said: NDArray[np.float64]
    meant: NDArray[np.float64]
    belt: Belt | None

    def probability(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) calibrated P(entangled) of scores (n,)."""
        return np.interp(score, self.said, self.meant)

    def estimates(self, found: Estimates) -> Estimates:
        """The same estimates, calibrated. The verdict is the two-way one, of P ≥ 1/2."""
        p, p_low, p_high = (
            self.probability(_score(one, found.concurrence))
            for one in (found.p_entangled, found.p_entangled_low, found.p_entangled_high)
        )
        low, high = found.concurrence_low, found.concurrence_high
        if self.belt is not None:
            low, high = self.belt.interval(found.concurrence)
        calls = np.where(p >= 0.5, ENTANGLED, SEPARABLE)
        return Estimates(p, p_low, p_high, found.concurrence, low, high, calls)

    def verdicts(self, found: Estimates, error_rate: float) -> NDArray[np.str_]:
        """(n,) three-way verdicts of the estimator's own, uncalibrated estimates."""
        score = _score(found.p_entangled, found.concurrence)
        return self.scores.decide(score, self.probability(score), error_rate)


def calibration_of(estimator: Estimator, rehearsal: Rehearsal, seed: np.random.SeedSequence) -> Calibration:
    """What the estimator's figures meant for the simulated states.

    Raises
    ------
    InputError
        where all of the states have the same label.
    """
    found, entangled = estimator.estimate(rehearsal.counts, seed), rehearsal.entangled
    n = len(entangled)
    if entangled.all() or not entangled.any():
        raise InputError(f"calibration: all {n} simulated states have the same label; there is nothing to tell apart")
    score = _score(found.p_entangled, found.concurrence)
    # one state on either side that was not seen: no share of n states says that something is certain
    edge = 1 / (n + 2)
    said, place, number = np.unique(score, return_inverse=True, return_counts=True)
    share = np.bincount(place, entangled) / number
    meant = isotonic_regression(share, weights=number).x
    return Calibration(
        Scores.of(score, entangled),
        said,
        np.clip(meant, edge, 1 - edge),
        Belt.of(found.concurrence, rehearsal.concurrence) if entangled.sum() >= FEWEST else None,
    )


def _score(p_entangled: NDArray[np.float64], concurrence: NDArray[np.float64]) -> NDArray[np.float64]:
    """What states are ordered by: P(entangled), and where that is all but 0 or 1, as an estimator made for another
    device often has it, the concurrence."""
    return p_entangled + 1e-3 * concurrence


def bayes_verdicts(found: Estimates, error_rate: float) -> NDArray[np.str_]:
    """(n,) three-way verdicts of a posterior: entangled where P ≥ 1 − α, separable where P ≤ α. Of states like those of
    the prior, at most a share α of either verdict is wrong: that is what a posterior means, and needs no simulation.
    """
    check_error_rate(error_rate)
    p = found.p_entangled
    return np.where(p >= 1 - error_rate, ENTANGLED, np.where(p <= error_rate, SEPARABLE, UNDECIDED))
