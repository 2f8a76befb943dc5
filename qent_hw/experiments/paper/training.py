"""Training the paper's networks on one draw of states, and scoring them on the held-out rest and on other states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.estimators.data import GeneralMixed, LabelledStates, drawn_parameters, labelled_states
from qent_hw.estimators.network import Network, Output
from qent_hw.estimators.scores import Score, accuracy, r2, share
from qent_hw.estimators.training import Recipe, train
from qent_hw.experiments.paper.sources import source
from qent_hw.physics.settings import FEATURES

OWN = "own"
"""The name of the states a network was trained on, as those it is tested on."""

# Measured on one core of a shared machine: compiling, drawing a state, starting a layer's work in a step of mini-batch
# descent, and the work for one weight in one matrix product.
_SECONDS_TO_COMPILE, _SECONDS_PER_STATE, _SECONDS_PER_LAYER, _SECONDS_PER_WEIGHT = 0.5, 8e-6, 1.7e-6, 1.25e-9


def perform(
    definition: Mapping[str, Any], tell: Callable[[float], None]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """`scores` (model, tested_on, Score of the accuracy or of R²) and `entangled` (Score of the trained-on states).

    Arrays, over the held-out states: `outputs` float32 (n_models, n_test) of the networks as they are, `entangled`
    bool and `concurrence` float32 (n_test,), and for a family its parameters and `p` (n_test,).
    """
    n, labels = definition["n"], [label for label, _ in definition["models"]]
    columns = tuple(f for f in FEATURES if any(f in features for _, features in definition["models"]))
    data_seed, training_seed, *other_seeds = np.random.SeedSequence(definition["seed"]).spawn(
        2 + len(definition["tested_on"])
    )
    family, channel = source(definition["states"])
    states = labelled_states(family, channel, columns, n, data_seed)
    n_train = round(n * definition["train_share"])
    held_out = states[slice(n_train, n)]
    networks = _trained(definition, columns, states[slice(0, n_train)], training_seed, tell)

    outputs = np.stack([network.predict(held_out.features) for network in networks])
    scores = _scores(labels, OWN, outputs, held_out, definition["target"])
    for (name, plain), seed in zip(definition["tested_on"], other_seeds, strict=True):
        others = labelled_states(*source(plain), columns, n - n_train, seed)
        predicted = np.stack([network.predict(others.features) for network in networks])
        scores += _scores(labels, name, predicted, others, definition["target"])
    arrays: dict[str, NDArray[Any]] = {
        "outputs": outputs,
        "entangled": held_out.entangled,
        "concurrence": held_out.concurrence,
    }
    if not isinstance(family, GeneralMixed):
        drawn = drawn_parameters(family, channel, n, data_seed)
        arrays |= {name: values[n_train:].astype(np.float32) for name, values in drawn.items()}
    return {"scores": scores, "entangled": share(states.entangled)}, arrays


def seconds(definition: Mapping[str, Any]) -> float:
    """About how long the training takes."""
    inputs = max(len(features) for _, features in definition["models"])
    first, *rest = (a * b for a, b in pairwise((inputs, *definition["hidden"], 1)))
    steps = definition["train_share"] * definition["n"] / definition["batch_size"] * definition["epochs"]
    # A layer forwards, its gradient, and, but for the inputs, the gradient that it hands back.
    products = len(definition["models"]) * (2 * first + 3 * sum(rest))
    per_step = (1 + len(rest)) * _SECONDS_PER_LAYER + products * _SECONDS_PER_WEIGHT
    return float(_SECONDS_TO_COMPILE + steps * per_step + definition["n"] * _SECONDS_PER_STATE)


def _trained(
    definition: Mapping[str, Any],
    columns: tuple[str, ...],
    states: LabelledStates,
    seed: np.random.SeedSequence,
    tell: Callable[[float], None],
) -> tuple[Network, ...]:
    output: Output = "sigmoid" if definition["target"] == "entangled" else "linear"
    epochs = definition["epochs"]
    recipe = Recipe(
        hidden=tuple(definition["hidden"]),
        learning_rate=definition["learning_rate"],
        batch_size=definition["batch_size"],
        epochs=epochs,
    )
    masks = np.array([[column in features for column in columns] for _, features in definition["models"]])
    return train(
        states.features,
        getattr(states, definition["target"]),
        recipe,
        output,
        seed,
        masks=masks,
        on_epoch=lambda epoch, loss: tell(epoch / epochs),
    ).networks


def _scores(
    labels: list[str], tested_on: str, outputs: NDArray[np.float32], states: LabelledStates, target: str
) -> list[dict[str, Any]]:
    def score(output: NDArray[np.float32]) -> Score:
        return accuracy(output, states.entangled) if target == "entangled" else r2(output, states.concurrence)

    return [
        {"model": label, "tested_on": tested_on, **score(output)} for label, output in zip(labels, outputs, strict=True)
    ]
