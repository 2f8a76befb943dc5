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
        rows = np.asarray(x, dtype=dtype)
        if rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            raise InputError(f"network input: shape {rows.shape}; it must be (n, {self.n_inputs})")
        result = np.empty(len(rows), dtype=dtype)
        for start in range(0, len(rows), _ROWS):
            hidden = rows[start : start + _ROWS]
            for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
                hidden = hidden @ w
                hidden += b
                np.maximum(hidden, 0, out=hidden)
            result[start : start + _ROWS] = hidden @ self.weights[-1][:, 0] + self.biases[-1]
        if self.output == "sigmoid":
            # 1/(1+e^-z) written so that no z overflows.
            np.tanh(result * dtype(0.5), out=result)
            result = (result + dtype(1)) * dtype(0.5)
        return result

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
