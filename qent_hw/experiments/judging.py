"""What a run says of its states: calibrated estimates, verdicts at an error rate, and whether the counts fit at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.estimators import Estimates, Estimator, NeuralEstimator
from qent_hw.estimators.bayes import BayesEstimates
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import state_source
from qent_hw.experiments.comparison import share_error
from qent_hw.physics import Counts, sample_counts
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.alarm import alarm_of
from qent_hw.verdicts.calibration import (
    Calibration,
    Rehearsal,
    bayes_verdicts,
    calibration_of,
    rehearse,
    rehearsed_states,
)
from qent_hw.verdicts.certificate import certify
from qent_hw.verdicts.decision import ENTANGLED, ERROR_RATE, FALSE_ALARMS, SEPARABLE, UNDECIDED, WITHHELD
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.quality import error_rates
from qent_hw.verdicts.reach import Reach, reach

# simulated states: for networks; for estimators that take a thousand times longer; and for the alarm
_QUICK, _SLOW, _NULL = 20_000, 1500, 1000
# random states that tell what settings can certify
_LOOKED_AT = 400
# of what is simulated: the same whoever asks, so that judgements are
_SEED = fresh_seed(20241021, 7)
_REHEARSAL, _SHOTS, _ALARM, _CERTIFICATE, _ESTIMATORS = 0, 1, 2, 3, 5


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is certified without the family, at confidence 1 − error rate: reach, what the settings can certify of the
    family's entangled states at all; certified (n,), of the states measured, None where the reach is nothing."""

    reach: Reach
    certified: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of n states.

    Attributes
    ----------
    estimates, verdicts
        of each estimator: calibrated estimates; `entangled`, `separable`, `undecided`, or `withheld` where the alarm
        fired, (n,).
    calibrated
        of each estimator, on how many simulated states; 0 where it speaks for itself.
    fit_p
        (n,) how often counts fit the family and the device no better although all is as assumed; None where that could
        not be tested.
    error_rate, alarm_rate
        of verdicts on each side, and of false alarms.
    notes
        what could not be done, in words.
    certificate
        what the counts prove without the family; None where nothing is known of it.
    """

    estimates: Mapping[str, Estimates]
    verdicts: Mapping[str, NDArray[np.str_]]
    calibrated: Mapping[str, int]
    fit_p: NDArray[np.float64] | None
    error_rate: float
    alarm_rate: float
    notes: tuple[str, ...]
    certificate: Certificate | None = None

    @property
    def fired(self) -> NDArray[np.bool_] | None:
        """(n,) where the alarm fired; None where there is none."""
        return None if self.fit_p is None else self.fit_p <= self.alarm_rate


def judge(
    estimators: Sequence[Estimator],
    results: Mapping[str, Estimates],
    measured: Counts,
    situation: Situation | None,
    error_rate: float,
    alarm_rate: float,
) -> Judgement:
    """What is to be said of the states of `measured`, given what the estimators say of them.

    situation: what is assumed of states and device; its settings and shots are taken from the counts. None where
    nothing is known, and nothing can be simulated.
    """
    notes: list[str] = []
    rehearsal = fit_p = certificate = None
    if situation is not None:
        try:
            told = replace(situation, settings=measured.settings, shots=int(measured.shots[0].sum()))
            rehearsal = _rehearsed(told, measured.shots)
            alarm = alarm_of(told, rehearsal.first(_NULL).counts, _child(_ALARM))
            fit_p = alarm.p_values(measured, _child(_ALARM))
            certificate = _certificate(told, measured, error_rate)
        except InputError as error:
            notes.append(f"the experiment could not be simulated: {error}")
    else:
        notes.append("states and device are not known here, so that verdicts are neither calibrated nor checked")
    estimates, verdicts, calibrated = {}, {}, {}
    for place, estimator in enumerate(estimators):
        found = results[estimator.name]
        known, calibrated[estimator.name] = None, 0
        if rehearsal is not None and not isinstance(found, BayesEstimates):
            n = _QUICK if isinstance(estimator, NeuralEstimator) else _SLOW
            try:
                known = calibration_of(estimator, rehearsal.first(n), _child(_ESTIMATORS + place))
                calibrated[estimator.name] = n
            except InputError as error:
                notes.append(f"{estimator.name}: {error}")
        estimates[estimator.name] = found if known is None else _keeping(found, known.estimates(found))
        verdicts[estimator.name] = _verdicts(found, known, error_rate)
    judged = Judgement(estimates, verdicts, calibrated, fit_p, error_rate, alarm_rate, tuple(notes), certificate)
    return replace(judged, verdicts={name: withheld(one, judged.fired) for name, one in verdicts.items()})


def judge_alone(estimator: NeuralEstimator, measured: Counts, seed: int, error_rate: float = ERROR_RATE) -> Judgement:
    """What a model says of anyone's counts, given what it was trained for; a device that it was trained for is not
    known well enough from its card to be simulated."""
    model = estimator.model
    states = None if "device" in model.card else state_source(model.family)
    situation = None if states is None else Situation(states, model.channel, int(measured.shots[0].sum()))
    results = {estimator.name: estimator.estimate(measured, seed)}
    return judge([estimator], results, measured, situation, error_rate, FALSE_ALARMS)


def withheld(verdict: NDArray[np.str_], fired: NDArray[np.bool_] | None) -> NDArray[np.str_]:
    """Verdicts (n,), but for the states whose alarm fired."""
    return verdict if fired is None else np.where(fired, WITHHELD, verdict)


def verdict_figures(verdict: NDArray[np.str_], entangled: NDArray[np.bool_]) -> dict[str, Any]:
    """The block `verdicts` of an estimator in `comparison.json`: how many of each, and shares of false ones with their
    binomial errors; None where there is nothing to be a share of."""
    found: dict[str, Any] = {name: int((verdict == name).sum()) for name in (ENTANGLED, SEPARABLE, UNDECIDED, WITHHELD)}
    for name, (share, n) in error_rates(verdict, entangled).items():
        if name != "undecided":
            found[name] = share if n else None
            found[f"{name}_se"] = share_error(share * n, n) if n else None
    return found


def alarm_figures(judged: Judgement) -> dict[str, Any]:
    """The block `alarm` of `comparison.json`; empty where there is no alarm."""
    if judged.fired is None:
        return {}
    fired, n = int(judged.fired.sum()), len(judged.fired)
    return {
        "alarm": {
            "rate": judged.alarm_rate,
            "fired": fired,
            "n_states": n,
            "share": fired / n,
            "share_se": share_error(fired, n),
            "simulated": _NULL,
        }
    }


def certificate_figures(judged: Judgement, entangled: NDArray[np.bool_]) -> dict[str, Any]:
    """The block `certificate` of `comparison.json`: `reach`, the share of the family's entangled states that such
    settings can certify with enough shots; certified states, and how many of them are not entangled; empty where there
    is none."""
    if judged.certificate is None:
        return {}
    reach_, certified = judged.certificate.reach, judged.certificate.certified
    block: dict[str, Any] = {
        "confidence": 1 - judged.error_rate,
        "reach": reach_.share if len(reach_.rates) else None,
        "reach_se": reach_.share_se if len(reach_.rates) else None,
        "reach_states": len(reach_.rates),
    }
    if certified is not None:
        false = int((certified & ~entangled).sum())
        block |= {"certified": int(certified.sum()), "of_entangled": int(entangled.sum()), "false": false}
    return {"certificate": block}


def _rehearsed(told: Situation, shots: NDArray[np.int64]) -> Rehearsal:
    """Simulated states, each with the shots (n, n_settings) of one of those measured, in turn."""
    found = rehearse(told, _QUICK, _child(_REHEARSAL))
    if (shots == shots[0, 0]).all():
        return found
    chances = rehearsed_states(told, _QUICK, _child(_REHEARSAL)).probabilities(told.settings).mean(axis=2)
    values = sample_counts(chances, np.resize(shots, (_QUICK, shots.shape[1])), np.random.default_rng(_child(_SHOTS)))
    return replace(found, counts=Counts(told.settings, values))


def _certificate(situation: Situation, measured: Counts, alpha: float) -> Certificate:
    source = family_source(situation.states, situation.channel)
    assignment = situation.assignment
    found = reach(source, measured.settings, _LOOKED_AT, _child(_CERTIFICATE), assignment)
    if not found.share > 0:
        return Certificate(found, None)
    made = certify(measured, _child(_CERTIFICATE + 1), assignment, splits=1)
    return Certificate(found, made.certified(alpha))


def _verdicts(found: Estimates, known: Calibration | None, error_rate: float) -> NDArray[np.str_]:
    # without a calibration what it says is taken at its word
    return bayes_verdicts(found, error_rate) if known is None else known.verdicts(found, error_rate)


def _keeping(found: Estimates, calibrated: Estimates) -> Estimates:
    """The calibrated figures in an object that still has what else the estimator said, such as a warning.

    The interval of the concurrence is widened to the estimate itself where it lies beyond: on a device that an
    estimator was not made for the estimate is biased, and the belt knows it.
    """
    figures = {name: getattr(calibrated, name) for name in calibrated.__dataclass_fields__}
    figures["concurrence_low"] = np.minimum(figures["concurrence_low"], found.concurrence)
    figures["concurrence_high"] = np.maximum(figures["concurrence_high"], found.concurrence)
    return replace(found, **figures)


def _child(number: int) -> np.random.SeedSequence:
    return fresh_seed(_SEED, number)
