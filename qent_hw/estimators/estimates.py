"""What every estimator gives, and what every estimator is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError

if TYPE_CHECKING:
    from qent_hw.physics.counts import Counts


@dataclass(frozen=True)
class Estimates:
    """One estimate per state, every array of shape (n_states,) and float64, `verdict` of strings.

    p_entangled: probability that the state is entangled, with a 68% interval (p_entangled_low, p_entangled_high) of
    what the same experiment, repeated, would give; concurrence in [0, 1] with a 90% interval that is to contain the
    true value; verdict: 'entangled' where p_entangled >= 1/2, else 'separable'.
    """

    p_entangled: NDArray[np.float64]
    p_entangled_low: NDArray[np.float64]
    p_entangled_high: NDArray[np.float64]
    concurrence: NDArray[np.float64]
    concurrence_low: NDArray[np.float64]
    concurrence_high: NDArray[np.float64]
    verdict: NDArray[np.str_]

    def __post_init__(self) -> None:
        shapes = {np.shape(getattr(self, name)) for name in self.__dataclass_fields__}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise InputError(f"estimates: arrays of shapes {sorted(shapes)}; all must be (n_states,)")

    def __len__(self) -> int:
        return len(self.p_entangled)


def verdicts(p_entangled: NDArray[np.floating]) -> NDArray[np.str_]:
    """'entangled' where the probability is at least 1/2, else 'separable'; (n,) strings."""
    return np.where(np.asarray(p_entangled) >= 0.5, "entangled", "separable")


class Estimator(Protocol):
    """Anything that turns counts into estimates."""

    @property
    def name(self) -> str:
        """The name under which its estimates are reported, such as 'bell8'."""
        ...

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs, such as ('xa', 'xb', 'ya', 'yb')."""
        ...

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`, fixed by the seed.

        The settings may stand in any order and include more than are needed; missing ones raise InputError.
        """
        ...
