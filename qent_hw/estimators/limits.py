"""The best any estimator can do: Bayes-optimal accuracy and R² for a family, what is measured, and the shots.

The scale on which a network is judged: the ceiling in the paper's Figures 5 and 7 (arXiv:2410.21504v2), and at finite
shots what the counts themselves leave open. Every figure comes with an error bar that includes the method's own error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qent_hw.circuits import Family
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.limits_exact import exact_posterior
from qent_hw.estimators.limits_posterior import Figure, accuracy_limit, effective_samples, r2_limit
from qent_hw.estimators.limits_shots import shots_posterior, told_apart
from qent_hw.estimators.limits_source import Draw, source_of
from qent_hw.physics.settings import FEATURES, check_features, check_settings, features_of, settings_for
from qent_hw.seeds import fresh_seed

_NEIGHBOURS = 64


@dataclass(frozen=True)
class Limit:
    """A Bayes limit.

    accuracy, r2: the limits, each with its standard error `_se` (statistical and systematic). The `_achieved` ones are
    what the posterior rule itself scored on the n_states test states: on average a lower bound, whatever the method
    missed. effective_samples: the median, over test states, of independent posterior samples. method: how the posterior
    was reached; with "neighbours", a source that can only be drawn, the figures are lower bounds in more than a few
    dimensions, and their errors say how far a larger pool may still move them.
    """

    accuracy: float
    accuracy_se: float
    r2: float
    r2_se: float
    accuracy_achieved: float
    r2_achieved: float
    n_states: int
    pool: int
    effective_samples: float
    method: str


def bayes_limit(
    source: str | Family | DeviceStates | Draw,
    channel: str | None,
    features: Sequence[str] | None = None,
    shots: float = np.inf,
    *,
    settings: Sequence[str] | None = None,
    n: int | None = None,
    pool: int | None = None,
    seed: int | np.random.SeedSequence = 0,
) -> Limit:
    """The Bayes-optimal accuracy of the PPT label and R² of the concurrence.

    source, channel: a family (name or `Family`) under 'dephasing' or 'depolarizing', parameters and p drawn uniformly;
    the same on a device (`DeviceStates`, finite shots only: what its parameters are is taken as known);
    or a function `(n, rng) -> (n, 4, 4)` with channel None. features: names of Table I, or `settings`: all that these
    settings show. shots: per setting, inf for noiseless features. At finite shots the observation is how often each
    class of outcomes that the features tell apart was seen in each setting of `settings_for(features)`: for
    correlations alone exactly the features, else the counts behind them (no less, and hardly more, than the features).

    n: test states (default 20,000; 2,000 at finite shots). pool: prior draws (default 2^20; 2^17 at finite shots).
    Raises InputError for an unknown name, both or neither of features and settings, and bad shots, n or pool.
    """
    if (features is None) == (settings is None):
        raise InputError("limit: give either features or settings")
    exact = bool(np.isinf(shots))
    if not shots >= 1 or not (exact or shots == int(shots)):
        raise InputError(f"shots: {shots!r}; must be a whole number of at least 1 (or inf)")
    size, draws = n or (20_000 if exact else 2_000), pool or (1 << (20 if exact else 17))
    if size < 100 or draws < 8192:
        raise InputError(f"limit: n = {size}, pool = {draws}; must be at least 100 and 8192")
    if exact and isinstance(source, DeviceStates):
        raise InputError("limit: on a device the shots must be finite")
    states = source_of(source, channel)
    root = fresh_seed(seed)
    names = check_features(features) if features is not None else None
    measured = settings_for(names) if names is not None else check_settings(settings or ())

    if not exact:
        posterior = shots_posterior(states, measured, told_apart(measured, names), int(shots), size, draws, root)
        # All test states share one pool, and with it a part of the error of what they leave open.
        accuracy, r2 = (
            _with_error(figure, 2 * abs(1 - figure.value) / np.sqrt(draws))
            for figure in (accuracy_limit(posterior), r2_limit(posterior))
        )
        method = "weighted prior draws" + (", refined" if states.dimension is not None else "")
    else:
        seen = names or features_of(measured)
        both = exact_posterior(states, [FEATURES.index(name) for name in seen], size, draws, _NEIGHBOURS, root)
        posterior = both[0]
        drawn = states.dimension is None
        accuracy = _for_endless_pool(accuracy_limit(both[0]), accuracy_limit(both[1]), len(seen), drawn)
        r2 = _for_endless_pool(r2_limit(both[0]), r2_limit(both[1]), len(seen), drawn)
        method = "neighbours" if states.dimension is None else "neighbours moved onto the fibre"
    effective = effective_samples(posterior.weights) if posterior.effective is None else posterior.effective
    return Limit(
        accuracy=accuracy.value,
        accuracy_se=accuracy.error,
        r2=r2.value,
        r2_se=r2.error,
        accuracy_achieved=accuracy.achieved,
        r2_achieved=r2.achieved,
        n_states=size,
        pool=draws,
        effective_samples=float(np.median(effective)),
        method=method,
    )


def _for_endless_pool(whole: Figure, quarter: Figure, dimension: int, extrapolate: bool) -> Figure:
    """The figure with the error of the finite pool in it.

    Unmoved neighbours blur with the square of their distance, pool^(-2/dimension): extrapolated, the correction being
    its own error. Moved ones have what blur is left counted as error.
    """
    change = whole.value - quarter.value
    correction = change / (4 ** (2 / dimension) - 1) if extrapolate else 0.0
    blur = max(abs(change), abs(correction))
    return replace(_with_error(whole, blur), value=min(whole.value + correction, 1.0))


def _with_error(figure: Figure, error: float) -> Figure:
    return replace(figure, error=float(np.hypot(figure.error, error)))
