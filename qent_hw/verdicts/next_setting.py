"""Which setting to measure next: the one whose next outcome tells most about the label, entangled or separable.

The mutual information between the outcome of one shot and the label is the Jensen-Shannon divergence between what the
entangled and what the separable states that are left would give, weighted by how likely either is (Lindley, Ann. Math.
Stat. 27, 986 (1956); Lin, IEEE Trans. Inf. Theory 37, 145 (1991)).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from qent_hw.physics.counts import evenly

Array: TypeAlias = NDArray[np.float64]
Spread: TypeAlias = Literal["most", "shared", "even"]
"""How a batch is spent: all of it on the setting that tells most, in portions as settings tell, or evenly."""

_PORTIONS = 4


def information(p: Array, entangled: Array, separable: Array) -> Array:
    """What one shot in each setting tells of the label, in nats: (n, n_settings).

    p (n,): the probability of "entangled"; entangled, separable: (n, n_settings, 4) how likely outcomes ++, +−, −+, −−
    are on the average over the states of either label. Zero where one of the labels is ruled out.
    """
    of_label = p[:, None, None]
    mixture = np.maximum(of_label * entangled + (1 - of_label) * separable, 1e-300)
    told = of_label * rel_entr(entangled, mixture) + (1 - of_label) * rel_entr(separable, mixture)
    return np.maximum(told.sum(axis=2), 0.0)


def share_out(
    batch: int, told: Array, measured: NDArray[np.int64], spread: Spread, parts: int = 1
) -> NDArray[np.int64]:
    """Shots of the next batch for each state and setting: (n, n_settings), `batch` in all for every state.

    told: (n, n_settings) from `information`; measured: (n, n_settings) shots so far. Every number is a multiple of
    `parts`, as `batch` must be. Of settings that tell the same, as where nothing tells anything, the one measured least
    comes first. "shared" hands out the batch in four portions, the setting for each of them the one that has got least
    of what its information claims.
    """
    n, n_settings = told.shape
    if spread == "even":
        # what does not divide goes to those measured least
        order = np.argsort(measured, axis=1, kind="stable")
        handed = np.broadcast_to(evenly(batch // parts, n_settings) * parts, (n, n_settings))
        even = np.empty((n, n_settings), np.int64)
        np.put_along_axis(even, order, handed, axis=1)
        return even
    found = np.zeros((n, n_settings), np.int64)
    rows = np.arange(n)
    total = told.sum(axis=1, keepdims=True)
    claims = np.where(total > 0, told / np.maximum(total, 1e-300), 1 / n_settings)
    portions = [batch] if spread == "most" else (evenly(batch // parts, _PORTIONS) * parts).tolist()
    for portion in portions:
        lacking = claims * batch - found
        # in shares of a shot so small that they decide between equals alone
        chosen = (lacking - 1e-9 * measured / (1 + measured.max(initial=0))).argmax(axis=1)
        found[rows, chosen] += portion
    return found
