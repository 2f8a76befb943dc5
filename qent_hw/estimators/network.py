"""A small fully connected network as plain arrays: predicting needs NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InputError

if TYPE_CHECKING:
    import keras

Output = Literal["sigmoid", "linear"]

# Rows evaluated at once: keeps the working set in cache and the memory of a prediction over 10^6 states bounded.
_ROWS = 4096


@dataclass(frozen=True)
class Network:
    """Hidden layers of rectified (ReLU) and of squared units, and one output unit.

    weights: one float32 (n_in, n_out) matrix per layer, the last with n_out = 1; biases: one float32 (n_out,) vector
    per layer; output: 'sigmoid' (a probability) or 'linear' (a concurrence); squares: of how many units in each hidden
    layer, from the first layer and its first unit on, the square is passed on. A concurrence is algebraic in averages,
    and products of these are cheap to make from squares, dear from rectified units.
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    output: Output
    squares: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.output not in ("sigmoid", "linear"):
            raise InputError(f"network: output is {self.output!r}; it must be 'sigmoid' or 'linear'")
        if not self.weights or len(self.weights) != len(self.biases):
            raise InputError(f"network: {len(self.weights)} weight matrices and {len(self.biases)} bias vectors; "
                             "every layer needs one of each")  # fmt: skip
        width = self.weights[0].shape[0] if self.weights[0].ndim == 2 else -1
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            if w.ndim != 2 or w.shape[0] != width or b.shape != w.shape[1:]:
                raise InputError(
                    f"network: layer {i} has weights {w.shape} and biases {b.shape}, which do not fit together"
                )
            if w.dtype != np.float32 or b.dtype != np.float32:
                raise InputError(f"network: layer {i} is {w.dtype}/{b.dtype}; it must be float32")
            width = w.shape[1]
        if len(self.squares) >= len(self.weights) or any(
            not 0 <= many <= len(b) for many, b in zip(self.squares, self.biases, strict=False)
        ):
            raise InputError(f"network: squares are {self.squares}; each must be at most the units of a hidden layer")
        if width != 1:
            raise InputError(f"network: the last layer has {width} units; it must have 1")

    @property
    def n_inputs(self) -> int:
        return int(self.weights[0].shape[0])

    def predict(self, x: ArrayLike, dtype: type[Any] = np.float32) -> NDArray[Any]:
        """The network's output for inputs (n, n_inputs), (n,) of `dtype`: a probability or a linear output.

        Raises InputError for another shape. Rows are independent of each other up to the rounding of `dtype`: sums are
        taken in another order for another number of rows, by a machine's own choice.
        """
        rows = self._rows(x, dtype)
        result = np.empty(len(rows), dtype=dtype)
        for start in range(0, len(rows), _ROWS):
            hidden = rows[start : start + _ROWS]
            for i in range(len(self.weights) - 1):
                hidden = self._activate(i, self._received(i, hidden))
            result[start : start + _ROWS] = hidden @ self.weights[-1][:, 0] + self.biases[-1]
        return logistic(result) if self.output == "sigmoid" else result

    def slopes(self, x: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the last unit receives (a probability's logit, or the linear output) and its gradient along the inputs.

        x: (n, n_inputs); returns float32 (n,) and (n, n_inputs). Raises InputError for another shape.
        """
        rows = self._rows(x, np.float32)
        received, gradient = np.empty(len(rows), np.float32), np.empty_like(rows)
        for start in range(0, len(rows), _ROWS):
            block = slice(start, start + _ROWS)
            units, slopes = rows[block], []
            for i in range(len(self.weights) - 1):
                units = self._received(i, units)
                many = self._squared(i)
                slopes.append(np.concatenate([2 * units[:, :many], units[:, many:] > 0], axis=1))
                units = self._activate(i, units)
            received[block] = units @ self.weights[-1][:, 0] + self.biases[-1]
            back = np.broadcast_to(self.weights[-1][:, 0], units.shape)
            for w, slope in zip(self.weights[-2::-1], slopes[::-1], strict=True):
                back = (slope * back) @ w.T
            gradient[block] = back
        return received, gradient

    def _squared(self, layer: int) -> int:
        return self.squares[layer] if layer < len(self.squares) else 0

    def _received(self, layer: int, units: NDArray[Any]) -> NDArray[Any]:
        received: NDArray[Any] = units @ self.weights[layer]
        received += self.biases[layer]
        return received

    def _activate(self, layer: int, received: NDArray[Any]) -> NDArray[Any]:
        """In place."""
        many = self._squared(layer)
        np.square(received[:, :many], out=received[:, :many])
        np.maximum(received[:, many:], 0, out=received[:, many:])
        return received

    def _rows(self, x: ArrayLike, dtype: type[Any]) -> NDArray[Any]:
        rows = np.asarray(x, dtype=dtype)
        if rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            raise InputError(f"network input: shape {rows.shape}; it must be (n, {self.n_inputs})")
        return rows

    def to_keras(self) -> keras.Model:
        """The same network as a Keras model, which can be saved as .keras. Imports TensorFlow."""
        import keras

        given = layer = keras.layers.Input(shape=(self.n_inputs,))
        arrays: list[NDArray[np.float32]] = []
        for i, (w, b) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True)):
            many = self._squared(i)
            parts = []
            if many:
                received = keras.layers.Dense(many)(layer)
                parts.append(keras.layers.Multiply()([received, received]))
                arrays += [w[:, :many], b[:many]]
            if many < len(b):
                parts.append(keras.layers.Dense(len(b) - many, activation="relu")(layer))
                arrays += [w[:, many:], b[many:]]
            layer = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        model = keras.Model(given, keras.layers.Dense(1, activation=self.output)(layer))
        model.set_weights([*arrays, self.weights[-1], self.biases[-1]])
        return model


def logistic(z: NDArray[Any]) -> NDArray[Any]:
    """1/(1 + e^−z) for floating-point z of any shape and of its dtype, written so that no z overflows."""
    half = z.dtype.type(0.5)
    return np.tanh(z * half) * half + half
