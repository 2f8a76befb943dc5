"""Twirled readout: every setting is measured in four parts, with the axis of neither, either or both qubits reversed,
and the outcomes of a reversed axis told the other way round.

What is misread as + and what is misread as − then weigh the same (the assignment matrix becomes symmetric), whatever
the device. All four parts are measured, a quarter of the shots each, so that no randomization adds noise of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qent_hw.circuits.template import ROTATE

FLIPS = (0, 1, 2, 3)
"""How the outcomes ++, +−, −+, −− (0 to 3) change places in a part: place XOR flip; 2 reverses the first qubit."""

_AXES = (ROTATE.index("axis_y1"), ROTATE.index("axis_y2"))


def flipped_angles(rotate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Setting angles (..., n_parts, 4) in radians with every part once for each flip: (..., n_parts · 4, 4)."""
    parts = np.repeat(rotate, len(FLIPS), axis=-2)
    flips = np.tile(FLIPS, rotate.shape[-2])
    for column, bit in zip(_AXES, (2, 1), strict=True):
        parts[..., column] += math.pi * (flips & bit > 0)
    return parts


def unflipped(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (..., n_parts · 4, 4) of the parts of `flipped_angles`, with the outcomes in their places again."""
    n_parts = counts.shape[-2]
    places = np.arange(4)[None, :] ^ np.tile(FLIPS, n_parts // len(FLIPS))[:, None]
    return np.take_along_axis(counts, np.broadcast_to(places, counts.shape), axis=-1)


def twirled(assignment: NDArray[np.float64]) -> NDArray[np.float64]:
    """The assignment (4, 4), A[measured, prepared], of a readout that is twirled: its average over the flips."""
    places = np.arange(4)
    return np.mean([assignment[np.ix_(places ^ flip, places ^ flip)] for flip in FLIPS], axis=0)
