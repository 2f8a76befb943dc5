"""All trainings of the paper's figures at full size: our batches of models against Keras's `fit`, one model at a time.

Neither side is run to the end here: both are timed over some thousand steps of each shape of network and scaled to
the steps that the cards in experiments/paper ask for.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np

from benchmarks import Measurement
from benchmarks._training import keras_network
from qent_hw.estimators.training import Recipe, train
from qent_hw.experiments.paper.card import FIGURES, load_card
from qent_hw.experiments.paper.tasks import all_tasks
from qent_hw.physics.settings import FEATURES

OUR_STEPS, PEER_STEPS = 4000, 600


def run() -> Measurement:
    """Hours on one core, each side in one process."""
    ours_s = 0.0
    steps: dict[tuple[int, ...], int] = defaultdict(int)
    shapes: dict[tuple[tuple[int, ...], int, int], float] = {}
    for task in {key: task for number in FIGURES for key, task in all_tasks(load_card(number)).items()}.values():
        if task["kind"] != "training":
            continue
        hidden, models = tuple(task["hidden"]), task["models"]
        inputs = max(len(features) for _, features in models)
        n_steps = task["epochs"] * -(-round(task["n"] * task["train_share"]) // task["batch_size"])
        shape = (hidden, len(models), inputs)
        if shape not in shapes:
            shapes[shape] = _ours(*shape)
        ours_s += n_steps * shapes[shape]
        steps[hidden] += n_steps * len(models)
    peer_s = sum(number * _peer(hidden) for hidden, number in steps.items())
    total = sum(steps.values())
    return {
        "ours_s": ours_s,
        "peer_s": peer_s,
        "peer": "keras.Model.fit at batch 32, a model at a time",
        "work": f"all {total:,} training steps of the paper's figures on one core, without data and tests: "
        f"extrapolated from {OUR_STEPS:,} (ours) and {PEER_STEPS:,} (peer) steps of each shape of network, not run to "
        "the end; agreement: weights after 50 equal steps from the same start",
        "agree": _difference(),
    }


def _ours(hidden: tuple[int, ...], n_models: int, inputs: int) -> float:
    """Seconds of one step of all models together."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1, 1, (32 * OUR_STEPS, inputs)).astype(np.float32), rng.uniform(size=32 * OUR_STEPS)
    masks = rng.integers(0, 2, (n_models, inputs))
    recipe = Recipe(hidden=hidden, epochs=1)
    train(x, y, recipe, "linear", 1, masks=masks)
    start = time.perf_counter()
    train(x, y, recipe, "linear", 2, masks=masks)
    return (time.perf_counter() - start) / OUR_STEPS


def _peer(hidden: tuple[int, ...]) -> float:
    """Seconds of one step of one model, with as many inputs as there are features."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-1, 1, (32 * PEER_STEPS, len(FEATURES))).astype(np.float32), rng.uniform(size=32 * PEER_STEPS)
    model = keras_network(Recipe(hidden=hidden), len(FEATURES), "linear", "mse")
    model.fit(x[:32], y[:32], batch_size=32, verbose=0)
    start = time.perf_counter()
    model.fit(x, y, batch_size=32, verbose=0)
    return (time.perf_counter() - start) / PEER_STEPS


def _difference() -> float:
    """Largest difference of a weight after 50 steps on one batch, both sides starting alike."""
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-1, 1, (32, 4)).astype(np.float32), rng.uniform(size=32).astype(np.float32)
    recipe = Recipe(hidden=(15,), epochs=50)
    ours = train(x, y, recipe, "linear", 3).networks[0]
    untouched = train(x, y, replace(recipe, learning_rate=1e-30, epochs=1), "linear", 3).networks[0]
    model = keras_network(recipe, 4, "linear", "mse")
    model.set_weights(untouched.to_keras().get_weights())
    model.fit(x, y, batch_size=32, epochs=50, shuffle=False, verbose=0)
    theirs = model.get_weights()
    mine = [array for pair in zip(ours.weights, ours.biases, strict=True) for array in pair]
    return float(max(np.abs(a - b).max() for a, b in zip(mine, theirs, strict=True)))
