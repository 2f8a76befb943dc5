"""Measure in batches, and stop state by state as soon as the verdict is sure enough.

Called "entangled" is a state whose posterior probability P of being so has reached 1 − α, "separable" one whose P is
α or less; whoever is still between at the cap is "undecided". The posterior depends on the counts alone and not on why
measuring stopped (the stopping rule principle: Edwards, Lindman and Savage, Psychol. Rev. 70, 193 (1963)), so that of
the states called entangled a share of at most α is wrong however often one looks. That presupposes the prior: states
drawn from the family, parameters and p uniform, on a device that is as assumed. For a chosen state nothing is promised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from qent_hw.errors import InputError
from qent_hw.estimators.counts_posterior import FEWEST_SAMPLES
from qent_hw.physics.counts import evenly, sample_counts
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
    """What came of n states so far: counts (n, n_settings, 4), the last look at each and how many there were, looks
    (n,), its verdict (n,), and the rounds."""

    counts: NDArray[np.int64]
    look: Look
    looks: NDArray[np.int64]
    verdict: NDArray[np.str_]
    rounds: tuple[Round, ...]

    @classmethod
    def nothing(cls, n: int, n_settings: int) -> Decided:
        """Before anything is measured."""
        counts, look = np.zeros((n, n_settings, 4), np.int64), Look.empty(n, n_settings)
        return cls(counts, look, np.zeros(n, np.int64), np.full(n, OPEN, dtype="<U9"), ())

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of every state, (n,)."""
        return self.counts.sum(axis=(1, 2))

    @property
    def open(self) -> NDArray[np.int64]:
        """The places of the states that are undecided."""
        return np.flatnonzero(self.verdict == OPEN)

    def next_shots(self, rule: Rule, total: int, parts: int = 1) -> NDArray[np.int64]:
        """Shots of each open state in each setting, (n_open, n_settings), with which it has `total` in all.

        parts: what the shots of a setting must be a multiple of.
        """
        states, n_settings = self.open, self.counts.shape[1]
        if not self.rounds:
            return np.full((len(states), n_settings), total // n_settings)
        batch, measured = total - self.rounds[-1].total, self.counts[states].sum(axis=2)
        return share_out(batch, self.look.told[states], measured, rule.spread, parts)

    def seen(
        self, states: NDArray[np.int64], counts: NDArray[np.int64], look: Look, called: NDArray[np.str_], total: int
    ) -> Decided:
        """After a round in which `states` got to `total` shots: `counts` (len(states), n_settings, 4) are all of
        theirs, `look` and `called` (len(states),) what was then known and said of them."""
        everything = np.arange(len(self.verdict))
        now = Decided(self.counts.copy(), self.look[everything], self.looks.copy(), self.verdict.copy(), self.rounds)
        now.counts[states], now.look[states], now.verdict[states] = counts, look, called
        now.looks[states] += 1
        entangled, separable = (int((called == one).sum()) for one in ("entangled", "separable"))
        return replace(now, rounds=(*self.rounds, Round(total, len(states), entangled, separable)))


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
    decided = Decided.nothing(n, len(posterior.settings))
    for total in totals(rule, len(posterior.settings), cap, parts):
        states = decided.open
        counts = decided.counts[states] + measure(states, decided.next_shots(rule, total, parts))
        look = posterior.look(counts, rng, rule.in_doubt)
        decided = decided.seen(states, counts, look, rule.verdicts(look.p, look.effective), total)
        if not len(decided.open):
            break
    return decided


def simulated(probabilities: Array, rng: np.random.Generator) -> Measure:
    """Measures states by drawing their counts: probabilities (n, n_settings, n_parts, 4) of outcomes, the shots of a
    setting shared out evenly over its parts."""
    parts = probabilities.shape[2]

    def measure(states: NDArray[np.int64], shots: NDArray[np.int64]) -> NDArray[np.int64]:
        counts = np.zeros((*shots.shape, 4), np.int64)
        asked = shots > 0
        counts[asked] = sample_counts(probabilities[states][asked], evenly(shots[asked], parts), rng).sum(axis=1)
        return counts

    return measure


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
