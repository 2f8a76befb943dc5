"""Training the paper's classifier: four correlations, 15 hidden nodes, SGD 0.01 at batch 32."""

from __future__ import annotations

from benchmarks import Measurement
from benchmarks._training import compare
from qent_hw.estimators.training import Recipe

N_TRAIN, EPOCHS = 64_000, 5


def run() -> Measurement:
    """Both sides, five seeds each; accuracy on fresh states."""
    recipe = Recipe(hidden=(15,), epochs=EPOCHS)
    return compare(
        recipe,
        "sigmoid",
        "binary_crossentropy",
        N_TRAIN,
        lambda predicted, truth: float(((predicted >= 0.5) == truth.astype(bool)).mean()),
        "4-15-1 classifier of special 4-basis states, accuracy",
    )
