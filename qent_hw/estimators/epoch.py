"""One epoch of mini-batches as a single compiled loop: no Python per step.

Arrays are units x batch, so that every sweep runs along the batch, and the backward pass is written out. Each layer of
units has one more that is always 1, the inputs too: what it passes on is the bias, and a layer is then one matrix.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from qent_hw.estimators.quiet import set_xla_options
from qent_hw.estimators.recipe import Recipe


def layer_shapes(widths: tuple[int, ...], n_models: int) -> list[tuple[int, int, int]]:
    """Shapes (n_models, rows, columns) of the layers of networks with `widths` inputs, hidden units and outputs.

    A row holds what one unit receives: its weights, then its bias. All layers but the last end with a row of zeros, of
    the unit that is always 1.
    """
    to = [*(width + 1 for width in widths[1:-1]), widths[-1]]
    return [(n_models, rows, columns + 1) for rows, columns in zip(to, widths[:-1], strict=True)]


@lru_cache(maxsize=16)
def compiled_epoch(
    recipe: Recipe, output: str, n: int, widths: tuple[int, ...], n_models: int, weighted: bool = False
) -> Any:
    """The compiled epoch: (x, y, seen, layers, slots, step) -> (layers, slots, step, summed loss per model), NumPy
    arrays in and out; x (n, inputs + 1), the last column being ones, and y (n,), or (n, 2) with weights of the rows'
    losses beside, in the order in which rows are to be visited; seen (n_models, inputs + 1): 0 for the inputs whose
    weights, which must be 0, are to stay so, else 1.

    Kept between trainings of the same recipe and shapes, since compiling takes longer than a small training.
    """
    set_xla_options()
    import tensorflow as tf

    batch, shapes = min(recipe.batch_size, n), layer_shapes(widths, n_models)
    full, rest = divmod(n, batch)
    n_steps = recipe.epochs * (full + (rest > 0))
    # What a unit gives at least: its weights being zero, the last one gives 1 and has no slope.
    lowest = [np.eye(1, rows, rows - 1, dtype=np.float32).reshape(1, rows, 1) for _, rows, _ in shapes[:-1]]
    many = [*recipe.squares, *[0] * (len(lowest) - len(recipe.squares))]
    squared = [
        np.arange(low.size).reshape(low.shape) < of if of else None for low, of in zip(lowest, many, strict=True)
    ]

    def activated(received: Any, low: Any, square: Any) -> Any:
        units = tf.maximum(received, low)
        return units if square is None else tf.where(square, tf.square(received), units)

    def passed(back: Any, received: Any, square: Any) -> Any:
        rectified = tf.where(received > 0, back, 0.0)
        return rectified if square is None else tf.where(square, 2 * received * back, rectified)

    def gradients(x: Any, y: Any, seen: Any, layers: list[Any]) -> tuple[list[Any], Any]:
        """Of the mean loss of a batch, by layer; and the summed loss of each model."""
        units, sums = [x], [tf.einsum("moi,bi->mob", layers[0], x)]
        for layer, low, square in zip(layers[1:], lowest, squared, strict=True):
            units.append(activated(sums[-1], low, square))
            sums.append(tf.einsum("moi,mib->mob", layer, units[-1]))
        z = sums[-1][:, 0]
        y, weight = (y[:, 0], y[:, 1]) if weighted else (y, None)
        if output == "sigmoid":
            # Cross-entropy from the logit: the same number as from the probability, without its rounding near 0 and 1.
            losses, slope = tf.nn.softplus(z) - z * y, tf.sigmoid(z) - y
        else:
            losses, slope = tf.square(z - y), 2 * (z - y)
        if weighted:
            losses, slope = losses * weight, slope * weight
        back, found = slope[:, None] / x.shape[0], []
        for i in reversed(range(1, len(layers))):
            found.append(tf.einsum("mob,mib->moi", back, units[i]))
            back = passed(tf.einsum("moi,mob->mib", layers[i], back), sums[i - 1], squared[i - 1])
        found.append(tf.einsum("mob,bi->moi", back, x) * seen[:, None])
        return found[::-1], tf.reduce_sum(losses, axis=1)

    def descend(
        x: Any, y: Any, seen: Any, layers: list[Any], slots: list[Any], step: Any
    ) -> tuple[list[Any], list[Any], Any]:
        found, losses = gradients(x, y, seen, layers)
        count = tf.cast(step, tf.float32)
        rate = tf.constant(recipe.learning_rate, tf.float32)
        if recipe.decay == "cosine":
            rate = rate * 0.5 * (1 + tf.cos(np.float32(np.pi / n_steps) * count))
        if recipe.optimizer == "sgd":
            return [w - rate * g for w, g in zip(layers, found, strict=True)], slots, losses
        # Adam (Kingma & Ba, arXiv:1412.6980, algorithm 1 with the bias corrections folded into the rate), as in Keras.
        rate = rate * tf.sqrt(1 - tf.pow(0.999, count + 1)) / (1 - tf.pow(0.9, count + 1))
        first = [m + (g - m) * 0.1 for m, g in zip(slots[::2], found, strict=True)]
        second = [s + (tf.square(g) - s) * 0.001 for s, g in zip(slots[1::2], found, strict=True)]
        moved = [w - rate * m / (tf.sqrt(s) + 1e-7) for w, m, s in zip(layers, first, second, strict=True)]
        return moved, [a for pair in zip(first, second, strict=True) for a in pair], losses

    @tf.function(jit_compile=True)
    def epoch(x: Any, y: Any, seen: Any, layers: list[Any], slots: list[Any], step: Any) -> Any:
        def rows(start: Any, size: int) -> tuple[Any, Any]:
            own = tf.slice(y, [start, 0], [size, 2]) if weighted else tf.slice(y, [start], [size])
            return tf.slice(x, [start, 0], [size, x.shape[1]]), own

        def body(i: Any, layers: list[Any], slots: list[Any], loss: Any) -> tuple[Any, ...]:
            layers, slots, losses = descend(*rows(i * batch, batch), seen, layers, slots, step + i)
            return i + 1, layers, slots, loss + losses

        loop = (0, layers, slots, tf.zeros(n_models))
        _, layers, slots, loss = tf.while_loop(lambda i, *_: i < full, body, loop)
        if rest:
            layers, slots, losses = descend(*rows(full * batch, rest), seen, layers, slots, step + full)
            loss = loss + losses
        return layers, slots, step + full + (rest > 0), loss

    layers = [tf.TensorSpec(shape) for shape in shapes]
    slots = [layer for layer in layers for _ in range(2)] if recipe.optimizer == "adam" else []
    columns = widths[0] + 1
    data = (
        tf.TensorSpec((n, columns)),
        tf.TensorSpec((n, 2) if weighted else (n,)),
        tf.TensorSpec((n_models, columns)),
    )
    compiled = epoch.get_concrete_function(*data, layers, slots, tf.TensorSpec((), tf.int32))

    def run(x: Any, y: Any, seen: Any, layers: list[Any], slots: list[Any], step: int) -> tuple[Any, ...]:
        constants = ([tf.constant(a) for a in arrays] for arrays in (layers, slots))
        found = compiled(tf.constant(x), tf.constant(y), tf.constant(seen), *constants, tf.constant(step))
        return [w.numpy() for w in found[0]], [s.numpy() for s in found[1]], int(found[2]), found[3].numpy()

    return run
