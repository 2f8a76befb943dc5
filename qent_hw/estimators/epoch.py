"""One epoch of mini-batches as a single compiled loop: no Python per step."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from qent_hw.estimators.recipe import Recipe


@lru_cache(maxsize=16)
def compiled_epoch(recipe: Recipe, output: str, n: int, widths: tuple[int, ...], n_models: int, masked: bool) -> Any:
    """The compiled epoch: (x, y, masks, variables, slots, step) -> (variables, slots, step, summed loss per model),
    NumPy arrays in and out; x (n, inputs) and y (n,) in the order in which the rows are to be visited.

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
    compiled = epoch.get_concrete_function(*data, variables, slots, tf.TensorSpec((), tf.int32))

    def run(x: Any, y: Any, masks: Any, variables: list[Any], slots: list[Any], step: int) -> tuple[Any, ...]:
        constants = ([tf.constant(a) for a in arrays] for arrays in (variables, slots))
        found = compiled(tf.constant(x), tf.constant(y), tf.constant(masks), *constants, tf.constant(step))
        return [v.numpy() for v in found[0]], [v.numpy() for v in found[1]], int(found[2]), found[3].numpy()

    return run
