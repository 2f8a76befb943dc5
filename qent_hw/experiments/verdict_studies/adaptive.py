"""What adaptive shots save, and whether the error rates hold: simulated experiments by the rule of `verdicts.adaptive`,
beside a fixed plan whose posterior is asked once, at the same thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qent_hw.errors import InputError
from qent_hw.estimators.bayes import BayesEstimator
from qent_hw.estimators.catalogue import make_estimator
from qent_hw.estimators.situation import Situation, shared_out
from qent_hw.experiments.study.card import Case
from qent_hw.experiments.study.cases import World
from qent_hw.experiments.verdict_studies.adaptive_figures import draw_decided, draw_errors, draw_shots
from qent_hw.experiments.verdict_studies.adaptive_rows import CHOSEN, EVEN, FIXED, LOOSER, MATCHED, OFTEN, row_of
from qent_hw.experiments.verdict_studies.adaptive_words import sentences
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import plain_style
from qent_hw.physics import is_entangled
from qent_hw.verdicts.adaptive import OPEN, Decided, Measure, Rule, decide, simulated
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior

_DOUBLINGS = 4

Rate = Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)]
States = Annotated[int, Field(ge=20, le=1_000_000, strict=True)]
Growth = Annotated[float, Field(ge=1.05, le=100, allow_inf_nan=False)]


class Options(BaseModel):
    """error_rates: of either verdict. states: of each case. first, growth: as a runcard's section `adaptive` has them.

    often: growth of batches where there are more looks, on cases without a device; these also have a fixed plan whose
    thresholds are as loose as it takes to decide as many states as the adaptive one does, of as many shots as it takes
    to be wrong as rarely. matched_states: the first so many are also measured by fixed plans of 2, 4, … times the
    shots, until as many are decided at the same thresholds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    error_rates: Annotated[list[Rate], Field(min_length=1)] = [0.01]
    states: States = 2000
    first: Annotated[int, Field(ge=1, strict=True)] = 16
    growth: Growth = 1.5
    often: Growth = 1.15
    matched_states: States = 500


def perform(
    case: Case, world: World, shots: int, options: Options, seed: np.random.SeedSequence
) -> list[dict[str, Any]]:
    """A row of each way to spend shots, at each error rate, `shots` being the cap; all of them on the same states.

    Raises
    ------
    InputError
        for states that have no posterior here, or too few shots.
    """
    settings = tuple(case.settings)
    estimator = make_estimator("bayes", Situation(world.assumed, case.channel, shots, settings))
    if not isinstance(estimator, BayesEstimator):
        raise InputError(f"case {case.name!r}: has no posterior to go by")
    of_states, of_pool, of_shots, of_looks = seed.spawn(4)
    drawn = world.actual.draw(case.channel, options.states, np.random.default_rng(of_states))
    posterior = AdaptivePosterior.of(estimator.source, settings, np.random.default_rng(of_pool))
    truth = is_entangled(drawn.truth, validate=False)
    trial = _Trial(posterior, drawn.probabilities(settings), truth, shots, of_shots, of_looks)
    rows = []
    for rate in options.error_rates:
        rule = Rule(rate, options.first, options.growth)
        chosen = trial.adaptive(rule)
        ways = {CHOSEN: chosen, EVEN: trial.adaptive(replace(rule, spread="even"))}
        if case.device is None:
            ways[OFTEN] = trial.adaptive(replace(rule, growth=options.often))
        ways[FIXED] = trial.fixed(rule, shots, options.states)
        rows += [row_of(way, rate, done, truth, shots) for way, done in ways.items()]
        if case.device is None:
            rows.append(_looser(trial, rule, chosen, ways[FIXED]))
        rows.append(_matched(trial, rule, chosen, ways[FIXED], min(options.matched_states, options.states)))
    return rows


@dataclass(frozen=True, eq=False)
class _Trial:
    """States that are measured again and again, each time with the same dice: probabilities (n, n_settings, n_parts, 4)
    of outcomes, labels (n,), the shots of the fixed plan, and seeds of shots and looks."""

    posterior: AdaptivePosterior
    probabilities: NDArray[np.float64]
    truth: NDArray[np.bool_]
    cap: int
    of_shots: np.random.SeedSequence
    of_looks: np.random.SeedSequence

    def adaptive(self, rule: Rule) -> Decided:
        """By the rule, up to the cap."""
        parts, rng = self.probabilities.shape[2], np.random.default_rng(self.of_looks)
        return decide(self.posterior, rule, len(self.truth), self.cap, self._measure(), rng, parts)

    def fixed(self, rule: Rule, total: int, n: int) -> Decided:
        """A plan of `total` shots for each of the first n states, evenly over the settings, asked once."""
        shots = np.broadcast_to(shared_out(total, self.posterior.settings), (n, len(self.posterior.settings)))
        counts = self._measure()(np.arange(n), shots)
        look = self.posterior.look(counts, np.random.default_rng(self.of_looks), rule.in_doubt)
        return Decided(counts, look, np.ones(n, np.int64), rule.verdicts(look.p, look.effective), ())

    def _measure(self) -> Measure:
        return simulated(self.probabilities, np.random.default_rng(self.of_shots))


def _matched(trial: _Trial, rule: Rule, chosen: Decided, fixed: Decided, n: int) -> dict[str, Any]:
    """The fixed plan that decides as many of the first n states as the adaptive one: its shots between two powers of
    two by a straight line over their logarithm, its verdicts those of the greater one; shots are no number where 16
    times the cap is too few."""
    plan = Decided(fixed.counts[:n], fixed.look[np.arange(n)], fixed.looks[:n], fixed.verdict[:n], ())
    lacking, shots, error = _lacking(plan, chosen), float(trial.cap), 0.0
    for doubling in range(1, _DOUBLINGS + 1):
        if lacking[0] <= 0:
            break
        plan = trial.fixed(rule, trial.cap << doubling, n)
        left = _lacking(plan, chosen)
        gained = lacking[0] - left[0]
        if left[0] <= 0:
            shots = trial.cap * 2 ** (doubling - 1 + lacking[0] / gained)
            # the difference in what is decided has an error, either end's about the same
            error = shots * np.log(2) * max(lacking[1], left[1]) / gained
        lacking = left
    if lacking[0] > 0:
        shots = error = np.nan
    row = row_of(MATCHED, rule.error_rate, plan, trial.truth[:n], trial.cap)
    return row | _of_shots(shots, error, trial.cap)


def _looser(trial: _Trial, rule: Rule, chosen: Decided, fixed: Decided) -> dict[str, Any]:
    """The fixed plan that decides as many states as the adaptive one, those whose label is least in doubt, and is wrong
    as rarely, as the posterior expects: its shots between two halvings of the cap by a straight line over logarithms,
    its verdicts those of the greater one; shots are no number where the cap is too few."""
    n, shots, error = len(trial.truth), np.nan, np.nan
    wanted, uncertain = _expected_wrong(chosen, chosen.verdict != OPEN)
    plan, before = fixed, np.nan
    least = 4 * len(trial.posterior.settings)
    for halving in range((trial.cap // least).bit_length()):
        here = fixed if halving == 0 else trial.fixed(rule, trial.cap >> halving, n)
        sure = np.zeros(n, bool)
        sure[np.argsort(_doubt(here), kind="stable")[: (chosen.verdict != OPEN).sum()]] = True
        wrong, by = _expected_wrong(here, sure)
        if wrong > wanted:
            slope = np.log(wrong / before)
            shots = (trial.cap >> halving) * 2 ** (np.log(wrong / wanted) / slope)
            error = shots * np.log(2) * np.hypot(uncertain, by) / slope
            break
        called = np.where(here.look.p >= 0.5, "entangled", "separable")
        plan, before = replace(here, verdict=np.where(sure, called, OPEN)), wrong
    row = row_of(LOOSER, rule.error_rate, plan, trial.truth, trial.cap)
    return row | _of_shots(shots, error, trial.cap)


def _doubt(done: Decided) -> NDArray[np.float64]:
    return np.minimum(done.look.p, 1 - done.look.p)


def _expected_wrong(done: Decided, which: NDArray[np.bool_]) -> tuple[float, float]:
    """How many of these verdicts are wrong by the posterior, and the relative standard error of that."""
    doubt = _doubt(done)[which]
    return float(doubt.sum()), float(doubt.std() * np.sqrt(len(doubt)) / doubt.sum())


def _of_shots(shots: float, error: float, cap: int) -> dict[str, float]:
    """The columns of a plan that spends the same on every state."""
    return {
        "shots_mean": shots,
        "shots_mean_se": error,
        "share": shots / cap,
        "share_se": error / cap,
        "shots_easy_half": shots,
        "shots_easy_half_se": error,
    }


def _lacking(plan: Decided, chosen: Decided) -> tuple[float, float]:
    """By how much the share of decided states is below the other way's on the same states, and its standard error."""
    n = len(plan.verdict)
    less = (chosen.verdict[:n] != OPEN).astype(float) - (plan.verdict != OPEN)
    return float(less.mean()), float(less.std() / np.sqrt(n))


def figures(frame: pd.DataFrame) -> dict[str, Picture]:
    """Shots of either way against the cap, what is decided after how many, and the error rates."""
    with plain_style():
        return {"shots": draw_shots(frame), "decided": draw_decided(frame), "errors": draw_errors(frame)}


def claims(frame: pd.DataFrame) -> list[str]:
    """What came out, in sentences."""
    return sentences(frame)
