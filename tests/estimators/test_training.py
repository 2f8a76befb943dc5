"""The compiled training engine against Keras: step for step where no chance enters, and in the score where it does."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators.data import labelled_states
from qent_hw.estimators.network import Network
from qent_hw.estimators.training import PAPER_CLASSIFIER, PAPER_REGRESSOR, Recipe, train
from qent_hw.physics.settings import FEATURE_SETS

keras = pytest.importorskip("keras")


def toy(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 4)).astype(np.float32)
    return x, x[:, 0] * x[:, 1] + 0.3 * x[:, 2]


def untrained(recipe: Recipe, output: str, seed: int) -> Network:
    """The initial network: a training at a rate too small to move anything in float32."""
    still = Recipe(recipe.hidden, learning_rate=1e-30, batch_size=64, epochs=1, squares=recipe.squares)
    x, y = toy(64)
    return train(x, y > 0, still, output, seed).networks[0]


def test_paper_recipes_are_the_papers() -> None:
    assert Recipe((15,), "sgd", 0.01, 32, 200, "none") == PAPER_CLASSIFIER
    assert Recipe((100, 50, 50), "sgd", 0.01, 32, 200, "none") == PAPER_REGRESSOR


def test_initial_weights_are_glorot_uniform_and_biases_zero() -> None:
    network = untrained(Recipe((300, 200)), "linear", 5)
    for w, b in zip(network.weights, network.biases, strict=True):
        limit = np.sqrt(6 / sum(w.shape))
        assert np.abs(w).max() <= limit
        # Standard deviation of a uniform law: limit/√3, over at least 200 draws (relative error 3%; 6 sigma).
        assert w.std() == pytest.approx(limit / np.sqrt(3), rel=0.2)
        np.testing.assert_allclose(b, 0, atol=1e-29)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_full_batch_descent_is_kerass_step_for_step(optimizer, output) -> None:
    """With one batch an epoch the order of rows is no matter: the weights must be Keras's after 12 steps."""
    x, y = toy(257)
    y = (y > 0).astype(np.float32) if output == "sigmoid" else y
    recipe = Recipe((15, 7), optimizer, 0.05, batch_size=257, epochs=12, decay="cosine")
    ours = train(x, y, recipe, output, seed=3)
    model = untrained(recipe, output, seed=3).to_keras()
    rate = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=12)
    kind = keras.optimizers.SGD if optimizer == "sgd" else keras.optimizers.Adam
    model.compile(kind(rate), "binary_crossentropy" if output == "sigmoid" else "mse")
    history = model.fit(x, y, batch_size=257, epochs=12, verbose=0).history["loss"]
    expected = model.get_weights()
    got = [a for pair in zip(ours.networks[0].weights, ours.networks[0].biases, strict=True) for a in pair]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    np.testing.assert_allclose(ours.losses[:, 0], history, rtol=1e-4)


@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_descent_with_squares_and_weights_is_kerass(output) -> None:
    x, y = toy(257)
    y = (y > 0).astype(np.float32) if output == "sigmoid" else y
    weights = np.random.default_rng(1).uniform(0, 2, 257)
    recipe = Recipe((9, 7), "adam", 0.02, batch_size=257, epochs=12, decay="cosine", squares=(4, 7))
    ours = train(x, y, recipe, output, seed=3, weights=weights, validation=(x, y, weights)).networks[0]
    assert ours.squares == (4, 7)
    start = untrained(recipe, output, seed=3)
    model = start.to_keras()
    rate = keras.optimizers.schedules.CosineDecay(0.02, decay_steps=12)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy" if output == "sigmoid" else "mse")
    model.fit(x, y, batch_size=257, epochs=12, verbose=0, sample_weight=weights)
    expected, before = model.predict(x, verbose=0)[:, 0], start.predict(x)
    assert np.abs(expected - before).mean() > 0.1
    np.testing.assert_allclose(ours.predict(x), expected, atol=1e-4)


def test_rows_of_weight_zero_do_not_exist() -> None:
    x, y = toy(400)
    recipe = Recipe((6,), learning_rate=0.05, batch_size=400, epochs=40)
    weights = np.repeat([2.0, 0.0], 200)
    spoilt = np.where(weights > 0, y, 7)
    both, alone = (train(x, one, recipe, "linear", 0, weights=weights) for one in (spoilt, y))
    np.testing.assert_array_equal(both.networks[0].predict(x), alone.networks[0].predict(x))
    np.testing.assert_array_equal(both.losses, alone.losses)


def test_mini_batch_training_scores_as_keras_does() -> None:
    """Same data and recipe, other shuffles. Over 20 seeds accuracies are 0.956 to 0.971, a spread of 0.004; the bound
    is five of these."""
    states = labelled_states("special_four_basis", "dephasing", FEATURE_SETS["bell8"], 16_000, seed=1)
    fresh = labelled_states("special_four_basis", "dephasing", FEATURE_SETS["bell8"], 20_000, seed=2)
    recipe = Recipe((15,), learning_rate=0.2, batch_size=64, epochs=5)
    ours = train(states.features, states.entangled, recipe, "sigmoid", seed=0).networks[0].predict(fresh.features)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(15, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.2), "binary_crossentropy")
    model.fit(states.features, states.entangled, batch_size=64, epochs=5, verbose=0)
    theirs = model.predict(fresh.features, batch_size=4096, verbose=0)[:, 0]
    score, reference = (np.mean((p >= 0.5) == fresh.entangled) for p in (ours, theirs))
    assert reference > 0.93
    assert score == pytest.approx(reference, abs=0.02)


def test_training_is_fixed_by_its_seed() -> None:
    x, y = toy(1000)
    recipe = Recipe((8,), epochs=2)
    first, again, other = (train(x, y, recipe, "linear", seed).networks[0] for seed in (1, 1, 2))
    for a, b, c in zip(first.weights, again.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_every_row_counts_also_in_a_last_short_batch() -> None:
    """33 rows in batches of 32: the row that is alone in its batch pulls as hard as the 32 others together."""
    x = np.ones((33, 1), np.float32)
    seen: list[tuple[int, float]] = []
    result = train(
        x,
        np.ones(33),
        Recipe((), learning_rate=0.25, epochs=60),
        "linear",
        0,
        on_epoch=lambda e, v: seen.append((e, v)),
    )
    assert result.networks[0].predict([[1.0]])[0] == pytest.approx(1, abs=1e-6)
    assert [epoch for epoch, _ in seen] == list(range(1, 61))
    # A step at rate 1/4 on weight and bias removes the whole error of the prediction: after epoch 1 the loss is zero.
    assert result.losses.shape == (60, 1)
    assert seen[0][1] > 0
    assert seen[1][1] == pytest.approx(0, abs=1e-12)


def test_models_trained_together_see_their_own_features() -> None:
    x, _ = toy(4000)
    y = x[:, 0] + x[:, 3]
    masks = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1]])
    result = train(x, y, Recipe((16,), learning_rate=0.05, epochs=30), "linear", 0, masks=masks)
    assert result.losses.shape == (30, 3)
    left = [np.mean((network.predict(x) - y) ** 2) for network in result.networks]
    # Without an input of variance 1/3 that variance remains.
    assert left[0] < 0.003
    assert left[1:] == pytest.approx([1 / 3, 1 / 3], rel=0.1)
    shuffled = x.copy()
    shuffled[:, 1:] = shuffled[::-1, 1:]
    np.testing.assert_array_equal(result.networks[1].predict(shuffled), result.networks[1].predict(x))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hidden": (15, 0)}, "hidden"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"optimizer": "adamw"}, "optimizer"),
        ({"decay": "linear"}, "decay"),
        ({"squares": (16,)}, "squares"),
        ({"squares": (3, 3)}, "squares"),
    ],
)
def test_impossible_recipes_are_refused(changes, word) -> None:
    with pytest.raises(InputError, match=word):
        Recipe(**changes)


def test_impossible_data_are_refused() -> None:
    x, y = toy(10)
    with pytest.raises(InputError, match=r"\(10, 4\) and y \(9,\)"):
        train(x, y[:9], Recipe(), "linear", 0)
    with pytest.raises(InputError, match="not finite"):
        train(np.where(x > 0, np.nan, x), y, Recipe(), "linear", 0)
    with pytest.raises(InputError, match=r"weights of shape \(9,\)"):
        train(x, y, Recipe(), "linear", 0, weights=np.ones(9))
    with pytest.raises(InputError, match="weights"):
        train(x, y, Recipe(), "linear", 0, weights=np.where(x[:, 0] > 0, -1, 1))
    with pytest.raises(InputError, match="masks"):
        train(x, y, Recipe(), "linear", 0, masks=[[1, 2, 0, 0]])


def test_divergence_is_an_error_and_not_a_network_of_nan() -> None:
    x, y = toy(100)
    with pytest.raises(InputError, match=r"learning_rate 0\.5 is too high"):
        train(1e4 * x, y, Recipe((8,), learning_rate=0.5, epochs=20), "linear", 0)
