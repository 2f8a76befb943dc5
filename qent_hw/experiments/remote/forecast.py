"""What an adaptive run will cost, before it is sent: its rule rehearsed on simulated states of family and device."""

from __future__ import annotations

import math

import numpy as np

from qent_hw.experiments.chosen_estimators import situation_of
from qent_hw.experiments.remote.rounds import posterior_for, rounds_of
from qent_hw.experiments.remote.submission import Forecast, Submission, settled_record
from qent_hw.experiments.run import Seeds
from qent_hw.hardware.jobs import MOST_EXECUTIONS, OVERHEAD_S
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.adaptive import decide, simulated

REHEARSED = 100
# no seed of a look is, as rounds are numbered from 1 and are far fewer
_SEED = 1_000_000


def forecast_of(submission: Submission) -> Forecast:
    """The forecast of an adaptive run of which the first round is planned.

    A shot is taken to last as long as one of the first round does on average, and a round to have as many jobs as the
    first.
    """
    runcard, rounds = submission.runcard, rounds_of(submission)
    seed = fresh_seed(Seeds.of(runcard).looks, _SEED)
    of_states, of_shots, of_looks = (np.random.default_rng(child) for child in seed.spawn(3))
    assumed = situation_of(runcard, submission.plan, settled_record(submission), submission.device)
    drawn = assumed.states.draw(assumed.channel, REHEARSED, of_states)
    posterior = posterior_for(submission)
    measure = simulated(drawn.probabilities(posterior.settings), of_shots)
    decided = decide(posterior, rounds.rule, REHEARSED, rounds.cap, measure, of_looks, rounds.parts)
    n, shots, overhead_s = len(submission.plan.psi), decided.shots, OVERHEAD_S * len(submission.jobs)
    executions = sum(pub.n_rows * pub.shots for pub in submission.pubs)
    of_all_s = n * (submission.cost.total_s - overhead_s) / executions
    return Forecast(
        seconds=of_all_s * float(shots.mean()) + overhead_s * len(decided.rounds),
        seconds_se=of_all_s * float(shots.std(ddof=1)) / REHEARSED**0.5,
        most_s=of_all_s * rounds.cap + overhead_s * len(rounds.totals),
        fixed_s=of_all_s * rounds.cap + OVERHEAD_S * math.ceil(n * rounds.cap / MOST_EXECUTIONS),
        most_rounds=len(rounds.totals),
        rehearsed=REHEARSED,
    )
