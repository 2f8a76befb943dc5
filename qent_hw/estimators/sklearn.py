"""The paper's networks as scikit-learn estimators, trained by the compiled engine."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from qent_hw.estimators.network import Output
from qent_hw.estimators.training import Recipe, train


def _train(estimator: Any, x: Any, y: Any, output: Output) -> None:
    recipe = Recipe(
        tuple(estimator.hidden),
        estimator.optimizer,
        estimator.learning_rate,
        estimator.batch_size,
        estimator.epochs,
        estimator.decay,
    )
    seed = int(check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max))
    training = train(x, y, recipe, output, seed)
    estimator.network_ = training.networks[0]
    estimator.loss_curve_ = training.losses[:, 0].tolist()
    estimator.n_iter_ = recipe.epochs


def _output(estimator: Any, x: ArrayLike) -> NDArray[np.float64]:
    check_is_fitted(estimator)
    # as float64, so that a row's prediction does not depend on its company
    outputs: NDArray[np.float64] = estimator.network_.predict(validate_data(estimator, x, reset=False), np.float64)
    return outputs


class EntanglementClassifier(ClassifierMixin, BaseEstimator):
    """Entangled or not from features in [−1, 1]; defaults are the paper's (arXiv:2410.21504v2, Sec. III).

    hidden: units per hidden ReLU layer; optimizer: 'sgd' or 'adam'; decay: 'none' or 'cosine'; random_state: int,
    RandomState or None. X is (n, n_features), not standardised by the classifier; y holds two classes, any labels.
    After `fit`: `classes_`, `network_` (predicts with NumPy alone), `loss_curve_`, `n_features_in_`.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (15,),
        optimizer: Literal["sgd", "adam"] = "sgd",
        learning_rate: float = 0.01,
        batch_size: int = 32,
        epochs: int = 200,
        decay: Literal["none", "cosine"] = "none",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.decay = decay
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> EntanglementClassifier:
        """Train on X (n, n_features) and labels y (n,); ValueError unless y holds exactly two classes."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. y has {len(self.classes_)} classes; it must have 2"
            )
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}; a classifier needs two")
        _train(self, X, encoded, "sigmoid")
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) probabilities of `classes_`."""
        second = _output(self, X)
        return np.stack([1 - second, second], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """(n,) labels: the second class where its probability is at least 1/2."""
        second = _output(self, X) >= 0.5
        return self.classes_[second.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class ConcurrenceRegressor(RegressorMixin, BaseEstimator):
    """Concurrence from features in [−1, 1]; defaults are the paper's (arXiv:2410.21504v2, Sec. III).

    Parameters and attributes as for `EntanglementClassifier`; y is (n,) of real numbers. The output is linear: clip it
    to [0, 1] where a concurrence is wanted.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (100, 50, 50),
        optimizer: Literal["sgd", "adam"] = "sgd",
        learning_rate: float = 0.01,
        batch_size: int = 32,
        epochs: int = 200,
        decay: Literal["none", "cosine"] = "none",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.decay = decay
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> ConcurrenceRegressor:
        """Train on X (n, n_features) and targets y (n,)."""
        X, y = validate_data(self, X, y, y_numeric=True)
        _train(self, X, y, "linear")
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """(n,) predictions."""
        return _output(self, X)
