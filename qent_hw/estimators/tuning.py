"""Tomography tuned to what is to be measured: its statistics read off simulated states of the same kind and shots.

Plain PPT is biased towards entangled at few shots. Simulated states tell how probable entanglement really is at each
value of the estimated λ_min(ρ^TB), and what the concurrence is on the average at each estimated one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.errors import InputError
from qent_hw.estimators.card import assumed_of
from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.intervals import IntervalTable, calibrate
from qent_hw.estimators.situation import Situation, measured
from qent_hw.estimators.sources import FamilyStates
from qent_hw.estimators.tomography import TomographyEstimator
from qent_hw.estimators.tomography_born import Reconstruction
from qent_hw.estimators.tomography_errors import ppt_margin
from qent_hw.physics.counts import Counts
from qent_hw.physics.wootters import signed_concurrence
from qent_hw.seeds import fresh_seed

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Increasing abscissae and values, linear between them and constant beyond."""


@dataclass(frozen=True, eq=False)
class TunedTomography:
    """Tomography whose statistics are read off what they meant for simulated states; made by `tuned`.

    base: makes the states. p_entangled: against the margin −λ_min(ρ^TB). concurrence: the mean one against the signed
    concurrence, Wootters' λ1 − λ2 − λ3 − λ4 before it is cut at zero. intervals: of the concurrence. card: what it
    assumes, as a model card says it.
    """

    name: str
    base: TomographyEstimator
    p_entangled: Curve
    concurrence: Curve
    intervals: IntervalTable
    card: Mapping[str, Any]

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs: all nine."""
        return self.base.settings

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates`.

        P(entangled) is the share of entangled ones among simulated states with this margin, isotonic in it. Where it
        crosses 1/2 is the threshold with the fewest wrong verdicts on those states: an isotonic regression is above 1/2
        exactly on the upper part on which entangled states most outnumber separable ones. Its 68% interval is what a
        standard error of the margin both ways makes of it. The concurrence's 90% interval holds the errors made on
        simulated states that had no part in the regression, see `qent_hw.estimators.intervals`. Nothing is drawn: the
        seed changes nothing. It holds for the shots, states and device it was tuned for, whatever the counts are of.

        Raises
        ------
        InputError
            where a setting is missing.
        """
        found = self.base.reconstruct(counts)
        margin, error = ppt_margin(found)
        p, p_low, p_high = (np.interp(margin + shift * error, *self.p_entangled) for shift in (0, -1, 1))
        concurrence = np.interp(signed_concurrence(found.states), *self.concurrence)
        low, high = self.intervals.interval(concurrence, np.full(len(concurrence), np.inf))
        return Estimates(
            p, p_low, p_high, concurrence, np.minimum(low, concurrence), np.maximum(high, concurrence), verdicts(p)
        )


def tuned(
    base: TomographyEstimator, situation: Situation, seed: int | np.random.SeedSequence, n: int = 20_000
) -> TunedTomography:
    """`base` tuned on `n` simulated states of the situation, each with the situation's shots; named NAME_tuned.

    Half of them fit the concurrence and the others its intervals; all of them fit P(entangled).

    Raises
    ------
    InputError
        where all simulated states have the same label, so that there is nothing to tell apart, for fewer than 1,000
        states, and for too few shots.
    """
    if n < 1000:
        raise InputError(f"tuning: n = {n} simulated states; it needs at least 1000")
    rng = np.random.default_rng(fresh_seed(seed))
    drawn = situation.states.draw(situation.channel, n, rng)
    entangled = physics.is_entangled(drawn.truth, validate=False)
    if entangled.all() or not entangled.any():
        label = "entangled" if entangled.all() else "separable"
        raise InputError(f"tuning {base.name}: all {n} simulated states are {label}; there is nothing to tell apart")
    found = base.reconstruct(measured(drawn, base.settings, situation.shots, rng))
    concurrence = physics.concurrence(drawn.truth, validate=False)
    half = n // 2
    signed = signed_concurrence(found.states)
    mean = _isotonic(signed[:half], concurrence[:half])
    residuals = np.interp(signed[half:], *mean), concurrence[half:]
    # one shot count is all there is to know of: the table reads the same wherever it is entered
    intervals = calibrate({1.0: residuals, np.inf: residuals})
    return TunedTomography(
        f"{base.name}_tuned", base, _chance(found, entangled), mean, intervals, _card(base, situation, n)
    )


def _chance(found: Reconstruction, entangled: NDArray[np.bool_]) -> Curve:
    """P(entangled) against the margin; n states tell no share from nought or one to less than 1/(n + 2)."""
    margin, share = _isotonic(ppt_margin(found)[0], entangled.astype(np.float64))
    least = 1 / (len(entangled) + 2)
    return margin, np.clip(share, least, 1 - least)


def _isotonic(at: NDArray[np.float64], values: NDArray[np.float64]) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(at, values)
    return fitted.X_thresholds_, fitted.y_thresholds_


def _card(base: TomographyEstimator, situation: Situation, n: int) -> dict[str, Any]:
    states, device = situation.states, situation.device
    if device is not None:
        assumes = assumed_of(device)
    elif isinstance(states, FamilyStates):
        assumes = f"States of {states.family.name} under {situation.channel}, parameters and p uniform."
    else:
        assumes = "States drawn as those it was tuned on."
    return {
        "title": f"{base.card['title']}, tuned",
        "assumes": f"{assumes} {situation.shots} shots of each state in total.",
        "shots_total": situation.shots,
        "states": n,
        **({} if device is None else {"device": dict(device.facts)}),
    }
