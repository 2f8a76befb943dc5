"""A training that is stopped goes on to the same result; one that no longer improves stops by itself."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.estimators import training
from qent_hw.estimators.training import Recipe, train


@pytest.fixture(autouse=True)
def _checkpoint_after_each_epoch(monkeypatch):
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", -1.0)


def data(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 3)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.float32)


class Killed(Exception):
    """Stands for the end of the process."""


def kill_at(epoch):
    def on_epoch(reached, _loss):
        if reached == epoch:
            raise Killed

    return on_epoch


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_resumed_training_gives_the_same_bits(tmp_path, optimizer):
    recipe = Recipe(hidden=(8,), optimizer=optimizer, epochs=7, decay="cosine")
    masks = [[1, 1, 1], [1, 0, 1]]
    held = data(100, seed=1)
    whole = train(*data(), recipe, "sigmoid", 5, masks=masks, validation=held)
    path = tmp_path / "training.npz"
    for epoch in (2, 5):
        with pytest.raises(Killed):
            train(*data(), recipe, "sigmoid", 5, masks=masks, validation=held, checkpoint=path, on_epoch=kill_at(epoch))
    seen = []
    resumed = train(
        *data(),
        recipe,
        "sigmoid",
        5,
        masks=masks,
        validation=held,
        checkpoint=path,
        on_epoch=lambda epoch, _loss: seen.append(epoch),
    )
    assert seen == [6, 7]
    assert np.array_equal(resumed.losses, whole.losses)
    assert np.array_equal(resumed.validation, whole.validation)
    for ours, theirs in zip(resumed.networks, whole.networks, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours.weights, theirs.weights, strict=True))


def test_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "training.npz"
    train(*data(), Recipe(epochs=1), "sigmoid", 5, checkpoint=path)
    for other in ((data(seed=3), Recipe(epochs=1), 5), (data(), Recipe(epochs=2), 5), (data(), Recipe(epochs=1), 6)):
        with pytest.raises(InputError, match="another training"):
            train(*other[0], other[1], "sigmoid", other[2], checkpoint=path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="not readable"):
        train(*data(), Recipe(epochs=1), "sigmoid", 5, checkpoint=path)
    with pytest.raises(InputError, match="cannot be written"):
        train(*data(), Recipe(epochs=1), "sigmoid", 5, checkpoint=tmp_path / "missing" / "training.npz")


def test_early_stop_keeps_the_best_epoch():
    """Labels that are coin tosses: the network can only learn its 60 training rows by heart, and validation says so."""
    rng = np.random.default_rng(7)
    x, y = rng.uniform(-1, 1, (60, 3)), rng.integers(0, 2, 60)
    held = rng.uniform(-1, 1, (500, 3)), rng.integers(0, 2, 500)
    recipe = Recipe(hidden=(64,), optimizer="adam", learning_rate=0.02, epochs=400)
    stopped = train(x, y, recipe, "sigmoid", 8, validation=held, patience=10)
    best = int(stopped.validation[:, 0].argmin())
    assert len(stopped.losses) == best + 11 < 400
    predicted = np.clip(stopped.networks[0].predict(held[0]), 1e-7, 1 - 1e-7)
    loss = -np.mean(np.where(held[1] == 1, np.log(predicted), np.log(1 - predicted)))
    assert loss == pytest.approx(stopped.validation[best, 0], rel=1e-4)


def test_patience_needs_validation_data():
    with pytest.raises(InputError, match="needs validation data"):
        train(*data(), Recipe(epochs=1), "sigmoid", 5, patience=3)
