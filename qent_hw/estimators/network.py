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
    """ReLU hidden layers and one output unit.

    weights: one float32 (n_in, n_out) matrix per layer, the last with n_out = 1; biases: one float32 (n_out,) vector
    per layer; output: 'sigmoid' (a probability) or 'linear' (a concurrence).
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    output: Output

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
            for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
                hidden = hidden @ w
                hidden += b
                np.maximum(hidden, 0, out=hidden)
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
            units = [rows[block]]
            for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
                hidden = units[-1] @ w
                hidden += b
                units.append(np.maximum(hidden, 0, out=hidden))
            received[block] = units[-1] @ self.weights[-1][:, 0] + self.biases[-1]
            back = np.broadcast_to(self.weights[-1][:, 0], units[-1].shape)
            for w, hidden in zip(self.weights[-2::-1], units[:0:-1], strict=True):
                back = (back * (hidden > 0)) @ w.T
            gradient[block] = back
        return received, gradient

    def _rows(self, x: ArrayLike, dtype: type[Any]) -> NDArray[Any]:
        rows = np.asarray(x, dtype=dtype)
        if rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            raise InputError(f"network input: shape {rows.shape}; it must be (n, {self.n_inputs})")
        return rows

    def to_keras(self) -> keras.Model:
        """The same network as a Keras model, which can be saved as .keras. Imports TensorFlow."""
        import keras

        layers: list[Any] = [keras.layers.Input(shape=(self.n_inputs,))]
        for w in self.weights[:-1]:
            layers.append(keras.layers.Dense(w.shape[1], activation="relu"))
        layers.append(keras.layers.Dense(1, activation=self.output))
        model = keras.Sequential(layers)
        model.set_weights([a for pair in zip(self.weights, self.biases, strict=True) for a in pair])
        return model


def logistic(z: NDArray[Any]) -> NDArray[Any]:
    """1/(1 + e^−z) for floating-point z of any shape and of its dtype, written so that no z overflows."""
    half = z.dtype.type(0.5)
    return np.tanh(z * half) * half + half
