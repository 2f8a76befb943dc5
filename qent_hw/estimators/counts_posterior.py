"""Posterior samples given finite counts: prior draws weighted by likelihood, refined where too few of them count.

Log-likelihoods of all prior draws are one matrix product, counts (N, outcomes) @ log-probabilities. At many shots a
posterior is narrower than the distance of the draws; then it is approached in stages of rising likelihood power
(population Monte Carlo: Cappé et al., J. Comput. Graph. Stat. 13, 907 (2004)), proposals being Student kernels shaped
by the Fisher information. Weights are exact at every stage, so a poor proposal costs samples, not truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.limits_exact import jacobian
from qent_hw.estimators.limits_posterior import effective_samples
from qent_hw.estimators.limits_source import Source

Array: TypeAlias = NDArray[np.float64]

_ENOUGH = 256  # effective samples from which prior draws alone do
KEPT = 1024
_BLOCK = 64
_CENTRES = 64
_TEMPERED = 48  # effective samples kept from stage to stage
_STAGES = 8
_RUNGS = 24
_LOWEST = 1e-5
_FREEDOM = 5.0
_FLOOR = 1e-12


@dataclass(frozen=True)
class Samples:
    """Posterior samples of b observations, their places being `rows`: weights (b, KEPT), each row summing to one,
    labels, concurrences, and log-probabilities of the classes of outcomes (b, KEPT, n_classes)."""

    rows: NDArray[np.int64]
    weights: Array
    entangled: NDArray[np.bool_]
    concurrence: Array
    logs: Array


def posterior_samples(
    source: Source,
    settings: tuple[str, ...],
    classes: Array,
    counts: Array,
    pool: int,
    pool_rng: np.random.Generator,
    rng: np.random.Generator,
) -> Iterator[Samples]:
    """Samples of what counts (n, n_classes) leave open, some observations at a time.

    classes: (4 n_settings, n_classes), which outcomes are told apart (`limits_shots.told_apart`). pool: prior draws.
    """

    def chances(points: Array, rho: NDArray[np.complex128] | None = None) -> Array:
        return source.chances(points, rho, settings).reshape(len(points), -1) @ classes

    parts = [source.draw(min(65536, pool - start), pool_rng) for start in range(0, pool, 65536)]
    points = np.concatenate([part[0] for part in parts])
    logs = np.concatenate([_log(chances(*part)) for part in parts]).astype(np.float32)
    entangled = np.concatenate([physics.is_entangled(rho, validate=False) for _, rho in parts])
    concurrence = np.concatenate([physics.concurrence(rho, validate=False) for _, rho in parts])
    del parts

    for start in range(0, len(counts), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(counts)))
        likelihood = counts[rows].astype(np.float32) @ logs.T
        chosen, weights = np.empty((len(rows), KEPT), np.int64), np.empty((len(rows), KEPT))
        few = np.zeros(len(rows), bool)
        for i in range(len(rows)):
            weights[i], chosen[i], few[i] = _from_prior(likelihood[i], int(rng.integers(pool)))
        labels, values, told = entangled[chosen], concurrence[chosen], logs[chosen].astype(np.float64)
        if source.dimension is not None and few.any():
            seen = counts[rows[few]]

            def log_likelihood(at: Array, seen: Array) -> Array:
                flat = _log(chances(at.reshape(-1, at.shape[-1])))
                return np.einsum("bsc,bc->bs", flat.reshape(*at.shape[:-1], -1), seen)

            def slopes(at: Array) -> tuple[Array, Array]:
                here = chances(at)
                return here, jacobian(chances, at, here)

            shots = seen.sum(axis=1) / len(settings)
            found, weights[few] = _refine(log_likelihood, slopes, likelihood[few], seen, points, shots, rng)
            flat = np.clip(found, 0, 1).reshape(-1, found.shape[-1])
            rho = source.states(flat)
            labels[few] = physics.is_entangled(rho, validate=False).reshape(-1, KEPT)
            values[few] = physics.concurrence(rho, validate=False).reshape(-1, KEPT)
            told[few] = _log(chances(flat, rho)).reshape(-1, KEPT, logs.shape[1])
        yield Samples(rows, weights, labels, values, told)


def _from_prior(likelihood: NDArray[np.float32], first: int) -> tuple[NDArray[np.float64], NDArray[np.int64], bool]:
    """Weights and indices of the prior draws kept for one test state, and whether they are too few.

    From the shortest run of draws, beginning at `first`, that holds enough effective samples, the heaviest: little
    weight is left behind. Every test state begins elsewhere, so that their errors average out.
    """
    size, run = len(likelihood), KEPT
    while True:
        run = min(run, size)
        index = np.arange(first, first + run) % size
        relative = np.exp((likelihood[index] - likelihood[index].max()).astype(np.float64))
        few = bool(effective_samples(relative[None])[0] < _ENOUGH)
        if not few or run == size:
            break
        run *= 2
    chosen = np.sort(np.argpartition(likelihood[index], run - KEPT)[run - KEPT :]) if run > KEPT else np.arange(run)
    return relative[chosen] / relative[chosen].sum(), index[chosen], few


def _refine(
    log_likelihood: Callable[[Array, Array], Array],
    slopes: Callable[[Array], tuple[Array, Array]],
    likelihood: NDArray[np.float32],
    counts: Array,
    points: Array,
    shots: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Samples (b, KEPT, d) and their weights for test states whose posterior the prior draws do not resolve."""
    b, d = len(counts), points.shape[1]
    cap = 0.05 if d <= 3 else 0.15
    power = _tempering(likelihood, np.zeros((b, 1), np.float32), np.full(b, _LOWEST, np.float32))
    at: NDArray[np.float64] = np.broadcast_to(points, (b, *points.shape))
    log_weights = power[:, None] * likelihood
    for stage in range(_STAGES):
        centres = np.stack([at[i][_resample(log_weights[i], _CENTRES, rng)] for i in range(b)])
        here, slope = slopes(centres.reshape(-1, d))
        each = np.repeat(shots, _CENTRES)
        information = (
            np.einsum("mci,mcj->mij", slope / (here + 1 / each[:, None])[..., None], slope) * each[:, None, None]
        )
        information = information.reshape(b, _CENTRES, d, d) * power[:, None, None, None] + np.eye(d) / cap**2
        root = np.linalg.cholesky(information)
        pick = rng.integers(_CENTRES, size=(b, KEPT))
        normal = rng.standard_normal((b, KEPT, d)) / np.sqrt(rng.chisquare(_FREEDOM, (b, KEPT, 1)) / _FREEDOM)
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
