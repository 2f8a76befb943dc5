"""The batched exact simulation: ground truth now; training data are drawn with the same functions."""

from __future__ import annotations

from qent_hw.simulation.truth import idled_states, noisy_states

__all__ = ["idled_states", "noisy_states"]
