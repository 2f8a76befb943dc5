"""What settings can certify at all, before anything is measured.

With many shots of a state ρ, shared out by w over the settings, the evidence of the best certificate grows by

    r = min over separable σ of Σ_s w_s KL(p_s(ρ) ‖ p_s(σ))   nats a shot:

no test of all separable states against ρ has a faster one (Stein's lemma, for the σ at the minimum). Where r is zero
some separable state gives the very same chances, and these settings can never certify ρ. Else about (log 1/α + what is
lost to not knowing ρ) / r shots do. The minimum is a fit of a separable state to exact counts, and comes with a bound
from below; see `separable_fit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.interior_point import Array
from qent_hw.estimators.limits_source import Source
from qent_hw.estimators.tomography_born import Chances
from qent_hw.physics.entanglement import is_entangled
from qent_hw.physics.settings import ALL_SETTINGS, check_settings
from qent_hw.verdicts.certificate import check_alpha
from qent_hw.verdicts.separable_fit import best_separable, chances_of, log_likelihood

NO_RATE = 1e-9
"""Nats a shot up to which a rate counts as zero: ten times what the fit leaves open, and a certificate at it would need
more than 10¹⁰ shots, which nobody takes."""

UNKNOWN = 16.0
"""Nats that not knowing the state costs, beyond log 1/α: as simulated, with a family and without, 11 where 400 shots do
and 20 where 64,000 are needed."""

_SHOTS, _GAP = 1e6, 1e-4  # of the exact counts, and of their fit: 10⁻¹⁰ nats a shot


@dataclass(frozen=True, eq=False)
class Reach:
    """What settings can certify of the entangled ones among random states.

    rates: (n_entangled,) nats a shot, all settings measured equally often; zero up to NO_RATE.
    """

    settings: tuple[str, ...]
    rates: Array

    @property
    def share(self) -> float:
        """The share of entangled states that can be certified with enough shots; nan where none was entangled."""
        return float(np.mean(self.rates > 0)) if len(self.rates) else float("nan")

    @property
    def share_se(self) -> float:
        """Its binomial standard error, by Laplace's rule where all or none can."""
        n = len(self.rates)
        smoothed = (np.count_nonzero(self.rates > 0) + 1) / (n + 2)
        return float(np.sqrt(smoothed * (1 - smoothed) / (n + 3)))

    def median_shots(self, alpha: float) -> float:
        """The shots, all settings together, with which half of these can be certified at 1 − α; inf where no number
        of shots certifies half of them."""
        if not len(self.rates):
            return float("inf")
        rate = float(np.median(self.rates))
        return (log(1 / check_alpha(alpha)) + UNKNOWN) / rate if rate > 0 else float("inf")

    def share_within(self, shots: float, alpha: float) -> float:
        """The share that about so many shots certify."""
        needed = (log(1 / check_alpha(alpha)) + UNKNOWN) / max(shots, 1.0)
        return float(np.mean(self.rates >= needed)) if len(self.rates) else float("nan")


def rates(chance: Array, chances: Chances, weights: Array | None = None) -> Array:
    """Nats of evidence a shot (n,), bounded from below, for states whose outcomes have `chance` (n, n_settings, 4).

    chances: of the settings, with the readout that is taken for granted. weights: (n_settings,) shares of the shots;
    equal ones for None. Zero up to NO_RATE.
    """
    n_settings = chance.shape[1]
    share = np.full(n_settings, 1 / n_settings) if weights is None else np.asarray(weights) / np.sum(weights)
    exact = _SHOTS * share[:, None] * chance
    own = log_likelihood(exact.reshape(len(exact), -1), chance.reshape(len(chance), -1))
    rate: Array = (own - best_separable(exact, chances, _GAP).upper) / _SHOTS
    return np.where(rate > NO_RATE, rate, 0.0)


def reach(
    states: Source,
    settings: tuple[str, ...],
    n: int,
    seed: int | np.random.SeedSequence,
    assignment: NDArray[np.float64] | None = None,
) -> Reach:
    """What `settings` can certify of the entangled ones among `n` random states; the same seed has the same states.

    Raises
    ------
    InputError
        for an unknown setting, or an assignment that is none.
    """
    chances = chances_of(settings, assignment)
    points, rho = states.draw(n, np.random.default_rng(seed))
    entangled = is_entangled(rho, validate=False)
    return Reach(settings, rates(states.chances(points[entangled], rho[entangled], settings), chances))


def can_certify_something(settings: Iterable[str]) -> bool:
    """Whether these settings can certify any state at all: whether each qubit is measured along more than one axis.

    Measuring a qubit along one axis alone is the same after dephasing it in that axis, which leaves no entanglement. If
    each is measured along two, some two settings differ in both letters (any pairwise alike ones share one letter
    all together), say x⊗a and y⊗b; then |⟨xa⟩| + |⟨yb⟩| ≤ 1 for separable states, and 2 can be reached.

    Raises
    ------
    InputError
        for an unknown setting.
    """
    named = check_settings(settings)
    return all(len({setting[qubit] for setting in named}) > 1 for qubit in (0, 1))


def best_addition(
    states: Source,
    settings: tuple[str, ...],
    n: int,
    seed: int | np.random.SeedSequence,
    shots: float,
    alpha: float,
    assignment: NDArray[np.float64] | None = None,
) -> Reach | None:
    """The reach of `settings` and the one more setting with which so many shots certify most; None with all nine."""
    more = [one for one in ALL_SETTINGS if one not in settings]
    found = [reach(states, (*settings, one), n, seed, assignment) for one in more]
    return max(found, key=lambda one: (one.share_within(shots, alpha), one.share), default=None)
