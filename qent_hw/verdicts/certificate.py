"""A certificate of entanglement from counts, at every number of shots and for any settings, without any family.

E = L(numerator) / sup L(separable states) is an e-value (universal inference: Wasserman, Ramdas and Balakrishnan, PNAS
117, 16880 (2020)): whatever separable state is measured, E has a mean of at most one, so that E ≥ 1/α happens with a
chance of at most α (Markov), and min(1, 1/E) is a p-value. The supremum is bounded from above by `separable_fit`, so
that no numerical error makes E too large. Two numerators:

* The family's: the mean of the likelihood over random states of a family after its channel (and on its device, or as a
  device reads them), see `family_numerator`. It needs no model to be valid, and has power where the state is like
  those of the family. Over a fixed pool alone (`pool_evidence`) it may also be looked at after every shot: for a fixed
  separable state L(pool) / L(state) is a martingale, and this E never exceeds it, so that E ≥ 1/α ever happens with
  a chance of at most α, whenever a sequential experiment stops.
* The split one: the counts are split at random into halves, which for given shots are independent; the state that fits
  one half best, with a little white noise so that nothing is impossible, is the numerator on the other half. Both ways
  round, and several splits, are averaged. It takes nothing but the counts, and is for a number of shots fixed before.

The mean of e-values is one: with a family, half of the weight is on each.

What is taken for granted: the axes of measurement and the readout matrix are as given, and shots are independent and
alike. What is not: how the state was prepared, what noise acted on it, or that it is of any family.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qent_hw.errors import InputError
from qent_hw.estimators.interior_point import Array
from qent_hw.estimators.tomography_born import Chances
from qent_hw.physics.counts import Counts
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.family_numerator import FamilyPool, family_mean, pool_mean
from qent_hw.verdicts.separable_fit import best_of_all, best_separable, chances_of, log_likelihood

SPLITS = 4
"""Random splits into halves: more of them even out the luck of the split, at as much more time each."""

_NOISE = 4.0  # over the shots of a half: share of white noise in the state that fits it


@dataclass(frozen=True, eq=False)
class Certificates:
    """What the counts of n states prove: natural logarithms of E, (n,)."""

    log_evidence: Array

    @property
    def log10_evidence(self) -> Array:
        """log10 E, (n,)."""
        return self.log_evidence / log(10)

    @property
    def p_value(self) -> Array:
        """(n,) min(1, 1/E): for a separable state below any α with a chance of at most α."""
        return np.exp(-np.maximum(self.log_evidence, 0.0))

    def certified(self, alpha: float) -> NDArray[np.bool_]:
        """(n,) whether entanglement is certified at confidence 1 − α. Raises `InputError` for an α that is none."""
        return self.log_evidence >= -log(check_alpha(alpha))


def certify(
    counts: Counts,
    seed: int | np.random.SeedSequence,
    assignment: NDArray[np.float64] | None = None,
    family: FamilyPool | None = None,
    splits: int = SPLITS,
) -> Certificates:
    """The evidence for entanglement in counts of any settings; see the module.

    Parameters
    ----------
    seed
        of everything random; to be chosen before the counts are seen.
    assignment
        (4, 4) A[measured, prepared] of ++, +−, −+, −−; None where nothing is misread.
    family
        a pool in the same settings in the same order, drawn without a look at the counts; None for no family.

    Raises
    ------
    InputError
        for a pool of other settings, or an assignment that is none.
    """
    if splits < 1:
        raise InputError(f"splits = {splits}: must be 1 or more")
    chances = chances_of(counts.settings, assignment)
    of_splits, of_family = map(np.random.default_rng, fresh_seed(seed).spawn(2))
    without = split_evidence(counts.values, chances, splits, of_splits)
    if family is None:
        return Certificates(without)
    return averaged(without, family_evidence(counts, chances, family, of_family))


def averaged(*log_evidence: Array) -> Certificates:
    """The mean of e-values of the same states, each of them log E (n,): an e-value again."""
    return Certificates(logsumexp(log_evidence, axis=0) - log(len(log_evidence)))


def family_evidence(counts: Counts, chances: Chances, family: FamilyPool, rng: np.random.Generator) -> Array:
    """log E (n,) of the family's numerator. Raises `InputError` for a pool of other settings."""
    _check_pool(family, counts)
    return family_mean(family, counts.values, rng) - best_separable(counts.values, chances).upper


def pool_evidence(counts: Counts, chances: Chances, family: FamilyPool) -> Array:
    """log E (n,) of a fixed pool's mean alone, which may be looked at after every shot; see the module.

    Raises `InputError` for a pool of other settings.
    """
    _check_pool(family, counts)
    return pool_mean(family, counts.values) - best_separable(counts.values, chances).upper


def split_evidence(values: NDArray[np.int64], chances: Chances, splits: int, rng: np.random.Generator) -> Array:
    """log E (n,) of counts (n, n_settings, 4), by random halves of each setting's shots; no family."""
    found = [one for _ in range(splits) for one in _both_ways(values, chances, rng)]
    mean: Array = logsumexp(found, axis=0) - log(len(found))
    return mean


def _both_ways(values: NDArray[np.int64], chances: Chances, rng: np.random.Generator) -> tuple[Array, Array]:
    halves = random_halves(values, rng)
    fits = [best_of_all(half, chances) for half in halves]
    first, second = (
        log_likelihood(half.reshape(len(half), -1), _with_noise(fit.averages, other, chances))
        - best_separable(half, chances).upper
        for half, fit, other in zip(halves, fits[::-1], halves[::-1], strict=True)
    )
    return first, second


def _with_noise(averages: Array, fitted: NDArray[np.int64], chances: Chances) -> Array:
    """The chances of outcomes in the state that fits a half, mixed with white noise."""
    shots = fitted.sum(axis=(1, 2))
    share = (_NOISE / (_NOISE + shots))[:, None]
    return chances((1 - share) * averages)


def random_halves(values: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts (n, n_settings, 4) as a random half of each setting's shots and the rest: as if measured one after the
    other. The odd shot goes to either with even chances."""
    shots = values.sum(axis=-1)
    drawn = (shots + rng.integers(0, 2, shots.shape)) // 2
    half, left = np.zeros_like(values), shots.copy()
    for outcome in range(values.shape[-1]):
        seen = values[..., outcome]
        left -= seen
        half[..., outcome] = rng.hypergeometric(seen, left, drawn)
        drawn = drawn - half[..., outcome]
    return half, values - half


def _check_pool(family: FamilyPool, counts: Counts) -> None:
    if family.settings != counts.settings:
        raise InputError(
            f"family: a pool in the settings {', '.join(family.settings)}; the counts are of "
            f"{', '.join(counts.settings)}"
        )


def check_alpha(alpha: float) -> float:
    """`alpha` if it is a chance of error strictly between 0 and 1, else `InputError`."""
    if not 0 < alpha < 1:
        raise InputError(f"alpha = {alpha:g}: the chance of a false certificate, between 0 and 1, such as 0.01")
    return alpha
