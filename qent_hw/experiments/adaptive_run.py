"""A run whose shots go where they tell most: measured in rounds, each state until its verdict is sure enough.

The rule is that of `verdicts.adaptive`, with the runcard's family, channel and device as its prior. In each round the
states that are still open are grouped by what they are measured in next, and the backend is asked for these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.injection import check_parts
from qent_hw.circuits.pubs import parts_of
from qent_hw.estimators.bayes import BayesEstimator
from qent_hw.estimators.limits_source import Source
from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.measuring import Asked, planned_pubs, sampled
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.runcard import Adaptive, Runcard
from qent_hw.hardware.simulators import Backend
from qent_hw.verdicts.adaptive import Decided, Rule, decide, totals
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior

NAME = "adaptive"


@dataclass(frozen=True)
class Rounds:
    """How an adaptive run goes at most: its rule; what the shots of a setting are a multiple of, parts; and the shots
    of a state after each round, totals, over all settings, the last of them as many as a fixed plan has."""

    rule: Rule
    parts: int
    totals: tuple[int, ...]

    @classmethod
    def of(cls, runcard: Runcard, choice: Adaptive) -> Rounds:
        """Those of a runcard.

        Raises
        ------
        InputError
            for shots that do not divide into the parts of a setting.
        """
        n_settings = len(runcard.settings)
        parts = parts_of(runcard.injection.kind, runcard.readout == "twirled")
        check_parts(runcard.shots, parts)
        rule = Rule(choice.error_rate, min(choice.first, runcard.shots), choice.growth, choice.spread)
        return cls(rule, parts, tuple(totals(rule, n_settings, runcard.shots * n_settings, parts)))

    @property
    def cap(self) -> int:
        """Shots that a state gets at most."""
        return self.totals[-1]

    def next_asked(self, decided: Decided) -> Asked | None:
        """What the round after those of `decided` asks for; None if all is decided, or as far as it may go."""
        states, done = decided.open, len(decided.rounds)
        if done == len(self.totals) or not len(states):
            return None
        return Asked(states, decided.next_shots(self.rule, self.totals[done], self.parts))


def adaptive_card(posterior: BayesEstimator) -> dict[str, Any]:
    """What the rule assumes, as a model card says it."""
    return {**posterior.card, "title": posterior.card["title"].replace("Bayes", "Adaptive shots: Bayes")}


def look_seeds(seed: np.random.SeedSequence) -> tuple[np.random.SeedSequence, np.random.SeedSequence]:
    """Seeds of the posterior's draws from the prior, and of what it samples when it looks."""
    pool, looks = seed.spawn(2)
    return pool, looks


def measure_adaptively(
    runcard: Runcard,
    choice: Adaptive,
    plan: Plan,
    source: Source,
    circuit: QuantumCircuit,
    backend: Backend,
    seeds: tuple[np.random.SeedSequence, np.random.SeedSequence],
    progress: Callable[[int, int], None],
) -> Decided:
    """Measure the states of `plan` until each is decided, or has had as many shots as a fixed plan would give it.

    Parameters
    ----------
    source
        where the rule takes the states to come from.
    circuit
        the transpiled template.
    seeds
        of the shots and of the posterior's samples.
    progress
        called with (circuits done, circuits in all if no state is decided from now on).

    Raises
    ------
    InputError
        for shots that do not divide into the parts of a setting.
    """
    rounds, settings = Rounds.of(runcard, choice), tuple(runcard.settings)
    rounds_left, finished = len(rounds.totals), 0
    of_pool, of_looks = look_seeds(seeds[1])

    def measure(states: NDArray[np.int64], shots: NDArray[np.int64]) -> NDArray[np.int64]:
        nonlocal rounds_left, finished
        rounds_left -= 1
        pubs = planned_pubs(runcard, plan, circuit, Asked(states, shots))
        total = finished + sum(pub.n_rows for pub in pubs) + len(states) * rounds.parts * rounds_left

        def done(circuits: int) -> None:
            nonlocal finished
            finished += circuits
            progress(finished, total)

        return sampled(pubs, backend, seeds[0].spawn(1)[0], (len(plan.psi), len(settings)), done)[states]

    posterior = AdaptivePosterior.of(source, settings, np.random.default_rng(of_pool))
    rng = np.random.default_rng(of_looks)
    decided = decide(posterior, rounds.rule, len(plan.psi), rounds.cap, measure, rng, rounds.parts)
    progress(finished, finished)
    return decided


def adaptive_figures(decided: Decided, rounds: Rounds, true_entangled: NDArray[np.bool_]) -> dict[str, Any]:
    """The block `adaptive` of `comparison.json`.

    Shots of a state over all settings, and looks: means with the standard error over states. Of the verdicts of either
    kind, and of the states of either kind, how many are wrong, with the binomial error that has one success and one
    failure added; None where there are none.
    """
    shots, n = decided.shots, len(decided.verdict)
    called = {name: decided.verdict == name for name in ("entangled", "separable")}
    truly = {"entangled": true_entangled, "separable": ~true_entangled}
    open_, cap, rule = len(decided.open), rounds.cap, rounds.rule
    mean, error = _mean(shots)
    looks, looks_error = _mean(decided.looks)
    return {
        "error_rate": rule.error_rate,
        "first": rule.first,
        "growth": rule.growth,
        "spread": rule.spread,
        "n_states": n,
        "shots_cap": cap,
        "shots_mean": mean,
        "shots_mean_se": error,
        "shots_median": float(np.median(shots)),
        "share_of_fixed": mean / cap,
        "share_of_fixed_se": error / cap,
        "decided": n - open_,
        "undecided": open_,
        "stopped_early": rounds.next_asked(decided) is not None,
        "looks_mean": looks,
        "looks_mean_se": looks_error,
        "errors": {f"called_{name}": _wrong(called[name], ~truly[name]) for name in called}
        | {f"truly_{name}": _wrong(truly[name], called[other]) for name, other in (_PAIR, _PAIR[::-1])},
        "rounds": [
            {
                "shots_total": one.total,
                "measured": one.measured,
                "called_entangled": one.entangled,
                "called_separable": one.separable,
            }
            for one in decided.rounds
        ],
    }


_PAIR = ("entangled", "separable")


def _mean(values: NDArray[np.int64]) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def _wrong(of: NDArray[np.bool_], where: NDArray[np.bool_]) -> dict[str, Any]:
    n, wrong = int(of.sum()), int((of & where).sum())
    rate, error = (wrong / n, share_error(wrong, n)) if n else (None, None)
    return {"n": n, "wrong": wrong, "rate": rate, "rate_se": error}


def adaptive_frame(
    decided: Decided, true_entangled: NDArray[np.bool_], true_concurrence: NDArray[np.float64]
) -> pd.DataFrame:
    """Rows of `estimates.parquet`: the posterior at each state's last look, and its verdict.

    The 68% interval of P(entangled) is no number: measuring stops by P itself, so that a repetition with the same shots
    is not what a repetition would be.
    """
    mean, low, high = decided.look.concurrence.T
    return pd.DataFrame(
        {
            "state": np.arange(len(mean)),
            "estimator": NAME,
            "p_entangled": decided.look.p,
            "p_entangled_low": np.nan,
            "p_entangled_high": np.nan,
            "concurrence": mean,
            "concurrence_low": np.minimum(low, mean),
            "concurrence_high": np.maximum(high, mean),
            "call": np.where(decided.look.p >= 0.5, "entangled", "separable"),
            "verdict": decided.verdict,
            "true_entangled": true_entangled,
            "true_concurrence": true_concurrence,
        }
    )


def with_adaptive(estimates: pd.DataFrame, rows: pd.DataFrame, verdict: NDArray[np.str_]) -> pd.DataFrame:
    """Rows of `adaptive_frame` below those of the estimators, with these verdicts, and with what is said of a state
    whoever judges it."""
    first = estimates.iloc[: len(rows)]
    shared = {name: first[name] for name in first.columns.difference(rows.columns)}
    return pd.concat([estimates, rows.assign(**shared, verdict=verdict)], ignore_index=True)
