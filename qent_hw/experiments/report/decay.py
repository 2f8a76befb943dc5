"""Chosen states under growing noise: the exact curves, and where entanglement ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.experiments.provenance import idle_of
from qent_hw.experiments.report.labels import state_label
from qent_hw.experiments.runcard import Points
from qent_hw.physics import concurrence, features, ppt_min_eigenvalue
from qent_hw.physics.entanglement import PPT_TOLERANCE
from qent_hw.simulation import idled_states, noisy_states

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run

_CURVE_POINTS = 400
_SEARCH_POINTS = 1001
# a wait dephases for ever; after 20 coherence times what is left is below the rounding of a double
_SEARCHED_COHERENCE_TIMES = 20.0


@dataclass(frozen=True)
class StrengthAxis:
    """What a run's noise is plotted against: the strength p, or the wait τ in microseconds.

    Attributes
    ----------
    end
        the largest strength shown.
    rate
        of a wait axis, per microsecond: places up to `end` are spaced as 1 − e^(−rate·τ), that is evenly in the mean
        dephasing strength, for waits that were chosen by strength; 0 for an axis that is linear.
    searched
        noise strengths (increasing) among which the end of entanglement is looked for, in the axis's unit.
    """

    symbol: str
    unit: str
    title: str
    end: float
    rate: float
    searched: NDArray[np.float64]

    @property
    def width(self) -> float:
        """The place of `end`; zero strength has place 0."""
        return -math.expm1(-self.rate * self.end) if self.rate else self.end

    def place(self, strengths: ArrayLike) -> NDArray[np.float64]:
        """Where strengths stand along the axis; beyond `end` it goes on linearly, so that there is a margin."""
        values = np.asarray(strengths, dtype=np.float64)
        if not self.rate:
            return values
        inside = -np.expm1(-self.rate * np.minimum(values, self.end))
        return inside + self.width * np.maximum(values / self.end - 1, 0)

    def strength_at(self, places: ArrayLike) -> NDArray[np.float64]:
        """The inverse of `place`."""
        values = np.asarray(places, dtype=np.float64)
        if not self.rate:
            return values
        inside = -np.log1p(-np.minimum(values, self.width)) / self.rate
        return inside + self.end * np.maximum(values / self.width - 1, 0)

    def text(self, strength: float) -> str:
        """A strength in words, such as "0.5858", "0.04" or "23.41 µs"."""
        if self.unit:
            return ("0" if strength == 0 else f"{strength:#.4g}".rstrip(".")) + f" {self.unit}"
        return f"{strength:.2f}" if abs(round(strength, 2) - strength) < 1e-9 else f"{strength:.4f}"


@dataclass(frozen=True)
class Decay:
    """One prepared state under growing noise.

    Attributes
    ----------
    label
        the state by its parameters.
    states
        which states of the run it was measured as.
    measured_at
        (k,) strengths of these, in the unit of the axis.
    grid, concurrence, features
        (m,), (m,) and (m, 15): the exact curves, features in the order of Table I.
    death
        the exact strength beyond which the state is separable; 0 if it always was, None if that is never reached.
    """

    label: str
    states: slice
    measured_at: NDArray[np.float64]
    grid: NDArray[np.float64]
    concurrence: NDArray[np.float64]
    features: NDArray[np.float64]
    death: float | None


def strength_axis(run: Run) -> StrengthAxis:
    """The axis against which the noise of `run` is plotted."""
    plan = run.plan
    if plan.tau_s is None:
        channel = run.runcard.channel.kind
        return StrengthAxis("p", "", f"{channel} strength p", 1.0, 0.0, np.linspace(0, 1, _SEARCH_POINTS))
    longest = 1e6 * float(plan.tau_s.max())
    rate = 1e-6 / float(idle_of(run.provenance["backend"]).wait_for(-math.expm1(-1)))
    chosen_by_strength = run.runcard.injection.waits() is None
    if rate:
        # evenly in what is left of the coherence, as the end comes within the first few coherence times
        left = np.linspace(1, math.exp(-_SEARCHED_COHERENCE_TIMES), _SEARCH_POINTS)
        searched = -np.log(left) / rate
    else:
        searched = np.linspace(0, max(longest, 1.0), _SEARCH_POINTS)
    shown_rate = rate if chosen_by_strength and longest > 0 else 0.0
    return StrengthAxis("τ", "µs", "wait τ (µs)", max(longest, 1e-3), shown_rate, searched)


def decays(run: Run) -> list[Decay]:
    """The exact decay of every chosen state of `run`; none for random states."""
    if not isinstance(run.runcard.states, Points):
        return []
    axis, plan = strength_axis(run), run.plan
    measured = plan.p1 if plan.tau_s is None else 1e6 * plan.tau_s
    per_point = len(plan.psi) // len(run.runcard.states.points)
    found = []
    for first in range(0, len(plan.psi), per_point):
        states = slice(first, first + per_point)
        states_at = _exact_states(run, plan.psi[first])
        death = sudden_death(states_at, axis.searched)
        grid = _curve_grid(axis, death)
        exact = states_at(grid)
        label = state_label({name: values[first] for name, values in plan.parameters.items()})
        found.append(Decay(label, states, measured[states], grid, concurrence(exact), features(exact), death))
    return found


def sudden_death(
    states_at: Callable[[NDArray[np.float64]], NDArray[np.complex128]], searched: NDArray[np.float64]
) -> float | None:
    """The strength at which a state becomes separable: the root of the smallest eigenvalue of its partial transpose.

    Parameters
    ----------
    states_at
        (m,) strengths to (m, 4, 4) states, under noise that grows and never creates entanglement, so that there is one
        end at most.
    searched
        increasing strengths that bracket it.

    Returns
    -------
    float | None
        `searched[0]` if the state is separable from the start; None if it is nowhere strictly separable: reaching the
        boundary at the last strength (a 2-basis state at p = 1) is no sudden death.
    """
    from scipy.optimize import brentq

    lowest = ppt_min_eigenvalue(states_at(searched))
    if lowest[0] >= -PPT_TOLERANCE:
        return float(searched[0])
    separable = np.flatnonzero(lowest > PPT_TOLERANCE)
    if not len(separable):
        return None
    last_entangled = np.flatnonzero(lowest[: separable[0]] < -PPT_TOLERANCE)[-1]
    return float(
        brentq(
            lambda strength: float(ppt_min_eigenvalue(states_at(np.array([strength])))[0]),
            searched[last_entangled],
            searched[separable[0]],
            xtol=1e-12,
        )
    )


def death_text(axis: StrengthAxis, death: float | None) -> str:
    """What the report says of the end of a state's entanglement."""
    if death is None:
        if axis.unit:
            return f"no sudden death up to {axis.symbol} = {axis.text(axis.searched[-1])}"
        return f"no sudden death: C reaches 0 only at {axis.symbol} = 1"
    if death == axis.searched[0]:
        return "separable before any noise"
    return f"{axis.symbol}* = {axis.text(death)}"


def _exact_states(run: Run, psi: NDArray[np.complex128]) -> Callable[[NDArray[np.float64]], NDArray[np.complex128]]:
    """The exact state against the strength in the unit of the run's axis."""
    if run.plan.tau_s is None:
        return lambda p: noisy_states(psi[None], run.runcard.channel.kind, p)
    idle = idle_of(run.provenance["backend"])
    return lambda tau_us: idled_states(psi[None], 1e-6 * tau_us, idle)


def _curve_grid(axis: StrengthAxis, death: float | None) -> NDArray[np.float64]:
    """Strengths for smooth curves; the end of entanglement, a corner of the concurrence, is one of them."""
    grid = axis.strength_at(np.linspace(0, axis.width, _CURVE_POINTS))
    return np.union1d(grid, [death]) if death is not None and death < axis.end else grid
