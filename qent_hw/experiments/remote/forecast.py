"""What an adaptive run will cost, before it is sent: the rule is rehearsed on some of its own states, simulated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.device_states import MeasuredStates
from qent_hw.experiments.remote.rounds import posterior_for, rounds_of
from qent_hw.experiments.remote.submission import Forecast, Submission, settled_record
from qent_hw.experiments.run import Seeds
from qent_hw.experiments.training_device import device_of_run
from qent_hw.hardware.jobs import MOST_EXECUTIONS, OVERHEAD_S
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.adaptive import decide, simulated

REHEARSED = 100
_REPETITIONS = 200
# no seed of a look is, as rounds are numbered from 1 and are far fewer
_SEED = 1_000_000
# how many numbers of shots, each of them a job, a round may have at most: portions of a batch that does not divide
_JOBS = {"most": 1, "even": 2, "shared": 8}


def forecast_of(submission: Submission) -> Forecast:
    """The forecast of an adaptive run of which the first round is planned.

    A shot is taken to last as long as one of the first round does on average, and a job to hold a round's shots of one
    number.
    """
    runcard, rounds = submission.runcard, rounds_of(submission)
    seed = fresh_seed(Seeds.of(runcard).looks, _SEED)
    of_states, of_shots, of_looks = (np.random.default_rng(child) for child in seed.spawn(3))
    posterior = posterior_for(submission)
    draw = simulated(_some(submission, of_states).probabilities(posterior.settings), of_shots)
    jobs: list[int] = []

    def measure(states: NDArray[np.int64], shots: NDArray[np.int64]) -> NDArray[np.int64]:
        jobs.append(len(np.unique(shots[shots > 0])))
        return draw(states, shots)

    decided = decide(posterior, rounds.rule, REHEARSED, rounds.cap, measure, of_looks, rounds.parts)
    n, most_rounds = len(submission.plan.psi), len(rounds.totals)
    executions = sum(pub.n_rows * pub.shots for pub in submission.pubs)
    of_all_s = n * (submission.cost.total_s - OVERHEAD_S * len(submission.jobs)) / executions
    most_jobs = len(submission.jobs) + _JOBS[rounds.rule.spread] * (most_rounds - 1)
    # what runs of n such states take: states that are drawn from the rehearsed ones, and these themselves drawn again
    jobs_after, taken = np.cumsum(jobs), np.empty(_REPETITIONS)
    for place in range(_REPETITIONS):
        chosen = of_looks.choice(of_looks.choice(REHEARSED, REHEARSED), n)
        rounds_taken = decided.looks[chosen].max()
        taken[place] = of_all_s * decided.shots[chosen].mean() + OVERHEAD_S * jobs_after[rounds_taken - 1]
    return Forecast(
        seconds=float(taken.mean()),
        seconds_sd=float(taken.std(ddof=1)),
        most_s=of_all_s * rounds.cap + OVERHEAD_S * most_jobs,
        fixed_s=of_all_s * rounds.cap + OVERHEAD_S * math.ceil(n * rounds.cap / MOST_EXECUTIONS),
        most_rounds=most_rounds,
        rehearsed=REHEARSED,
    )


def _some(submission: Submission, rng: np.random.Generator) -> MeasuredStates:
    """States of the plan, chosen at random, on the device as it was planned for."""
    runcard, plan = submission.runcard, submission.plan
    device = replace(device_of_run(runcard, submission.device, settled_record(submission)), spread=None)
    chosen = rng.choice(len(plan.psi), REHEARSED)
    name, values = ("p", plan.p) if plan.delay_dt is None else ("delay_dt", plan.delay_dt)
    assert values is not None
    return MeasuredStates(plan.truth[chosen], plan.psi[chosen], device, {name: values[chosen]})
