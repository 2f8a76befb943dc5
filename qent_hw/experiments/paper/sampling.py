"""A sample of states: how many are entangled, up to which p, and the smallest eigenvalue of their partial transpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.data import GeneralMixed, drawn_parameters, labelled_states
from qent_hw.estimators.scores import share
from qent_hw.experiments.paper.sources import source

_CHUNK = 16_384
_SECONDS_PER_STATE = 8e-6


def perform(
    definition: Mapping[str, Any], tell: Callable[[float], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """`entangled` (a Score); for a family `largest_p` of an entangled state, for general mixed states the array
    `lowest_eigenvalue` (n,) of the partial transposes (Fig. 4)."""
    n, seed = definition["n"], np.random.SeedSequence(definition["seed"])
    states, channel = source(definition["states"])
    if isinstance(states, GeneralMixed):
        sizes = [min(_CHUNK, n - start) for start in range(0, n, _CHUNK)]
        lowest = np.empty(n)
        for index, (size, own) in enumerate(zip(sizes, seed.spawn(len(sizes)), strict=True)):
            rho = physics.random_mixed(size, states.spectrum, own)
            lowest[index * _CHUNK : index * _CHUNK + size] = physics.ppt_min_eigenvalue(rho, validate=False)
            tell((index + 1) / len(sizes))
        return {"entangled": share(lowest < 0)}, {"lowest_eigenvalue": lowest.astype(np.float32)}
    entangled = labelled_states(states, channel, physics.BELL_SETTINGS, n, seed).entangled
    p = drawn_parameters(states, channel, n, seed)["p"]
    return {"entangled": share(entangled), "largest_p": float(p[entangled].max(initial=0.0))}, {}


def seconds(definition: Mapping[str, Any]) -> float:
    """About how long the sample takes."""
    return _SECONDS_PER_STATE * float(definition["n"])
