"""From posterior samples to the Bayes limit: figures free of the bias of finite samples, with an error that covers it.

Every test state has k weighted posterior samples of (label, concurrence), from two independent groups of equal size.
* The rule of one group, scored by the other group's probabilities, scores too low: a rule from few samples errs.
* The mean of max(P, 1-P) scores too high: a noisy P looks sure of itself.
Both biases fall as 1/k, so each is extrapolated from k/2 and k, and half of what still separates the two is systematic
error. The test states' own labels then check the whole: a posterior that is sure and wrong is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Posterior:
    """Test states and what an observation of each leaves open.

    weights (n, k), each row summing to one, entangled (n, k) bool, concurrence (n, k): the samples, the order of which
    carries no meaning; true_entangled (n,), true_concurrence (n,): the states that made the observations. effective
    (n,): how many independent samples they are worth, where the weights alone do not say.
    """

    weights: NDArray[np.float64]
    entangled: NDArray[np.bool_]
    concurrence: NDArray[np.float64]
    true_entangled: NDArray[np.bool_]
    true_concurrence: NDArray[np.float64]
    effective: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Figure:
    """A limit: the value and its standard error (statistical and systematic together); `achieved`: what the posterior
    rule itself scores on the test states' true values, a lower bound on average, and its statistical error."""

    value: float
    error: float
    achieved: float
    achieved_error: float


def effective_samples(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kish's effective number of samples of each row: weights (n, k) -> (n,)."""
    total: NDArray[np.float64] = weights.sum(axis=1) ** 2 / np.maximum((weights**2).sum(axis=1), 1e-300)
    return total


def accuracy_limit(posterior: Posterior) -> Figure:
    """The share of right labels of the Bayes rule "entangled if P >= 1/2"."""
    quarters = [_probability(posterior, part, 4) for part in range(4)]
    halves = [_probability(posterior, part, 2) for part in range(2)]
    whole = _probability(posterior, 0, 1)
    low_half = np.mean([_scored(quarters[a], quarters[b]) for a in range(4) for b in range(4) if a != b], axis=0)
    low_whole = np.mean([_scored(halves[0], halves[1]), _scored(halves[1], halves[0])], axis=0)
    low = 2 * low_whole - low_half
    high = 2 * np.maximum(whole, 1 - whole) - np.mean([np.maximum(p, 1 - p) for p in halves], axis=0)
    middle = (low + high) / 2
    # The rule of all k samples misses the limit by half of what the rule of k/2 does.
    expected = (middle + low_whole) / 2
    right = (whole >= 0.5) == posterior.true_entangled
    return _figure(middle, np.abs(high.mean() - low.mean()) / 2, right.astype(np.float64), expected)


def r2_limit(posterior: Posterior) -> Figure:
    """R² of the posterior mean of the concurrence: one minus the mean posterior variance over the prior's variance."""
    weights, values, truth = posterior.weights, posterior.concurrence, posterior.true_concurrence
    mean = (weights * values).sum(axis=1)
    share = (weights**2).sum(axis=1)
    spread = (weights * (values - mean[:, None]) ** 2).sum(axis=1)
    # k equal samples: k/(k-1) makes the variance unbiased, and a mean of k misses by (k+1)/k of it.
    variance = spread / np.maximum(1 - share, 0.05)
    missed = (truth - mean) ** 2 / (1 + share)
    total = float(np.var(truth))
    if total == 0:
        return Figure(1.0, 0.0, 1.0, 0.0)
    deviation = (truth - truth.mean()) ** 2
    # Both limits are ratios to the sample's own variance: linearise it, so that the errors share its noise.
    claimed = 1 - variance / total + variance.mean() / total**2 * (deviation - total)
    reached = 1 - missed / total + missed.mean() / total**2 * (deviation - total)
    few = float(np.mean(spread * share) / total)
    return _figure(claimed, few, reached, claimed)


def _figure(
    value: NDArray[np.float64], systematic: float, achieved: NDArray[np.float64], expected: NDArray[np.float64]
) -> Figure:
    """Mean of per-state values (n,) with its error; `achieved` and `expected` (n,) should have the same mean."""
    n = len(value)
    gap, gap_error = float(np.mean(expected - achieved)), float(np.std(expected - achieved) / np.sqrt(n))
    # A gap within two errors is noise; what exceeds it says that the posterior is off by that much.
    excess = max(0.0, abs(gap) - 2 * gap_error)
    error = float(np.sqrt(np.var(value) / n + systematic**2 + excess**2))
    return Figure(float(value.mean()), error, float(achieved.mean()), float(np.std(achieved) / np.sqrt(n)))


def _probability(posterior: Posterior, part: int, parts: int) -> NDArray[np.float64]:
    """P(entangled) (n,) from every `parts`-th sample; one half where that part has no weight."""
    weights = posterior.weights[:, part::parts]
    total = weights.sum(axis=1)
    chance = (weights * posterior.entangled[:, part::parts]).sum(axis=1)
    result: NDArray[np.float64] = np.where(total > 0, chance / np.maximum(total, 1e-300), 0.5)
    return result


def _scored(rule: NDArray[np.float64], probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance (n,) that the verdict of `rule` is right, judged by independent probabilities."""
    result: NDArray[np.float64] = np.where(rule >= 0.5, probability, 1 - probability)
    return result
