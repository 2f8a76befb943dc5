"""Few weighted samples in place of many, without bias."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def thinned(
    weights: NDArray[np.float64], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which `size` of the m >= size samples to keep, in their order, and their weights (size,), of the same sum.

    weights: (m,), not negative, not all zero. The heavy ones are kept as they are; of the light ones each has a chance
    in proportion to its weight, and whichever are drawn share what all of them weigh. Of all draws that leave every
    weighted mean right on the average this changes the weights least: Fearnhead and Clifford, J. R. Stat. Soc. B 65,
    887 (2003).
    """
    apart = np.partition(weights, -size)
    heaviest = np.sort(apart[-size:])
    lighter = apart[:-size].sum() + np.cumsum(heaviest)
    places = np.arange(1, size + 1)
    n_light = int(places[heaviest * places <= lighter][-1])
    level = lighter[n_light - 1] / n_light
    if level == 0:
        kept = np.sort(np.argpartition(weights, -size)[-size:])
        return kept, weights[kept]
    heavy = weights > level
    reached = np.cumsum(np.where(heavy, 0.0, weights)) / level
    drawn = np.searchsorted(reached, rng.random() + np.arange(n_light), side="right")
    kept = np.sort(np.concatenate([np.flatnonzero(heavy), np.minimum(drawn, len(weights) - 1)]))
    return kept, np.maximum(weights[kept], level)
