"""This package beside its peers: each module here is one benchmark, with a function `run() -> Measurement`.

Both sides do the same work in the same run, and the correctness check of the two is part of the result.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Measurement(TypedDict):
    """What one benchmark found. Times are wall-clock seconds for the whole of `work`."""

    ours_s: float
    peer_s: float
    peer: str  # what we are compared with
    work: str  # what was done, how often it was timed, and what was scaled
    agree: float  # the correctness check's figure: usually the largest absolute difference
    ours_se_s: NotRequired[float]  # standard errors of the two times
    peer_se_s: NotRequired[float]
    parts: NotRequired[dict[str, float]]  # seconds of each of several that did the same work
