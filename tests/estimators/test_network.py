"""The NumPy forward pass: against Keras, by hand, and its refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.network import Network


def random_network(widths: tuple[int, ...], output: str, seed: int = 0, squares: tuple[int, ...] = ()) -> Network:
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    return Network(
        tuple(rng.normal(0, a**-0.5, (a, b)).astype(np.float32) for a, b in pairs),
        tuple(rng.normal(0, 0.3, b).astype(np.float32) for _, b in pairs),
        output,
        squares,
    )


def test_forward_pass_by_hand() -> None:
    w = (np.array([[1, -1], [2, 1]], np.float32), np.array([[3], [-2]], np.float32))
    b = (np.array([0.5, 0], np.float32), np.array([-1], np.float32))
    # hidden units: relu(3.5, 0), relu(-2.5, 0), relu(-2.5, -3)
    x = [[1, 1], [-1, -1], [1, -2]]
    np.testing.assert_array_equal(Network(w, b, "linear").predict(x), [9.5, -1, -1])
    expected = 1 / (1 + np.exp(-np.array([9.5, -1, -1])))
    np.testing.assert_allclose(Network(w, b, "sigmoid").predict(x), expected, atol=1e-7)


def test_squares_by_hand() -> None:
    """x1 x2 = ((x1 + x2)² − (x1 − x2)²)/4, and |x1| from the two rectified units."""
    w = (np.array([[1, 1, 1, -1], [1, -1, 0, 0]], np.float32), np.array([[0.25], [-0.25], [1], [1]], np.float32))
    network = Network(w, (np.zeros(4, np.float32), np.zeros(1, np.float32)), "linear", (2,))
    x = np.array([[0.5, -0.25], [-2, 3], [1, 0]])
    np.testing.assert_array_equal(network.predict(x), x[:, 0] * x[:, 1] + np.abs(x[:, 0]))
    np.testing.assert_array_equal(network.slopes(x)[1], x[:, ::-1] + np.sign(x) * [1, 0])


def test_no_hidden_layer_is_an_affine_map() -> None:
    network = Network((np.array([[2], [3]], np.float32),), (np.array([1], np.float32),), "linear")
    np.testing.assert_array_equal(network.predict([[1, 1], [0, 0]]), [6, 1])


@pytest.mark.parametrize(
    ("widths", "output", "squares"),
    [
        ((4, 15, 1), "sigmoid", ()),
        ((9, 100, 50, 50, 1), "linear", ()),
        ((9, 20, 10, 5, 1), "linear", (8, 10)),
        ((4, 1), "sigmoid", ()),
    ],
)
def test_keras_model_predicts_the_same_and_survives_saving(widths, output, squares, tmp_path) -> None:
    keras = pytest.importorskip("keras")
    network = random_network(widths, output, squares=squares)
    x = np.random.default_rng(1).uniform(-1, 1, (500, widths[0])).astype(np.float32)
    model = network.to_keras()
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    for made in (model, again):
        np.testing.assert_allclose(made.predict(x, verbose=0)[:, 0], network.predict(x), atol=1e-6)


def test_a_row_does_not_depend_on_its_company() -> None:
    network = random_network((8, 96, 96, 1), "sigmoid")
    x = np.random.default_rng(2).uniform(-1, 1, (10_000, 8))
    together = network.predict(x)
    assert together.dtype == np.float32
    for rows in (slice(0, 1), slice(4090, 4100), slice(9_999, None)):
        np.testing.assert_allclose(network.predict(x[rows]), together[rows], atol=1e-6)
    assert network.predict(x[:0]).shape == (0,)


def test_sigmoid_of_huge_logits_is_exact_and_quiet() -> None:
    network = Network((np.array([[1]], np.float32),), (np.array([0], np.float32),), "sigmoid")
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(network.predict([[1e30], [-1e30], [0]]), [1, 0, 0.5])


@pytest.mark.parametrize("output", ["sigmoid", "linear"])
@pytest.mark.parametrize(
    ("widths", "squares"), [((3, 1), ()), ((5, 8, 1), ()), ((8, 32, 16, 1), ()), ((5, 12, 9, 1), (4, 9))]
)
def test_slopes_are_the_differences(widths, squares, output) -> None:
    """A network is smooth between kinks: with a step of 1e-5 few of 5,000 states have one within it."""
    network = random_network(widths, output, squares=squares)
    x = np.random.default_rng(3).uniform(-1, 1, (5000, widths[0]))
    received, gradient = network.slopes(x)
    linear = Network(network.weights, network.biases, "linear", squares)
    np.testing.assert_allclose(received, linear.predict(x), atol=1e-6)
    for column in range(widths[0]):
        step = np.zeros(widths[0])
        step[column] = 1e-5
        up, down = (linear.predict(x + side * step, np.float64) for side in (1, -1))
        assert np.mean(np.abs((up - down) / 2e-5 - gradient[:, column]) > 1e-4) < 0.01


@pytest.mark.parametrize("shape", [(4,), (3, 5), (2, 3, 4)])
def test_wrong_input_shape_is_refused(shape) -> None:
    with pytest.raises(InputError, match=r"must be \(n, 4\)"):
        random_network((4, 3, 1), "linear").predict(np.zeros(shape))


def test_arrays_that_do_not_fit_are_refused() -> None:
    good = random_network((4, 3, 1), "linear")
    with pytest.raises(InputError, match="layer 1"):
        Network((good.weights[0], good.weights[1][:2]), good.biases, "linear")
    with pytest.raises(InputError, match="float32"):
        Network(tuple(w.astype(np.float64) for w in good.weights), good.biases, "linear")
    with pytest.raises(InputError, match="last layer has 3"):
        Network(good.weights[:1], good.biases[:1], "linear")
    with pytest.raises(InputError, match="one of each"):
        Network(good.weights, good.biases[:1], "linear")
    with pytest.raises(InputError, match=r"squares are \(4,\)"):
        Network(good.weights, good.biases, "linear", (4,))
    with pytest.raises(InputError, match=r"squares are \(0, 1\)"):
        Network(good.weights, good.biases, "linear", (0, 1))
    with pytest.raises(InputError, match="'softmax'"):
        Network(good.weights, good.biases, "softmax")  # type: ignore[arg-type]
