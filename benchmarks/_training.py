"""What the two training benchmarks share: one network, trained by our compiled epoch and by Keras's `fit`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import Measurement
from qent_hw.estimators.data import labelled_states
from qent_hw.estimators.network import Output
from qent_hw.estimators.training import Recipe, train
from qent_hw.physics.settings import FEATURE_SETS

SEEDS = 5

Score = Callable[[NDArray[np.floating], NDArray[np.floating]], float]


def compare(recipe: Recipe, output: Output, loss: str, n_train: int, score: Score, what: str) -> Measurement:
    """Train `SEEDS` networks by each side, same states and number of steps, and compare times and test scores.

    Compiling is left out of both times. `agree` is the difference of the mean test scores in units of its standard
    error from the seeds' spread.
    """
    import keras

    n_test = 100_000
    states = labelled_states("special_four_basis", "dephasing", FEATURE_SETS["bell4"], n_train + n_test, 20241021)
    targets = (states.entangled if output == "sigmoid" else states.concurrence).astype(np.float32)
    x, y, x_test, y_test = states.features[:n_train], targets[:n_train], states.features[n_train:], targets[n_train:]

    def ours(seed: int) -> float:
        return score(train(x, y, recipe, output, seed).networks[0].predict(x_test), y_test)

    def peer(seed: int) -> float:
        keras.utils.set_random_seed(seed)
        model = keras_network(recipe, x.shape[1], output, loss)
        # building and tracing, on one batch and without moving the weights
        model.optimizer.learning_rate.assign(0.0)
        model.fit(x[: recipe.batch_size], y[: recipe.batch_size], batch_size=recipe.batch_size, verbose=0)
        model.optimizer.learning_rate.assign(recipe.learning_rate)
        started.append(time.perf_counter())
        model.fit(x, y, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=0)
        ended.append(time.perf_counter())
        return score(model.predict(x_test, batch_size=10_000, verbose=0)[:, 0], y_test)

    started: list[float] = []
    ended: list[float] = []
    ours(0)
    our_seconds, our_scores = [], []
    for seed in range(SEEDS):
        start = time.perf_counter()
        our_scores.append(ours(seed))
        our_seconds.append(time.perf_counter() - start)
    peer_scores = [peer(seed) for seed in range(SEEDS)]
    peer_seconds = np.subtract(ended, started)
    difference = abs(np.mean(our_scores) - np.mean(peer_scores))
    spread = np.sqrt((np.var(our_scores, ddof=1) + np.var(peer_scores, ddof=1)) / SEEDS)
    steps = recipe.epochs * -(-n_train // recipe.batch_size)
    return {
        "ours_s": float(np.mean(our_seconds)),
        "ours_se_s": float(np.std(our_seconds, ddof=1) / np.sqrt(SEEDS)),
        "peer_s": float(np.mean(peer_seconds)),
        "peer_se_s": float(np.std(peer_seconds, ddof=1) / np.sqrt(SEEDS)),
        "peer": f"keras.Model.fit at batch {recipe.batch_size}, compiled beforehand like ours",
        "work": f"{what}: {steps:,} steps of {recipe.batch_size} on {n_train:,} states, mean of {SEEDS} seeds; "
        f"scores on {n_test:,} states {_spread(our_scores)} and {_spread(peer_scores)}, "
        "their difference in standard errors is the last column",
        "agree": float(difference / spread),
    }


def _spread(scores: list[float]) -> str:
    return f"{np.mean(scores):.4f} ± {np.std(scores, ddof=1):.4f}"


def keras_network(recipe: Recipe, inputs: int, output: Output, loss: str) -> Any:
    """The network of a recipe as a Keras model, compiled with the paper's descent."""
    import keras

    layers = [keras.layers.Dense(width, activation="relu") for width in recipe.hidden]
    model = keras.Sequential([keras.layers.Input((inputs,)), *layers, keras.layers.Dense(1, activation=output)])
    model.compile(optimizer=keras.optimizers.SGD(recipe.learning_rate), loss=loss)
    return model
