"""Posterior samples given finite counts: prior draws weighted by likelihood, refined where too few of them count.

Log-likelihoods of all prior draws are one matrix product, counts (N, outcomes) @ log-probabilities. At many shots a
posterior is narrower than the distance of the draws; then it is approached in stages of rising likelihood power
(population Monte Carlo: Cappé et al., J. Comput. Graph. Stat. 13, 907 (2004)), proposals being Student kernels shaped
by the Fisher information. Weights are exact at every stage, so a poor proposal costs samples, not truth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.limits_exact import jacobian
from qent_hw.estimators.limits_posterior import Posterior, effective_samples
from qent_hw.estimators.limits_source import Source
from qent_hw.physics.settings import gives

Array = NDArray[np.float64]

_ENOUGH = 256  # effective samples from which prior draws alone do
_KEPT = 1024
_BLOCK = 64
_CENTRES = 64
_TEMPERED = 48  # effective samples kept from stage to stage
_STAGES = 8
_RUNGS = 24
_LOWEST = 1e-5
_FREEDOM = 5.0
_FLOOR = 1e-12


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

    def chances(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
        return physics.outcome_probabilities(rho, settings, validate=False).reshape(len(rho), -1)

    _, truth = source.draw(n, test_rng)
    sampled = physics.sample_counts(chances(truth).reshape(n, -1, 4), shots, test_rng)
    counts = sampled.reshape(n, -1) @ classes
    parts = [source.draw(min(65536, pool - start), pool_rng) for start in range(0, pool, 65536)]
    points = np.concatenate([part[0] for part in parts])
    logs = np.concatenate([_log(chances(rho) @ classes) for _, rho in parts]).astype(np.float32)
    entangled = np.concatenate([physics.is_entangled(rho, validate=False) for _, rho in parts])
    concurrence = np.concatenate([physics.concurrence(rho, validate=False) for _, rho in parts])
    del parts

    weights, labels, values = np.zeros((n, _KEPT)), np.zeros((n, _KEPT), bool), np.zeros((n, _KEPT))
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        likelihood = counts[rows].astype(np.float32) @ logs.T
        few = np.zeros(len(rows), bool)
        for i, row in enumerate(rows):
            weights[row], chosen, few[i] = _from_prior(likelihood[i], int(rng.integers(pool)))
            labels[row], values[row] = entangled[chosen], concurrence[chosen]
        if source.dimension is not None and few.any():
            again = rows[few]

            def log_likelihood(at: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
                flat = _log(chances(source.states(at.reshape(-1, at.shape[-1]))) @ classes)
                return np.einsum("bsc,bc->bs", flat.reshape(*at.shape[:-1], -1), seen)

            def slopes(at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
                here = chances(source.states(at)) @ classes
                return here, jacobian(lambda u: chances(source.states(u)) @ classes, at, here)

            found, weights[again] = _refine(log_likelihood, slopes, likelihood[few], counts[again], points, shots, rng)
            rho = source.states(np.clip(found, 0, 1).reshape(-1, found.shape[-1]))
            labels[again] = physics.is_entangled(rho, validate=False).reshape(-1, _KEPT)
            values[again] = physics.concurrence(rho, validate=False).reshape(-1, _KEPT)
    return Posterior(
        weights,
        labels,
        values,
        physics.is_entangled(truth, validate=False),
        physics.concurrence(truth, validate=False),
    )


def _from_prior(likelihood: NDArray[np.float32], first: int) -> tuple[NDArray[np.float64], NDArray[np.int64], bool]:
    """Weights and indices of the prior draws kept for one test state, and whether they are too few.

    From the shortest run of draws, beginning at `first`, that holds enough effective samples, the heaviest: little
    weight is left behind. Every test state begins elsewhere, so that their errors average out.
    """
    size, run = len(likelihood), _KEPT
    while True:
        run = min(run, size)
        index = np.arange(first, first + run) % size
        relative = np.exp((likelihood[index] - likelihood[index].max()).astype(np.float64))
        few = bool(effective_samples(relative[None])[0] < _ENOUGH)
        if not few or run == size:
            break
        run *= 2
    chosen = np.sort(np.argpartition(likelihood[index], run - _KEPT)[run - _KEPT :]) if run > _KEPT else np.arange(run)
    return relative[chosen] / relative[chosen].sum(), index[chosen], few


def _refine(
    log_likelihood: Callable[[Array, Array], Array],
    slopes: Callable[[Array], tuple[Array, Array]],
    likelihood: NDArray[np.float32],
    counts: Array,
    points: Array,
    shots: int,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Samples (b, _KEPT, d) and their weights for test states whose posterior the prior draws do not resolve."""
    b, d = len(counts), points.shape[1]
    cap = 0.05 if d <= 3 else 0.15
    power = _tempering(likelihood, np.zeros((b, 1), np.float32), np.full(b, _LOWEST, np.float32))
    at: NDArray[np.float64] = np.broadcast_to(points, (b, *points.shape))
    log_weights = power[:, None] * likelihood
    for stage in range(_STAGES):
        centres = np.stack([at[i][_resample(log_weights[i], _CENTRES, rng)] for i in range(b)])
        here, slope = slopes(centres.reshape(-1, d))
        information = shots * np.einsum("mci,mcj->mij", slope / (here + 1 / shots)[..., None], slope)
        information = information.reshape(b, _CENTRES, d, d) * power[:, None, None, None] + np.eye(d) / cap**2
        root = np.linalg.cholesky(information)
        pick = rng.integers(_CENTRES, size=(b, _KEPT))
        normal = rng.standard_normal((b, _KEPT, d)) / np.sqrt(rng.chisquare(_FREEDOM, (b, _KEPT, 1)) / _FREEDOM)
        chosen_root = np.take_along_axis(root, pick[:, :, None, None], axis=1)
        offset = np.linalg.solve(chosen_root.swapaxes(-1, -2), normal[..., None])[..., 0]
        at = np.take_along_axis(centres, pick[:, :, None], axis=1) + offset
        log_proposal = np.stack([_log_mixture(at[i], centres[i], root[i]) for i in range(b)])
        inside = ((at >= 0) & (at <= 1)).all(axis=-1)
        found = np.where(inside, log_likelihood(np.clip(at, 0, 1), counts), -np.inf)
        power = _tempering(found, -log_proposal, power / 2)
        last = stage == _STAGES - 1 or bool((power >= 1).all())
        log_weights = found * (1.0 if last else power[:, None]) - log_proposal
        if last:
            break
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return at, weights / weights.sum(axis=1, keepdims=True)


def _tempering(likelihood: NDArray[np.floating], base: NDArray[np.floating], least: NDArray[np.floating]) -> Array:
    """For each row the greatest power of the likelihood, from `least` (b,) to 1, that keeps enough effective samples;
    where none does, the one that keeps most. Tried on a ladder: the effective number has a peak, not a slope, since
    at low powers the samples farthest out, where the proposal is thin, carry all the weight."""
    best, most = least.copy(), np.zeros(len(least))
    done = np.zeros(len(least), bool)
    for rung in range(_RUNGS):
        power = least ** (rung / (_RUNGS - 1))
        log = power[:, None] * likelihood + base
        effective = effective_samples(np.exp(log - log.max(axis=1, keepdims=True)))
        better = ~done & (effective > most)
        best, most = np.where(better, power, best), np.where(better, effective, most)
        done |= most >= _TEMPERED
        if done.all():
            break
    return best.astype(np.float64)


def _resample(log_weights: NDArray[np.float64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    heap = np.cumsum(np.exp(log_weights - log_weights.max()))
    return np.minimum(np.searchsorted(heap, rng.random(size) * heap[-1]), len(heap) - 1)


def _log_mixture(
    at: NDArray[np.float64], centres: NDArray[np.float64], root: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log density, up to a constant, of the mixture of Student kernels: at (s, d), centres (j, d), root (j, d, d)."""
    d = at.shape[1]
    scaled = np.einsum("jsd,jde->jse", at[None] - centres[:, None], root, optimize=True)
    height = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    log = height[:, None] - (_FREEDOM + d) / 2 * np.log1p((scaled**2).sum(axis=-1) / _FREEDOM)
    top = log.max(axis=0)
    total: NDArray[np.float64] = top + np.log(np.exp(log - top).sum(axis=0))
    return total


def _log(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.log(np.maximum(chance, _FLOOR))
    return result


def _sign(feature: str, outcome: int) -> int:
    first, second = 1 - 2 * (outcome // 2), 1 - 2 * (outcome % 2)
    return (1 if feature[0] == "1" else first) * (1 if feature[1] == "1" else second)
