"""One training engine for every network: an epoch of mini-batches as a single compiled loop, no Python per step.

Several networks of the same shape can be trained together on the same data (a leading model axis): with different
seeds, or each seeing its own subset of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError
from qent_hw.estimators.network import Network, Output


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training. The defaults are the paper's classifier (arXiv:2410.21504v2, Sec. III).

    hidden: units of each hidden layer; decay: 'none' or 'cosine' (the learning rate falls to 0 along half a cosine).
    """

    hidden: tuple[int, ...] = (15,)
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.01
    batch_size: int = 32
    epochs: int = 200
    decay: Literal["none", "cosine"] = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name, value in (
            ("batch_size", self.batch_size),
            ("epochs", self.epochs),
            *(("hidden", h) for h in self.hidden),
        ):
            if int(value) != value or value < 1:
                raise InputError(f"recipe: {name} is {value!r}; it must be a whole number of at least 1")
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"recipe: learning_rate is {self.learning_rate!r}; it must be a positive number")
        if self.optimizer not in ("sgd", "adam"):
            raise InputError(f"recipe: optimizer is {self.optimizer!r}; it must be 'sgd' or 'adam'")
        if self.decay not in ("none", "cosine"):
            raise InputError(f"recipe: decay is {self.decay!r}; it must be 'none' or 'cosine'")


PAPER_CLASSIFIER = Recipe()
PAPER_REGRESSOR = Recipe(hidden=(100, 50, 50))


@dataclass(frozen=True)
class Training:
    """What a training gives: one network per model, and the mean loss of each epoch, float32 (epochs, n_models)."""

    networks: tuple[Network, ...]
    losses: NDArray[np.float32]


def train(
    x: ArrayLike,
    y: ArrayLike,
    recipe: Recipe,
    output: Output,
    seed: int | np.random.SeedSequence,
    *,
    masks: ArrayLike | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Training:
    """Fit networks to inputs x (n, n_inputs) and targets y (n,); n_models = len(masks), or 1 without masks.

    output 'sigmoid' minimises the binary cross-entropy of y in {0, 1}, 'linear' the squared error. Weights start
    Glorot-uniform, biases at zero; every epoch visits all rows in a new random order, the last batch being shorter if n
    is no multiple of the batch size (all as Keras does by default). Inputs are used as they are: features lie in
    [-1, 1], and dividing by a tiny standard deviation makes a network explode when the inputs shift.

    masks: 0/1 array (n_models, n_inputs); model m sees x * masks[m], so a row of zeros and ones selects features.
    on_epoch(epoch, mean loss) is called after every epoch, epoch counting from 1. The result is fixed by the seed on
    the same machine and versions. Raises InputError for shapes that do not match, values that are not finite, and a
    training that diverges.
    """
    import tensorflow as tf

    rows, targets = np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)
    if rows.ndim != 2 or 0 in rows.shape or targets.shape != rows.shape[:1]:
        raise InputError(
            f"training data: x has shape {rows.shape} and y {targets.shape}; they must be (n, inputs) and (n,)"
        )
    if not (np.isfinite(rows).all() and np.isfinite(targets).all()):
        raise InputError("training data: x or y holds values that are not finite")
    seen = np.ones((1, rows.shape[1]), np.float32) if masks is None else np.asarray(masks, dtype=np.float32)
    if seen.ndim != 2 or seen.shape[1] != rows.shape[1] or not np.isin(seen, (0, 1)).all():
        raise InputError(f"training masks: shape {seen.shape}; they must be 0/1 of shape (n_models, {rows.shape[1]})")

    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    init_seed, order_seed = np.random.SeedSequence(root.entropy, spawn_key=root.spawn_key).spawn(2)
    widths = (rows.shape[1], *recipe.hidden, 1)
    variables = [tf.constant(a) for a in _glorot(widths, len(seen), init_seed)]
    slots = [tf.zeros_like(v) for v in variables for _ in range(2)] if recipe.optimizer == "adam" else []
    step, order = tf.constant(0), np.random.default_rng(order_seed)
    run_epoch = _compiled_epoch(recipe, output, len(rows), widths, len(seen), masks is not None)
    losses = np.empty((recipe.epochs, len(seen)), np.float32)
    for epoch in range(recipe.epochs):
        shuffled = order.permutation(len(rows))
        variables, slots, step, loss = run_epoch(
            tf.constant(rows[shuffled]), tf.constant(targets[shuffled]), tf.constant(seen), variables, slots, step
        )
        losses[epoch] = loss.numpy() / len(rows)
        if not np.isfinite(losses[epoch]).all():
            raise InputError(
                f"training: the loss was {losses[epoch].max()} in epoch {epoch + 1}; "
                f"learning_rate {recipe.learning_rate:g} is too high for these inputs"
            )
        if on_epoch is not None:
            on_epoch(epoch + 1, float(losses[epoch].mean()))
    arrays = [v.numpy() for v in variables]
    networks = tuple(
        Network(
            # A masked input is one whose weights are zero: the network then stands on its own, without the mask.
            tuple(np.ascontiguousarray(w[m] * seen[m][:, None] if i == 0 else w[m]) for i, w in enumerate(arrays[::2])),
            tuple(np.ascontiguousarray(b[m, 0]) for b in arrays[1::2]),
            output,
        )
        for m in range(len(seen))
    )
    return Training(networks, losses)


def _glorot(widths: tuple[int, ...], n_models: int, seed: np.random.SeedSequence) -> list[NDArray[np.float32]]:
    """Weights (n_models, n_in, n_out) and zero biases (n_models, 1, n_out), alternating by layer."""
    arrays = []
    rngs = [np.random.default_rng(s) for s in seed.spawn(n_models)]
    for n_in, n_out in pairwise(widths):
        limit = np.sqrt(6 / (n_in + n_out))
        arrays.append(np.stack([rng.uniform(-limit, limit, (n_in, n_out)) for rng in rngs]).astype(np.float32))
        arrays.append(np.zeros((n_models, 1, n_out), np.float32))
    return arrays


@lru_cache(maxsize=16)
def _compiled_epoch(recipe: Recipe, output: str, n: int, widths: tuple[int, ...], n_models: int, masked: bool) -> Any:
    """The compiled epoch: (x, y, masks, variables, slots, step) -> (variables, slots, step, summed loss per model).

    Kept between trainings of the same recipe and shapes, since compiling takes longer than a small training.
    """
    import tensorflow as tf

    n_inputs, batch = widths[0], min(recipe.batch_size, n)
    n_steps = recipe.epochs * -(-n // batch)

    def batch_loss(variables: list[Any], x: Any, y: Any) -> Any:
        hidden = x
        for i in range(0, len(variables), 2):
            hidden = tf.matmul(hidden, variables[i]) + variables[i + 1]
            if i + 2 < len(variables):
                hidden = tf.nn.relu(hidden)
        z = hidden[:, :, 0]
        if output == "sigmoid":
            # Cross-entropy from the logit: the same number as from the probability, without its rounding near 0 and 1.
            # (Written with softplus: max(z, 0) and |z| would have the wrong slope where all units are off and z = 0.)
            return tf.reduce_sum(tf.nn.softplus(z) - z * y, axis=1)
        return tf.reduce_sum(tf.square(z - y), axis=1)

    def descend(x: Any, y: Any, variables: list[Any], slots: list[Any], step: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            tape.watch(variables)
            losses = batch_loss(variables, x, y)
            objective = tf.reduce_sum(losses) / x.shape[1]
        gradients = tape.gradient(objective, variables)
        count = tf.cast(step, tf.float32)
        rate = tf.constant(recipe.learning_rate, tf.float32)
        if recipe.decay == "cosine":
            rate = rate * 0.5 * (1 + tf.cos(np.float32(np.pi / n_steps) * count))
        if recipe.optimizer == "sgd":
            return [v - rate * g for v, g in zip(variables, gradients, strict=True)], slots, losses
        # Adam (Kingma & Ba, arXiv:1412.6980, algorithm 1 with the bias corrections folded into the rate), as in Keras.
        rate = rate * tf.sqrt(1 - tf.pow(0.999, count + 1)) / (1 - tf.pow(0.9, count + 1))
        first = [m + (g - m) * 0.1 for m, g in zip(slots[::2], gradients, strict=True)]
        second = [s + (tf.square(g) - s) * 0.001 for s, g in zip(slots[1::2], gradients, strict=True)]
        moved = [v - rate * m / (tf.sqrt(s) + 1e-7) for v, m, s in zip(variables, first, second, strict=True)]
        return moved, [a for pair in zip(first, second, strict=True) for a in pair], losses

    @tf.function(jit_compile=True)
    def epoch(x: Any, y: Any, masks: Any, variables: list[Any], slots: list[Any], step: Any) -> Any:
        full = n // batch

        def rows(start: Any, size: int) -> tuple[Any, Any]:
            inputs = tf.broadcast_to(tf.slice(x, [start, 0], [size, n_inputs]), [n_models, size, n_inputs])
            return inputs * masks[:, None, :] if masked else inputs, tf.slice(y, [start], [size])[None]

        def body(i: Any, variables: list[Any], slots: list[Any], loss: Any) -> tuple[Any, ...]:
            variables, slots, batch_losses = descend(*rows(i * batch, batch), variables, slots, step + i)
            return i + 1, variables, slots, loss + batch_losses

        loss = tf.zeros(n_models)
        _, variables, slots, loss = tf.while_loop(lambda i, *_: i < full, body, (0, variables, slots, loss))
        if n % batch:
            variables, slots, rest = descend(*rows(full * batch, n % batch), variables, slots, step + full)
            loss = loss + rest
        return variables, slots, step + full + (1 if n % batch else 0), loss

    layers = list(pairwise(widths))
    variables = [tf.TensorSpec(s) for a, b in layers for s in ((n_models, a, b), (n_models, 1, b))]
    slots = [v for v in variables for _ in range(2)] if recipe.optimizer == "adam" else []
    data = (tf.TensorSpec((n, n_inputs)), tf.TensorSpec((n,)), tf.TensorSpec((n_models, n_inputs)))
    return epoch.get_concrete_function(*data, variables, slots, tf.TensorSpec((), tf.int32))
