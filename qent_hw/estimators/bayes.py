"""The Bayes posterior as an estimator: what the counts leave open of a random state of the family, on a known device.

Nothing can be more accurate on the average over such states than "entangled where P ≥ 1/2", or have a smaller squared
error than the posterior mean of the concurrence: it is what other estimators are measured by. That holds if the states
are of the family, p and parameters uniform, and the device is as assumed; otherwise it stays sure of itself and errs
(field-notes 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.circuits import Family
from qent_hw.estimators.card import assumed_of
from qent_hw.estimators.counts_posterior import FEWEST_SAMPLES, Samples, posterior_samples
from qent_hw.estimators.device_states import DeviceStates, TrainingDevice
from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.limits_source import Source, source_of
from qent_hw.estimators.needed import needed
from qent_hw.physics.counts import Counts
from qent_hw.seeds import fresh_seed

NAME = "bayes"
POOL = 1 << 17
_REPLICATES = 64


@dataclass(frozen=True)
class BayesEstimates(Estimates):
    """Estimates, and of each state how many independent posterior samples they are worth, (n_states,): Kish's number
    of weighted prior draws, or what the lineages of a population say, see `lineages.effective_by_lineage`."""

    effective_samples: NDArray[np.float64]

    @property
    def warning(self) -> str | None:
        """What to say where states rest on too few samples to be relied on, if any do."""
        poor = self.effective_samples < FEWEST_SAMPLES
        if not poor.any():
            return None
        return (
            f"the posterior of {poor.sum()} of {len(poor)} states was not resolved (fewer than {FEWEST_SAMPLES} "
            f"effective samples, down to {self.effective_samples.min():.1f}): these estimates are not the best possible"
        )


@dataclass(frozen=True)
class BayesEstimator:
    """Estimates by the posterior, given `settings`, of the states of `source` (see `limits_source.source_of`).

    pool: draws from the prior. card: what it assumes, as a model card says it.
    """

    source: Source
    settings: tuple[str, ...]
    pool: int = POOL
    name: str = NAME
    card: Mapping[str, Any] = field(default_factory=dict)

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> BayesEstimates:
        """Estimates for all states of `counts`; see `Estimates`.

        P(entangled) and concurrence are posterior means, the 90% interval of the concurrence holds the middle 90% of
        the posterior. The 68% interval of P(entangled) is a bootstrap: the shots are drawn anew 64 times from the
        measured frequencies, and the samples weighted anew. Shots may differ between states and settings.
        In other company or order a state meets other random numbers: its estimate then differs by about the error of a
        mean of `effective_samples`. Raises InputError where a setting is missing.
        """
        measured = needed(counts, self.settings, self.name).values
        values = measured.reshape(len(measured), -1).astype(np.float64)
        pool_rng, rng, again = map(np.random.default_rng, fresh_seed(seed).spawn(3))
        everything = np.eye(values.shape[1])
        columns = np.empty((6, len(values)))
        effective = np.empty(len(values))
        for found in posterior_samples(self.source, self.settings, everything, values, self.pool, pool_rng, rng):
            columns[:, found.rows] = _figures(found, measured[found.rows], again)
            effective[found.rows] = found.effective
        p, p_low, p_high, concurrence, c_low, c_high = columns
        return BayesEstimates(p, p_low, p_high, concurrence, c_low, c_high, verdicts(p), effective)


def bayes_for_device(family: Family, channel: str, device: TrainingDevice, settings: tuple[str, ...]) -> BayesEstimator:
    """The posterior for a family's states on a device whose parameters are taken as known.

    Raises
    ------
    InputError
        for a channel that the device's injection does not make.
    """
    known = replace(device, spread=None)
    card = {
        "title": f"Bayes posterior: {family.name} under {channel}",
        "assumes": assumed_of(known),
        "device": dict(known.facts),
    }
    return BayesEstimator(source_of(DeviceStates(family, known), channel), settings, card=card)


def _figures(found: Samples, counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(6, b): P(entangled) and its interval, concurrence and its interval."""
    p = (found.weights * found.entangled).sum(axis=1)
    concurrence = (found.weights * found.concurrence).sum(axis=1)
    p_low, p_high = _repeated(found, counts, rng)
    c_low, c_high = found.concurrence_between(0.05, 0.95)
    return np.stack([p, np.minimum(p_low, p), np.maximum(p_high, p), concurrence, c_low, c_high])


def _repeated(
    found: Samples, counts: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 16% and 84% quantiles of P(entangled) (b,) over repetitions of the measurement."""
    b, n_settings, _ = counts.shape
    totals = counts.sum(axis=-1)
    drawn = rng.multinomial(totals[:, None], (counts / totals[..., None])[:, None], (b, _REPLICATES, n_settings))
    change = (drawn - counts[:, None]).reshape(b, _REPLICATES, -1).astype(np.float32)
    with np.errstate(divide="ignore"):
        log_weights = np.log(found.weights).astype(np.float32)
    outcomes, entangled = found.logs.astype(np.float32), found.entangled.astype(np.float32)
    p = np.empty((b, _REPLICATES))
    # one at a time, which stays in cache
    for i in range(b):
        logs = change[i] @ outcomes[i].T + log_weights[i]
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        p[i] = (weights @ entangled[i]) / weights.sum(axis=1)
    low, high = np.quantile(p, (0.16, 0.84), axis=1)
    return low, high
