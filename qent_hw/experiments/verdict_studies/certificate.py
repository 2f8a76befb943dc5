"""Certificates of entanglement: how seldom they are false, how soon they come, and which settings can give any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.stats import beta

from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.situation import shared_out
from qent_hw.experiments.comparison import share_error
from qent_hw.experiments.study.card import Case, Settings
from qent_hw.experiments.study.cases import World
from qent_hw.experiments.verdict_studies.border import (
    dephased_to_the_border,
    drawn_points,
    whitened_to_the_border,
)
from qent_hw.experiments.verdict_studies.certificate_figures import figures
from qent_hw.experiments.verdict_studies.certificate_words import claims
from qent_hw.experiments.verdict_studies.witnesses import chsh_certified, fidelity_certified, horodecki_certified
from qent_hw.physics import ALL_SETTINGS, BELL_SETTINGS, Counts, outcome_probabilities, sample_counts
from qent_hw.verdicts.certificate import averaged, certify, family_evidence
from qent_hw.verdicts.family_numerator import FamilyPool, family_pool
from qent_hw.verdicts.family_source import family_source
from qent_hw.verdicts.reach import Reach, rates
from qent_hw.verdicts.separable_fit import chances_of

__all__ = ["Options", "claims", "figures", "perform"]

Number = Annotated[int, Field(ge=10, le=10_000_000, strict=True)]
Measure = Callable[[tuple[str, ...], np.random.SeedSequence], Counts]

_SETS = {
    "four": list(BELL_SETTINGS),
    "four and zz": [*BELL_SETTINGS, "zz"],
    "four and zb": [*BELL_SETTINGS, "zb"],
    "nine": list(ALL_SETTINGS),
}


class Options(BaseModel):
    """alpha: chance of a false certificate that is put up with. separable: states of the family, and as many on the
    border. entangled: states for the power. reach: random entangled states that `sets` of settings are asked about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = 0.01
    separable: Number = 1500
    entangled: Number = 500
    reach: Number = 500
    sets: dict[str, Settings] = _SETS


def perform(
    case: Case, world: World, shots: int, options: Options, seed: np.random.SeedSequence
) -> list[dict[str, Any]]:
    """Rows of three parts: `separable` states that are certified, `entangled` ones that are, and what settings `reach`.

    Certificates measure the settings of the case; CHSH and the fidelity witness those that they need, with as many
    shots in all.

    Raises
    ------
    InputError
        for states that are no family's, or a device that drifts.
    """
    actual = family_source(world.actual, case.channel)
    if actual.dimension is None:
        raise InputError(f"case {case.name!r}: certificates are studied for families, and {case.family!r} is none")
    if case.device is not None and case.device.drift:
        raise InputError(f"case {case.name!r}: drift = {case.device.drift:g}: certificates are studied without")
    assumed = world.assumed
    assignment = assumed.device.template.errors.readout if isinstance(assumed, DeviceStates) else None
    of_pool, of_states, of_reach, first, second, third = seed.spawn(6)
    settings = tuple(case.settings)
    pool = family_pool(family_source(assumed, case.channel), settings, np.random.default_rng(of_pool))
    rng = np.random.default_rng(of_states)

    def part(
        name: str, states: str, points: NDArray[np.float64], measure: Measure, child: np.random.SeedSequence
    ) -> list[dict[str, Any]]:
        prepared = actual.states(np.column_stack([points[:, :-1], np.zeros(len(points))]))
        found = _certified(measure, prepared, pool, options.alpha, assignment, child)
        head = {"part": name, "states": states, "settings": len(settings)}
        return [{**head, "method": method, **_share(yes)} for method, yes in found.items()]

    def of_points(points: NDArray[np.float64]) -> Measure:
        def measure(wanted: tuple[str, ...], child: np.random.SeedSequence) -> Counts:
            return _counts(actual.chances(points, None, wanted), wanted, shots, child)

        return measure

    entangled = drawn_points(actual, options.entangled, True, rng)
    rows = part("entangled", "of the family", entangled, of_points(entangled), first)
    separable = drawn_points(actual, options.separable, False, rng)
    rows += part("separable", "of the family", separable, of_points(separable), second)
    near = drawn_points(actual, options.separable, True, rng)
    if isinstance(world.actual, DeviceStates):
        border = dephased_to_the_border(actual, near)
        rows += part("separable", "on the border", border, of_points(border), third)
    else:
        rows += part("separable", "on the border", near, _of_border(actual, near, shots), third)
    # what settings reach does not depend on which the case measures: asked once of each family and device
    if len(settings) == len(ALL_SETTINGS):
        rows += _reach_rows(actual, options, shots, assignment, np.random.default_rng(of_reach))
    return rows


def _of_border(actual: Source, near: NDArray[np.float64], shots: int) -> Measure:
    """One half of the states dephased, the other mixed with white noise, until they are separable."""
    half = len(near) // 2
    dephased = actual.states(dephased_to_the_border(actual, near[:half]))
    rho = np.concatenate([dephased, whitened_to_the_border(actual.states(near[half:]))])

    def measure(wanted: tuple[str, ...], child: np.random.SeedSequence) -> Counts:
        return _counts(outcome_probabilities(rho, wanted, validate=False), wanted, shots, child)

    return measure


def _certified(
    measure: Measure,
    prepared: NDArray[np.complex128],
    pool: FamilyPool,
    alpha: float,
    assignment: NDArray[np.float64] | None,
    seed: np.random.SeedSequence,
) -> dict[str, NDArray[np.bool_]]:
    """Which states each method certifies; those of the same settings see the same counts."""
    ours, four, nine, of_splits, of_family = seed.spawn(5)
    counts = measure(pool.settings, ours)
    every = counts if pool.settings == ALL_SETTINGS else measure(ALL_SETTINGS, nine)
    without = certify(counts, of_splits, assignment)
    chances = chances_of(pool.settings, assignment)
    helped = family_evidence(counts, chances, pool, np.random.default_rng(of_family))
    return {
        "certificate, family": averaged(without.log_evidence, helped).certified(alpha),
        "certificate": without.certified(alpha),
        "fidelity witness": fidelity_certified(every, prepared, alpha, assignment),
        "chsh": chsh_certified(measure(BELL_SETTINGS, four), alpha, assignment),
        "chsh_horodecki": horodecki_certified(every, alpha, assignment),
    }


def _counts(chance: NDArray[np.float64], settings: tuple[str, ...], shots: int, seed: np.random.SeedSequence) -> Counts:
    return Counts(settings, sample_counts(chance, shared_out(shots, settings), np.random.default_rng(seed)))


def _share(certified: NDArray[np.bool_]) -> dict[str, Any]:
    n, k = len(certified), int(certified.sum())
    return {
        "n": n,
        "certified": k,
        "share": k / n,
        "share_se": share_error(k, n),
        # Clopper and Pearson's two-sided 95%
        "share_most": float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0,
    }


def _reach_rows(
    actual: Source, options: Options, shots: int, assignment: NDArray[np.float64] | None, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Of the same entangled states what each set of settings can certify at all, and about with so many shots."""
    points = drawn_points(actual, options.reach, True, rng)
    rows = []
    for name, settings in options.sets.items():
        wanted = tuple(settings)
        found = Reach(wanted, rates(actual.chances(points, None, wanted), chances_of(wanted, assignment)))
        half = found.median_shots(options.alpha)
        rows.append(
            {
                "part": "reach",
                "states": "of the family",
                "settings": len(wanted),
                "method": name,
                **_share(found.rates > 0),
                "share_by_now": found.share_within(shots, options.alpha),
                "shots_for_half": half if np.isfinite(half) else None,
            }
        )
    return rows
