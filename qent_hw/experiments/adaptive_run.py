"""A run whose shots go where they tell most: measured in rounds, each state until its verdict is sure enough.

The rule is that of `verdicts.adaptive`, with the runcard's family, channel and device as its prior. In each round the
states that are still open are grouped by what they are measured in next, and the backend is asked for these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.injection import TWIRL_SIGNS, check_parts
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.readout_twirl import FLIPS
from qent_hw.estimators.limits_source import Source
from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.runcard import Adaptive, Runcard
from qent_hw.hardware.simulators import Backend
from qent_hw.verdicts.adaptive import OPEN, Decided, Rule, decide, totals
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior

NAME = "adaptive"


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
        for shots that do not divide into the parts of a twirl.
    """
    settings, n = tuple(runcard.settings), len(plan.psi)
    parts = (len(TWIRL_SIGNS) if runcard.injection.kind == "twirl" else 1) * (
        len(FLIPS) if runcard.readout == "twirled" else 1
    )
    check_parts(runcard.shots, parts)
    rule = Rule(choice.error_rate, min(choice.first, runcard.shots), choice.growth, choice.spread)
    cap = runcard.shots * len(settings)
    rounds_left, finished = len(totals(rule, len(settings), cap, parts)), 0
    pool_rng, rng = (np.random.default_rng(child) for child in seeds[1].spawn(2))

    def measure(states: NDArray[np.int64], shots: NDArray[np.int64]) -> NDArray[np.int64]:
        nonlocal rounds_left, finished
        rounds_left -= 1
        counts = np.zeros((len(states), len(settings), 4), np.int64)
        of_round = seeds[0].spawn(1)[0]
        for rows, columns, number in _groups(shots):
            chosen = states[rows]
            pubs = build_pubs(
                circuit,
                plan.psi[chosen],
                tuple(settings[k] for k in columns),
                number,
                runcard.injection.kind,
                channel=runcard.channel.kind,
                p=None if plan.p is None else plan.p[chosen],
                delay_dt=None if plan.delay_dt is None else plan.delay_dt[chosen],
                readout_twirl=runcard.readout == "twirled",
            )
            for pub, child in zip(pubs, of_round.spawn(len(pubs)), strict=True):
                counts[np.ix_(rows[pub.states], columns)] = backend.sample(pub, child, lambda _: None)
                finished += pub.n_rows
                progress(finished, finished + len(states) * parts * rounds_left)
        return counts

    posterior = AdaptivePosterior.of(source, settings, pool_rng)
    decided = decide(posterior, rule, n, cap, measure, rng, parts)
    progress(finished, finished)
    return decided


def _groups(shots: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
    """States and settings that get the same number of shots together: (rows, columns, number) of shots (b, k)."""
    found = []
    kinds, kind = np.unique(shots, axis=0, return_inverse=True)
    for number, one in enumerate(kinds):
        rows = np.flatnonzero(kind.ravel() == number)
        found += [(rows, np.flatnonzero(one == size), int(size)) for size in np.unique(one[one > 0])]
    return found


def adaptive_figures(decided: Decided, choice: Adaptive, cap: int, true_entangled: NDArray[np.bool_]) -> dict[str, Any]:
    """The block `adaptive` of `comparison.json`.

    Shots of a state over all settings, and looks: means with the standard error over states. Of the verdicts of either
    kind, and of the states of either kind, how many are wrong, with the binomial error that has one success and one
    failure added; None where there are none.
    """
    shots, n = decided.shots, len(decided.verdict)
    called = {name: decided.verdict == name for name in ("entangled", "separable")}
    truly = {"entangled": true_entangled, "separable": ~true_entangled}
    open_ = int((decided.verdict == OPEN).sum())
    mean, error = _mean(shots)
    looks, looks_error = _mean(decided.looks)
    return {
        "error_rate": choice.error_rate,
        "first": choice.first,
        "growth": choice.growth,
        "spread": choice.spread,
        "n_states": n,
        "shots_cap": cap,
        "shots_mean": mean,
        "shots_mean_se": error,
        "shots_median": float(np.median(shots)),
        "share_of_fixed": mean / cap,
        "share_of_fixed_se": error / cap,
        "decided": n - open_,
        "undecided": open_,
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
