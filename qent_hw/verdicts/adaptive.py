"""Measure in batches, and stop state by state as soon as the verdict is sure enough.

Called "entangled" is a state whose posterior probability P of being so has reached 1 − α, "separable" one whose P is
α or less; whoever is still between at the cap is "undecided". The posterior depends on the counts alone and not on why
measuring stopped (the stopping rule principle: Edwards, Lindman and Savage, Psychol. Rev. 70, 193 (1963)), so that of
the states called entangled a share of at most α is wrong however often one looks. That presupposes the prior: states
drawn from the family, parameters and p uniform, on a device that is as assumed. For a chosen state nothing is promised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from qent_hw.errors import InputError
from qent_hw.estimators.counts_posterior import FEWEST_SAMPLES
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior, Array, Look
from qent_hw.verdicts.decision import check_error_rate
from qent_hw.verdicts.next_setting import Spread, share_out

OPEN = "undecided"
# how likely P may be short of its threshold after all: a normal error has such a chance to be over one standard error
_SURE = 0.16
# from here on more samples will hardly put it beyond
_HOPELESS = 0.98

Measure = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
"""Counts (b, n_settings, 4) of some states, their places (b,), with shots (b, n_settings) of each."""


@dataclass(frozen=True)
class Rule:
    """When to stop, and how batches grow.

    error_rate: α, of either verdict. first: shots in every setting before the first look. growth: what each batch
    multiplies a state's total of shots by. spread: how a batch is spent, see `next_setting`.
    """

    error_rate: float = 0.01
    first: int = 16
    growth: float = 1.5
    spread: Spread = "most"

    def __post_init__(self) -> None:
        check_error_rate(self.error_rate)

    def verdicts(self, p: Array, effective: Array) -> NDArray[np.str_]:
        """'entangled', 'separable' or 'undecided': (n,) of probabilities p (n,) that rest on `effective` (n,) samples.

        The samples must put P beyond its threshold by a standard error of theirs: with the posterior of a share under
        Jeffreys' prior, at most 16% on the wrong side. Fewer than 30 effective samples decide nothing.
        """
        enough = effective >= FEWEST_SAMPLES
        entangled, separable = ((self._short(one, effective) <= _SURE) & enough for one in (p, 1 - p))
        return np.select([entangled, separable], ["entangled", "separable"], OPEN)

    def in_doubt(self, p: Array, effective: Array) -> NDArray[np.bool_]:
        """Whether a verdict may be had from more samples: (n,) bool, arguments as for `verdicts`."""
        short = self._short(np.maximum(p, 1 - p), effective)
        return ((short > _SURE) | (effective < FEWEST_SAMPLES)) & (short < _HOPELESS)

    def _short(self, p: Array, effective: Array) -> Array:
        """How likely a probability is to be below 1 − α, given samples of which a share p (n,) has it."""
        chance: Array = betainc(0.5 + effective * p, 0.5 + effective * (1 - p), 1 - self.error_rate)
        return chance


@dataclass(frozen=True)
class Round:
    """One round: shots of every state that was still open, in all up to here; how many states were measured, and how
    many of them the look that followed decided."""

    total: int
    measured: int
    entangled: int
    separable: int


@dataclass(frozen=True, eq=False)
class Decided:
    """What came of n states: counts (n, n_settings, 4), the last look at each and how many there were, looks (n,), its
    verdict (n,), and the rounds."""

    counts: NDArray[np.int64]
    look: Look
    looks: NDArray[np.int64]
    verdict: NDArray[np.str_]
    rounds: tuple[Round, ...]

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of every state, (n,)."""
        return self.counts.sum(axis=(1, 2))


def decide(
    posterior: AdaptivePosterior,
    rule: Rule,
    n: int,
    cap: int,
    measure: Measure,
    rng: np.random.Generator,
    parts: int = 1,
) -> Decided:
    """Measure n states until each is decided or has had `cap` shots.

    parts: what the shots of a setting must be a multiple of. `rng` is for the samples of the posterior.
    """
    n_settings = len(posterior.settings)
    counts = np.zeros((n, n_settings, 4), np.int64)
    last, looks = Look.empty(n, n_settings), np.zeros(n, np.int64)
    verdict = np.full(n, OPEN, dtype="<U9")
    rounds: list[Round] = []
    open_, total = np.arange(n), 0
    for reached in totals(rule, n_settings, cap, parts):
        if total == 0:
            shots = np.full((n, n_settings), reached // n_settings)
        else:
            told = last.told[open_]
            shots = share_out(reached - total, told, counts[open_].sum(axis=2), rule.spread, parts)
        total = reached
        counts[open_] += measure(open_, shots)
        look = posterior.look(counts[open_], rng, rule.in_doubt)
        last[open_], looks[open_] = look, looks[open_] + 1
        called = rule.verdicts(look.p, look.effective)
        verdict[open_] = called
        rounds.append(Round(total, len(open_), *(int((called == one).sum()) for one in ("entangled", "separable"))))
        open_ = open_[called == OPEN]
        if not len(open_):
            break
    return Decided(counts, last, looks, verdict, tuple(rounds))


def totals(rule: Rule, n_settings: int, cap: int, parts: int = 1) -> list[int]:
    """Shots of a state after each round, the last being `cap`: every round's are a multiple of `parts`, the first's of
    `parts` in every setting.

    Raises
    ------
    InputError
        for a cap that does not hold a first look, or does not divide.
    """
    least = n_settings * parts
    if cap < least or cap % parts:
        raise InputError(f"shots = {cap} in all: must be a multiple of {parts}, and {least} at least")
    found = [min(-(-rule.first // parts) * least, cap // least * least)]
    while found[-1] < cap:
        grown = int(found[-1] * rule.growth) // parts * parts
        found.append(min(max(grown, found[-1] + parts), cap))
    return found
