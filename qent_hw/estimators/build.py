"""Making a model: draw labelled states, train the two networks, measure intervals and scores, write the card."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import Interrupted
from qent_hw.estimators.blueprint import Blueprint
from qent_hw.estimators.card import fresh_scores, model_card
from qent_hw.estimators.data import LabelledStates, Source, labelled_states, labelled_states_at
from qent_hw.estimators.intervals import SHOTS, IntervalTable, calibrate
from qent_hw.estimators.model import FEWEST_SHOTS, MOST_SHOTS, Model, network_inputs
from qent_hw.estimators.network import Network, Output
from qent_hw.estimators.scores import accuracy, r2, share
from qent_hw.estimators.sources import source_name
from qent_hw.estimators.training import Recipe, train

# what is being done, the share of it that is done in [0, 1], and a short remark such as the loss
Progress = Callable[[str, float, str], None]


def build_model(
    blueprint: Blueprint,
    seed: int,
    progress: Progress | None = None,
    *,
    patience: int | None = None,
    checkpoints: Path | None = None,
) -> Model:
    """Train a model; fixed by the seed on the same machine and versions. Needs TensorFlow.

    progress(what, share, remark) is called as the work goes on. patience: stop early when the loss on the held-out
    states has not improved for so many epochs. checkpoints: an existing folder for the trainings' checkpoints; a call
    that was stopped goes on from them. Raises InputError for an unknown family or channel.
    """
    tell: Progress = progress or (lambda what, share, remark: None)
    data_seed, classifier_seed, regressor_seed, interval_seed, test_seed = np.random.SeedSequence(seed).spawn(5)
    started = time.perf_counter()
    tell("drawing training states", 0.0, "")
    source = blueprint.source
    n = max(blueprint.n_classifier, blueprint.n_regressor)
    states = labelled_states(source, blueprint.channel, blueprint.averages, n, data_seed, blueprint.shots)
    inputs = _inputs(blueprint, states)
    drawn = time.perf_counter()

    # The first states are trained on, the rest of each network's n is held out.
    n_class, n_regress = (round(m * blueprint.train_share) for m in (blueprint.n_classifier, blueprint.n_regressor))
    held_class, held_regress = slice(n_class, blueprint.n_classifier), slice(n_regress, blueprint.n_regressor)

    def fit(
        name: str,
        targets: NDArray[Any],
        trained: int,
        held: slice,
        output: Output,
        own: np.random.SeedSequence,
        stopped: Event,
        weights: NDArray[np.float32] | None = None,
    ) -> Network:
        recipe: Recipe = getattr(blueprint, name)
        return train(
            inputs[:trained],
            targets[:trained],
            recipe,
            output,
            own,
            on_epoch=_epochs(tell, f"training the {name}", recipe.epochs, stopped),
            weights=None if weights is None else weights[:trained],
            validation=None
            if patience is None
            else (inputs[held], targets[held], None if weights is None else weights[held]),
            patience=patience,
            checkpoint=None if checkpoints is None else checkpoints / f"{name}.npz",
        ).networks[0]

    with _together() as (start, stopped):
        one = start(fit, "classifier", states.entangled, n_class, held_class, "sigmoid", classifier_seed, stopped)
        other = start(
            fit,
            "regressor",
            states.concurrence,
            n_regress,
            held_regress,
            "linear",
            regressor_seed,
            stopped,
            _weights(blueprint, states),
        )
        classifier, regressor = one.result(), other.result()
    trained = time.perf_counter()
    held_out = {
        "accuracy": accuracy(classifier.predict(inputs[held_class]), states.entangled[held_class]),
        "r2": r2(_concurrence(regressor, inputs[held_regress]), states.concurrence[held_regress]),
    }
    entangled = share(states.entangled)
    del states

    tell("measuring the intervals", 0.0, "")
    model = Model(
        family=source_name(blueprint.family),
        channel=blueprint.channel,
        features=blueprint.features,
        shot_aware=blueprint.shot_aware,
        classifier=classifier,
        regressor=regressor,
        intervals=_intervals(blueprint, source, regressor, interval_seed),
        card={},
        apart=blueprint.apart,
    )
    tell("measuring the scores", 0.0, "")
    fresh = fresh_scores(model, source, blueprint.n_test, test_seed)
    seconds = {"data": round(drawn - started, 1), "training": round(trained - drawn, 1)}
    tell("done", 1.0, "")
    return replace(model, card=model_card(blueprint, seed, entangled, held_out, fresh, seconds))


@contextmanager
def _together() -> Iterator[tuple[Callable[..., Future[Network]], Event]]:
    """Two trainings at a time, one a core: each runs its epochs outside Python. An interruption stops both."""
    stopped = Event()
    with ThreadPoolExecutor(2) as pool:
        try:
            yield pool.submit, stopped
        except BaseException:  # KeyboardInterrupt too: leaving the pool waits for both trainings
            stopped.set()
            raise


def _epochs(tell: Progress, what: str, epochs: int, stopped: Event) -> Callable[[int, float], None]:
    def told(epoch: int, loss: float) -> None:
        if stopped.is_set():
            raise Interrupted("training: stopped; its checkpoint is kept")
        tell(what, epoch / epochs, f"loss {loss:.5f}")

    return told


def _inputs(blueprint: Blueprint, states: LabelledStates) -> NDArray[np.float32]:
    within = (FEWEST_SHOTS, MOST_SHOTS) if blueprint.shot_aware else None
    return network_inputs(states.features, states.shots, within)


def _weights(blueprint: Blueprint, states: LabelledStates) -> NDArray[np.float32] | None:
    if not (blueprint.shot_aware and blueprint.weight_power):
        return None
    weights = states.shots**blueprint.weight_power
    return (weights / weights.mean()).astype(np.float32)


def _concurrence(regressor: Network, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(regressor.predict(inputs), 0, 1)


def _intervals(blueprint: Blueprint, source: Source, regressor: Network, seed: np.random.SeedSequence) -> IntervalTable:
    drawing = (source, blueprint.channel, blueprint.averages, blueprint.n_intervals, seed)
    levels = dict(zip(SHOTS, labelled_states_at(*drawing, SHOTS), strict=True))
    return calibrate(
        {
            shots: (
                _concurrence(regressor, _inputs(blueprint, level)),
                level.concurrence,
            )
            for shots, level in levels.items()
        }
    )
