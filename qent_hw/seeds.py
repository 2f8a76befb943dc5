"""Seeds that give the same however often they have been used.

A `numpy.random.SeedSequence` counts the children it has spawned, so that the next ones depend on who asked before. What
is to come out the same whenever it is asked for takes its children from a fresh sequence.
"""

from __future__ import annotations

import numpy as np


def fresh_seed(seed: int | np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    """The sequence of `seed` as if nothing had been spawned from it; with a path, the same of its child number path[0],
    of that one's child number path[1], and so on."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *path))
