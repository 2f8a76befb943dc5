"""One training engine for every network: compiled epochs, and between them what a person may want to see or stop.

Several networks of the same shape can be trained together on the same data (a leading model axis): with different
seeds, or each seeing its own subset of the inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError
from qent_hw.estimators import checkpoint as checkpoints
from qent_hw.estimators.checkpoint import State
from qent_hw.estimators.epoch import compiled_epoch, layer_shapes
from qent_hw.estimators.network import Network, Output
from qent_hw.estimators.recipe import PAPER_CLASSIFIER, PAPER_REGRESSOR, Recipe
from qent_hw.seeds import fresh_seed

__all__ = ["PAPER_CLASSIFIER", "PAPER_REGRESSOR", "Recipe", "Training", "train"]

_CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True)
class Training:
    """What a training gives: one network per model, and the mean loss of each epoch, float32 (epochs, n_models).

    `validation` holds the loss on the validation data likewise, (0, n_models) without such data.
    """

    networks: tuple[Network, ...]
    losses: NDArray[np.float32]
    validation: NDArray[np.float32]


def train(
    x: ArrayLike,
    y: ArrayLike,
    recipe: Recipe,
    output: Output,
    seed: int | np.random.SeedSequence,
    *,
    weights: ArrayLike | None = None,
    masks: ArrayLike | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
    validation: tuple[ArrayLike, ArrayLike, ArrayLike | None] | None = None,
    patience: int | None = None,
    checkpoint: Path | None = None,
) -> Training:
    """Fit networks to inputs x (n, n_inputs) and targets y (n,); n_models = len(masks), or 1 without masks.

    output 'sigmoid' minimises the binary cross-entropy of y in {0, 1}, 'linear' the squared error. Weights start
    Glorot-uniform, biases at zero; every epoch visits all rows in a new random order, the last batch being shorter if n
    is no multiple of the batch size (all as Keras does by default). Inputs are used as they are: features lie in
    [-1, 1], and dividing by a tiny standard deviation makes a network explode when the inputs shift.

    weights: (n,) of the rows' losses, at least 0 and 1 on the average; None for equal ones.
    masks: 0/1 array (n_models, n_inputs); model m sees x * masks[m], so a row of zeros and ones selects features.
    on_epoch(epoch, mean loss) is called after every epoch, epoch counting from 1.
    validation, patience: stop early, when no model's loss on the validation data (x, y, weights) has improved for
    `patience` epochs; each model is then the one of its best epoch.
    checkpoint: a file written every few seconds; a training that finds its own there goes on from it, to the same
    result. It is left in place at the end.
    The result is fixed by the seed on the same machine and versions. Raises InputError for shapes that do not match,
    values that are not finite, a training that diverges, and a checkpoint of another training.
    """
    rows, targets = _data("training data", x, y, weights)
    seen = np.ones((1, rows.shape[1]), np.float32) if masks is None else np.asarray(masks, dtype=np.float32)
    if seen.ndim != 2 or seen.shape[1] != rows.shape[1] or not np.isin(seen, (0, 1)).all():
        raise InputError(f"training masks: shape {seen.shape}; they must be 0/1 of shape (n_models, {rows.shape[1]})")
    held = None if validation is None else _data("validation data", *validation)
    if patience is not None and (held is None or patience < 1):
        raise InputError(f"patience: {patience!r}; stopping early needs validation data and a whole number from 1 up")

    root = fresh_seed(seed)
    init_seed, order_seed = root.spawn(2)
    widths = (rows.shape[1], *recipe.hidden, 1)
    key = "" if checkpoint is None else _key(rows, targets, seen, held, recipe, output, root)
    state = None if checkpoint is None else checkpoints.read(checkpoint, key)
    if state is None:
        state = _start(widths, seen, recipe, init_seed, np.random.default_rng(order_seed))
    run_epoch = compiled_epoch(recipe, output, len(rows), widths, len(seen), weights is not None)
    rows, seen = (np.pad(array, ((0, 0), (0, 1)), constant_values=1) for array in (rows, seen))
    written = time.monotonic()
    while state.epoch < recipe.epochs and not _stalled(state.validation, patience):
        state = _after_epoch(state, rows, targets, seen, run_epoch)
        if not np.isfinite(state.losses[-1]).all():
            raise InputError(
                f"training: the loss was {state.losses[-1].max()} in epoch {state.epoch}; "
                f"learning_rate {recipe.learning_rate:g} is too high for these inputs"
            )
        if held is not None:
            state = _validated(state, held, output, recipe)
        if checkpoint is not None and time.monotonic() - written > _CHECKPOINT_SECONDS:
            checkpoints.write(checkpoint, state, key)
            written = time.monotonic()
        if on_epoch is not None:
            on_epoch(state.epoch, float(state.losses[-1].mean()))
    return Training(_networks(state.best or state.layers, output, recipe), state.losses, state.validation)


def _data(
    what: str, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inputs (n, k), and targets (n,) or, with weights, both side by side (n, 2)."""
    rows, targets = np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)
    if rows.ndim != 2 or 0 in rows.shape or targets.shape != rows.shape[:1]:
        raise InputError(f"{what}: x has shape {rows.shape} and y {targets.shape}; they must be (n, inputs) and (n,)")
    if not (np.isfinite(rows).all() and np.isfinite(targets).all()):
        raise InputError(f"{what}: x or y holds values that are not finite")
    if weights is None:
        return rows, targets
    beside = np.asarray(weights, dtype=np.float32)
    if beside.shape != targets.shape or not (np.isfinite(beside).all() and (beside >= 0).all()):
        raise InputError(f"{what}: weights of shape {beside.shape}; they must be {targets.shape}, of at least 0")
    return rows, np.stack([targets, beside], axis=1)


def _key(
    rows: NDArray[np.float32],
    targets: NDArray[np.float32],
    seen: NDArray[np.float32],
    held: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    recipe: Recipe,
    output: str,
    root: np.random.SeedSequence,
) -> str:
    return checkpoints.fingerprint(rows, targets, seen, *(held or ()), recipe, output, root.entropy, root.spawn_key)


def _start(
    widths: tuple[int, ...],
    seen: NDArray[np.float32],
    recipe: Recipe,
    seed: np.random.SeedSequence,
    order: np.random.Generator,
) -> State:
    layers = _glorot(widths, len(seen), seed)
    # A masked input is one whose weights are zero, and stay zero.
    layers[0][:, :, :-1] *= seen[:, None]
    slots = [np.zeros_like(layer) for layer in layers for _ in range(2)] if recipe.optimizer == "adam" else []
    none = np.empty((0, len(seen)), np.float32)
    return State(0, layers, slots, 0, none, none, [], dict(order.bit_generator.state))


def _glorot(widths: tuple[int, ...], n_models: int, seed: np.random.SeedSequence) -> list[NDArray[np.float32]]:
    """Layers as `compiled_epoch` takes them: Glorot-uniform weights and zero biases."""
    layers = [np.zeros(shape, np.float32) for shape in layer_shapes(widths, n_models)]
    rngs = [np.random.default_rng(s) for s in seed.spawn(n_models)]
    for layer, (n_in, n_out) in zip(layers, pairwise(widths), strict=True):
        limit = np.sqrt(6 / (n_in + n_out))
        for own, rng in zip(layer, rngs, strict=True):
            own[:n_out, :n_in] = rng.uniform(-limit, limit, (n_in, n_out)).T
    return layers


def _after_epoch(
    state: State,
    rows: NDArray[np.float32],
    targets: NDArray[np.float32],
    seen: NDArray[np.float32],
    run_epoch: Callable[..., tuple[list[NDArray[np.float32]], list[NDArray[np.float32]], int, NDArray[np.float32]]],
) -> State:
    order = np.random.default_rng()
    order.bit_generator.state = state.order
    shuffled = order.permutation(len(targets))
    layers, slots, step, loss = run_epoch(
        np.take(rows, shuffled, axis=0), targets[shuffled], seen, state.layers, state.slots, state.step
    )
    return replace(
        state,
        epoch=state.epoch + 1,
        layers=layers,
        slots=slots,
        step=step,
        losses=np.concatenate([state.losses, loss[None] / np.float32(len(targets))]),
        order=dict(order.bit_generator.state),
    )


def _validated(
    state: State, held: tuple[NDArray[np.float32], NDArray[np.float32]], output: Output, recipe: Recipe
) -> State:
    """The state with its validation loss, and for each model its best epoch so far."""
    x, y = held
    y, weights = (y, None) if y.ndim == 1 else y.T
    networks = _networks(state.layers, output, recipe)
    losses = np.empty(len(networks), np.float32)
    for m, network in enumerate(networks):
        predicted = network.predict(x)
        if output == "sigmoid":
            likely = np.clip(np.where(y > 0.5, predicted, 1 - predicted), np.finfo(np.float32).tiny, None)
            losses[m] = np.average(-np.log(likely), weights=weights)
        else:
            losses[m] = np.average((predicted - y) ** 2, weights=weights)
    better = losses < state.validation.min(axis=0, initial=np.inf)
    kept = state.best or state.layers
    best = [np.where(better[:, None, None], new, old) for new, old in zip(state.layers, kept, strict=True)]
    return replace(state, validation=np.concatenate([state.validation, losses[None]]), best=best)


def _stalled(validation: NDArray[np.float32], patience: int | None) -> bool:
    """Whether no model's best validation loss is among the last `patience` epochs."""
    if patience is None or len(validation) <= patience:
        return False
    return bool((validation.argmin(axis=0) < len(validation) - patience).all())


def _networks(layers: list[NDArray[np.float32]], output: Output, recipe: Recipe) -> tuple[Network, ...]:
    """Each model as a network of its own: without the units that are always 1, and without a mask."""
    units = [slice(-1)] * (len(layers) - 1) + [slice(None)]
    return tuple(
        Network(
            tuple(layer[m, own, :-1].T.copy() for layer, own in zip(layers, units, strict=True)),
            tuple(layer[m, own, -1].copy() for layer, own in zip(layers, units, strict=True)),
            output,
            recipe.squares,
        )
        for m in range(len(layers[0]))
    )
