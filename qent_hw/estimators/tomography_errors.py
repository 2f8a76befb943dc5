"""How sure a reconstructed state is: the error of its smallest partially transposed eigenvalue, and an interval for its
concurrence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qent_hw import physics
from qent_hw.estimators.estimates import Estimates, verdicts
from qent_hw.estimators.tomography_born import Reconstruction
from qent_hw.estimators.tomography_linear import closest_states
from qent_hw.physics.entanglement import PPT_TOLERANCE
from qent_hw.seeds import fresh_seed

CLOUD = 40
"""Perturbed states of which the concurrence's interval holds the middle 90%."""

_BLOCK = 512  # states whose clouds are made at a time: some 10 MB


def ppt_margin(found: Reconstruction) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far states are inside the entangled ones, −λ_min(ρ^TB), negative outside, and its standard error, each (n,).

    To first order a change δρ moves the smallest eigenvalue, with eigenvector v, by <v|δρ^TB|v>. Where that eigenvalue
    is next to degenerate, or the estimate was held back at the border of the states, this is an order of magnitude: the
    estimate is then biased, and mostly towards entangled.
    """
    values, vectors = np.linalg.eigh(physics.partial_transpose(found.states, validate=False))
    lowest = vectors[:, :, 0]
    projector = physics.partial_transpose(lowest[:, :, None] * lowest[:, None, :].conj(), validate=False)
    slopes = physics.features(projector, validate=False) / 4
    variance = np.einsum("nj,njk,nk->n", slopes, found.covariance, slopes)
    return -values[:, 0] - PPT_TOLERANCE, np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny))


def ppt_estimates(found: Reconstruction, seed: int | np.random.SeedSequence) -> Estimates:
    """Plain PPT on reconstructed states: P(entangled) = Φ(margin/σ) by `ppt_margin`, its 68% interval a σ both ways;
    their concurrence, and its interval by `concurrence_interval`."""
    margin, error = ppt_margin(found)
    p_entangled = ndtr(margin / error)
    concurrence = physics.concurrence(found.states, validate=False)
    low, high = concurrence_interval(found, concurrence, seed)
    return Estimates(
        p_entangled=p_entangled,
        p_entangled_low=ndtr(margin / error - 1),
        p_entangled_high=ndtr(margin / error + 1),
        concurrence=concurrence,
        concurrence_low=low,
        concurrence_high=high,
        verdict=verdicts(p_entangled),
    )


def concurrence_interval(
    found: Reconstruction, concurrence: NDArray[np.float64], seed: int | np.random.SeedSequence
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A 90% interval of states whose estimated concurrence is (n,): two (n,), within [0, 1].

    A cloud of 40 averages per state, normal about the estimate with its covariance, each brought to the closest state:
    the interval reaches from the 5% to the 95% quantile of their concurrences. Near the border of the states errors can
    go inward alone, so that concurrence is overestimated (at few shots by more than its scatter): the low end is
    therefore moved down to where the 95% quantile is mirrored at the estimate, if that is lower. It assumes that
    estimates scatter about the true state as the cloud does about the estimate. The interval's company does not matter
    but for which random numbers a state meets.
    """
    n = len(concurrence)
    seeds = fresh_seed(seed).spawn(-(-n // _BLOCK))
    low, high = np.empty(n), np.empty(n)
    for block, one in enumerate(seeds):
        rows = slice(block * _BLOCK, (block + 1) * _BLOCK)
        scale = np.linalg.cholesky(found.covariance[rows])
        noise = np.random.default_rng(one).standard_normal((len(scale), CLOUD, 15)) @ scale.swapaxes(1, 2)
        cloud = closest_states((found.averages[rows, None] + noise).reshape(-1, 15))
        values = physics.concurrence(cloud, validate=False).reshape(-1, CLOUD)
        # of n values the k-th largest is the k/(n + 1) quantile, on the average
        low[rows], high[rows] = np.quantile(values, (0.05, 0.95), axis=1, method="weibull")
    low = np.maximum(0.0, np.minimum(low, 2 * concurrence - high))
    return np.minimum(low, concurrence), np.maximum(high, concurrence)
