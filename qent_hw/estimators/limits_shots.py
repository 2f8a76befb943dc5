"""What finite counts leave open of random test states: the posterior behind a Bayes limit at finite shots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.counts_posterior import KEPT, posterior_samples
from qent_hw.estimators.limits_posterior import Posterior
from qent_hw.estimators.limits_source import Source
from qent_hw.physics.settings import gives


def told_apart(settings: tuple[str, ...], features: tuple[str, ...] | None) -> NDArray[np.float64]:
    """Outcomes (4 a setting) summed into the classes that the features tell apart: 0/1, (4 n_settings, n_classes).

    A correlation alone tells equal from unequal outcomes; with a single-qubit average, all four. None keeps all.
    """
    classes = []
    for k, setting in enumerate(settings):
        told = [setting, setting[0] + "1", "1" + setting[1]] if features is None else list(features)
        told = [feature for feature in told if gives(setting, feature)]
        signs = [tuple(_sign(feature, outcome) for feature in told) for outcome in range(4)]
        for pattern in sorted(set(signs)):
            row = np.zeros((len(settings), 4))
            row[k] = [sign == pattern for sign in signs]
            classes.append(row.ravel())
    return np.stack(classes, axis=1)


def shots_posterior(
    source: Source,
    settings: tuple[str, ...],
    classes: NDArray[np.float64],
    shots: int,
    n: int,
    pool: int,
    seed: np.random.SeedSequence,
) -> Posterior:
    """Posteriors of n random test states, each measured with `shots` shots in every setting.

    classes: see `told_apart`. `pool` prior draws; every test state keeps 1,024 samples.
    """
    test_rng, pool_rng, rng = (np.random.default_rng(s) for s in seed.spawn(3))
    points, truth = source.draw(n, test_rng)
    sampled = physics.sample_counts(source.chances(points, truth, settings), shots, test_rng)
    counts = sampled.reshape(n, -1) @ classes
    weights, labels, values = np.zeros((n, KEPT)), np.zeros((n, KEPT), bool), np.zeros((n, KEPT))
    effective = np.zeros(n)
    for found in posterior_samples(source, settings, classes, counts, pool, pool_rng, rng):
        weights[found.rows], labels[found.rows], values[found.rows] = found.weights, found.entangled, found.concurrence
        effective[found.rows] = found.effective
    return Posterior(
        weights,
        labels,
        values,
        physics.is_entangled(truth, validate=False),
        physics.concurrence(truth, validate=False),
        effective,
    )


def _sign(feature: str, outcome: int) -> int:
    first, second = 1 - 2 * (outcome // 2), 1 - 2 * (outcome % 2)
    return (1 if feature[0] == "1" else first) * (1 if feature[1] == "1" else second)
