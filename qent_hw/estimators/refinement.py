"""Posterior samples where draws from the prior are too far apart: population Monte Carlo.

The posterior is approached in stages of rising likelihood power (Cappé et al., J. Comput. Graph. Stat. 13, 907 (2004)),
proposals being Student kernels shaped by the Fisher information. Weights are exact at every stage, so a poor proposal
costs samples, not truth. Two runs of the same observation are joined with the weights of the mixture of both proposals
(Veach and Guibas, SIGGRAPH 95, the balance heuristic): where one was thin the other counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.limits_posterior import effective_samples
from qent_hw.estimators.thinning import thinned

Array: TypeAlias = NDArray[np.float64]

_CENTRES = 64
_TEMPERED = 48  # effective samples kept from stage to stage
_STAGES = 8
_RUNGS = 24
_LOWEST = 1e-5
_FREEDOM = 5.0


@dataclass(frozen=True)
class Refined:
    """Samples of b observations, k each.

    points (b, k, d), of which those outside the unit cube have no weight; logs (b, k, n_classes), log-probabilities of
    the classes of outcomes there; likelihood (b, k), the logarithm of; log_weights (b, k), not normalised; centres
    (b, j, d) and roots (b, j, d, d), the kernels that they were drawn from.
    """

    points: Array
    logs: Array
    likelihood: Array
    log_weights: Array
    centres: Array
    roots: Array

    def __getitem__(self, rows: NDArray[np.bool_]) -> Refined:
        return Refined(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def weights_of(log_weights: Array) -> Array:
    """Weights (b, k), each row summing to one."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    normalised: Array = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def refine(
    log_chances: Callable[[Array], Array],
    slopes: Callable[[Array], tuple[Array, Array]],
    likelihood: NDArray[np.float32],
    points: Array,
    counts: Array,
    shots: Array,
    size: int,
    rng: np.random.Generator,
) -> Refined:
    """`size` samples of each of b observations whose posterior the prior draws do not resolve.

    log_chances: points (b, k, d) -> (b, k, n_classes); slopes: points (m, d) -> the probabilities (m, n_classes) and
    their derivatives (m, n_classes, d). likelihood (b, pool) of the prior draws `points` (pool, d). counts, shots:
    (b, n_classes), how often each class was seen and of how many shots.
    """
    b, d = len(counts), points.shape[1]
    cap = 0.05 if d <= 3 else 0.15
    power = _tempering(likelihood, np.zeros((b, 1), np.float32), np.full(b, _LOWEST, np.float32))
    at: Array = np.broadcast_to(points, (b, *points.shape))
    log_weights = power[:, None] * likelihood
    each = np.repeat(shots, _CENTRES, axis=0)
    for stage in range(_STAGES):
        centres = np.stack([at[i][_resample(log_weights[i], _CENTRES, rng)] for i in range(b)])
        here, slope = slopes(centres.reshape(-1, d))
        information = np.einsum("mci,mcj->mij", slope * (each / (here + 1 / each))[..., None], slope)
        information = information.reshape(b, _CENTRES, d, d) * power[:, None, None, None] + np.eye(d) / cap**2
        roots = np.linalg.cholesky(information)
        pick = rng.integers(_CENTRES, size=(b, size))
        normal = rng.standard_normal((b, size, d)) / np.sqrt(rng.chisquare(_FREEDOM, (b, size, 1)) / _FREEDOM)
        chosen_root = np.take_along_axis(roots, pick[:, :, None, None], axis=1)
        offset = np.linalg.solve(chosen_root.swapaxes(-1, -2), normal[..., None])[..., 0]
        at = np.take_along_axis(centres, pick[:, :, None], axis=1) + offset
        log_proposal = _log_mixtures(at, centres, roots)
        logs = log_chances(np.clip(at, 0, 1))
        inside = ((at >= 0) & (at <= 1)).all(axis=-1)
        found = np.where(inside, np.einsum("bsc,bc->bs", logs, counts), -np.inf)
        power = _tempering(found, -log_proposal, power / 2)
        last = stage == _STAGES - 1 or bool((power >= 1).all())
        log_weights = found * (1.0 if last else power[:, None]) - log_proposal
        if last:
            break
    return Refined(at, logs, found, log_weights, centres, roots)


def joined(one: Refined, other: Refined, rng: np.random.Generator) -> Refined:
    """As many samples as in `one`, standing for two runs of the same observations."""
    points, logs, likelihood, centres, roots = (
        np.concatenate([getattr(one, name), getattr(other, name)], axis=1)
        for name in ("points", "logs", "likelihood", "centres", "roots")
    )
    weights = weights_of(likelihood - _log_mixtures(points, centres, roots))
    kept, thin = (
        np.stack(part) for part in zip(*(thinned(row, one.points.shape[1], rng) for row in weights), strict=True)
    )
    with np.errstate(divide="ignore"):
        log_weights = np.log(thin)
    return Refined(
        np.take_along_axis(points, kept[..., None], axis=1),
        np.take_along_axis(logs, kept[..., None], axis=1),
        np.take_along_axis(likelihood, kept, axis=1),
        log_weights,
        centres,
        roots,
    )


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


def _resample(log_weights: Array, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    heap = np.cumsum(np.exp(log_weights - log_weights.max()))
    return np.minimum(np.searchsorted(heap, rng.random(size) * heap[-1]), len(heap) - 1)


def _log_mixtures(at: Array, centres: Array, roots: Array) -> Array:
    """Of each observation the log density (b, k), up to a constant, of the even mixture of its Student kernels."""
    return np.stack([_log_mixture(*one) for one in zip(at, centres, roots, strict=True)])


def _log_mixture(at: Array, centres: Array, root: Array) -> Array:
    """At (k, d), centres (j, d), root (j, d, d)."""
    d = at.shape[1]
    scaled = np.einsum("jsd,jde->jse", at[None] - centres[:, None], root, optimize=True)
    height = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    log = height[:, None] - (_FREEDOM + d) / 2 * np.log1p((scaled**2).sum(axis=-1) / _FREEDOM)
    top = log.max(axis=0)
    total: Array = top + np.log(np.exp(log - top).mean(axis=0))
    return total
