"""The batched exact simulation: the states that an experiment injects its noise into, which are the ground truth, and
what a noisy device measures of them (`.device`), for training data."""

from __future__ import annotations

from qent_hw.simulation.truth import idled_states, noisy_states

__all__ = ["idled_states", "noisy_states"]
