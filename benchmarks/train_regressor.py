"""Training the paper's regressor: four correlations, hidden layers of 100, 50 and 50 nodes, SGD 0.01 at batch 32."""

from __future__ import annotations

import numpy as np

from benchmarks import Measurement
from benchmarks._training import compare
from qent_hw.estimators.training import Recipe

N_TRAIN, EPOCHS = 64_000, 5


def run() -> Measurement:
    """Both sides, five seeds each; R² on fresh states."""
    recipe = Recipe(hidden=(100, 50, 50), epochs=EPOCHS)
    return compare(
        recipe,
        "linear",
        "mse",
        N_TRAIN,
        lambda predicted, truth: float(1 - np.mean((predicted - truth) ** 2) / np.var(truth)),
        "4-100-50-50-1 regressor of special 4-basis states, R²",
    )
