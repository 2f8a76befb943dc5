"""Results as they should not be: shots, PUBs or rows missing, another circuit's, or no results at all."""

from __future__ import annotations

import numpy as np

TEXTS = {"text": '"The result is too large to be shown."', "null": "null", "empty": ""}


def spoil(data: list[dict[str, np.ndarray]], kind: str | None) -> list[dict[str, np.ndarray]]:
    """The PUBs' registers (*shape, shots, bits) with a flaw of the `kind`, where it is one of their content."""
    if kind == "fewer_pubs":
        return data[:-1]
    if kind == "fewer_shots":
        return [{name: bits[..., : bits.shape[-2] // 2, :] for name, bits in pub.items()} for pub in data]
    if kind == "wrong_shape":
        # a PUB without rows to lose gets one too many
        return [
            {name: bits[:-1] if bits.ndim > 2 and len(bits) > 1 else bits[None] for name, bits in pub.items()}
            for pub in data
        ]
    if kind == "foreign":
        return [{"meas": np.zeros((next(iter(pub.values())).shape[-2], 1), dtype=bool)} for pub in data]
    return data


def spoil_text(text: str, kind: str | None) -> str:
    """The results document, where the flaw is one of the whole."""
    if kind == "garbled":
        return text[: len(text) // 2]
    return TEXTS.get(kind, text)
