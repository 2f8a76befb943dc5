"""How a network is trained: its size and its descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qent_hw.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training. The defaults are the paper's classifier (arXiv:2410.21504v2, Sec. III).

    hidden: units of each hidden layer; squares: how many of them, from the first layer on, are squared instead of
    rectified; decay: 'none' or 'cosine' (the learning rate falls to 0 along half a cosine).
    """

    hidden: tuple[int, ...] = (15,)
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 200
    decay: Literal["none", "cosine"] = "none"
    squares: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        object.__setattr__(self, "squares", tuple(self.squares))
        for name, value in (
            ("batch_size", self.batch_size),
            ("epochs", self.epochs),
            *(("hidden", h) for h in self.hidden),
        ):
            if int(value) != value or value < 1:
                raise InputError(f"recipe: {name} is {value!r}; it must be a whole number of at least 1")
        if len(self.squares) > len(self.hidden) or any(
            int(q) != q or not 0 <= q <= h for q, h in zip(self.squares, self.hidden, strict=False)
        ):
            raise InputError(
                f"recipe: squares is {self.squares!r}; whole numbers of at most the units of a layer, {self.hidden!r}"
            )
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"recipe: learning_rate is {self.learning_rate!r}; it must be a positive number")
        if self.optimizer not in ("sgd", "adam"):
            raise InputError(f"recipe: optimizer is {self.optimizer!r}; it must be 'sgd' or 'adam'")
        if self.decay not in ("none", "cosine"):
            raise InputError(f"recipe: decay is {self.decay!r}; it must be 'none' or 'cosine'")


PAPER_CLASSIFIER = Recipe()
PAPER_REGRESSOR = Recipe(hidden=(100, 50, 50))
