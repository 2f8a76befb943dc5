"""Batches of two-qubit states: walking through them in blocks, and naming one of them in an error message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A block of 4,096 density matrices is 1 MB: arithmetic on it stays in the processor's cache, several times faster than
# sweeping over a whole data set once per operation.
BLOCK = 4096


def blocks(count: int) -> Iterator[slice]:
    """Slices that cover `range(count)` in order, at most BLOCK long."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def per_state(
    function: Callable[[NDArray[np.complex128]], NDArray[Any]], rho: NDArray[np.complex128], dtype: type
) -> NDArray[Any]:
    """Apply `function`, (n, 4, 4) -> (n,), to a batch (..., 4, 4) block by block -> (...)."""
    flat = rho.reshape(-1, 4, 4)
    out: NDArray[Any] = np.empty(len(flat), dtype=dtype)
    for block in blocks(len(flat)):
        out[block] = function(flat[block])
    return out.reshape(rho.shape[:-2])[()]


def first_index(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    """Index of the first true entry of `bad` (at least one must be true); () for a scalar."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))


def subscript(name: str, index: tuple[int, ...]) -> str:
    """`p`, `p[3]` or `p[0, 2]`: how a message names one value of an array."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name
