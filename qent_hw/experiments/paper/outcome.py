"""What the tasks of a card gave, looked up by the card's own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.experiments.paper.card import Card
from qent_hw.experiments.paper.feature_sets import feature_sets
from qent_hw.experiments.paper.results import Results
from qent_hw.experiments.paper.tasks import all_tasks, key, limit_tasks, sample_tasks, training_tasks
from qent_hw.experiments.paper.training import OWN


@dataclass(frozen=True)
class Measured:
    """A figure over seeds.

    mean; spread: the standard deviation over seeds, None for one seed; standard_error: of one seed's score on its test
    states; n_seeds, n_states: of one seed.
    """

    mean: float
    spread: float | None
    standard_error: float
    n_seeds: int
    n_states: int


@dataclass(frozen=True)
class Outcome:
    """A card together with the folder that holds its results; every look-up gives None for what is not done."""

    card: Card
    results: Results

    @property
    def complete(self) -> bool:
        return all(self.results.get(one) is not None for one in all_tasks(self.card))

    def summaries(self) -> dict[str, dict[str, Any]]:
        """What every task that is done gave, by its key."""
        found = {one: self.results.get(one) for one in all_tasks(self.card)}
        return {one: summary for one, summary in found.items() if summary is not None}

    def entangled(self, sample: str) -> Measured | None:
        """The share of entangled states in a sample."""
        return _measured([one["entangled"] for one in self._samples(sample)])

    def largest_p(self, sample: str) -> float | None:
        """The largest p at which a sample has an entangled state."""
        return max((float(one["largest_p"]) for one in self._samples(sample)), default=None)

    def _samples(self, sample: str) -> list[dict[str, Any]]:
        found = [self.results.get(key(task)) for task in sample_tasks(self.card, sample)]
        return [one for one in found if one is not None]

    def sample_arrays(self, sample: str) -> dict[str, NDArray[Any]]:
        """The arrays of a sample's first seed."""
        return self.results.arrays(key(sample_tasks(self.card, sample)[0]))

    def score(self, training: str, model: str, tested_on: str = OWN) -> Measured | None:
        """Accuracy or R² of the network with that feature set."""
        wanted, found = (model, tested_on), []
        for parts in training_tasks(self.card, training):
            done = [one for one in map(self.results.get, map(key, parts)) if one is not None]
            found += [s for one in done for s in one["scores"] if (s["model"], s["tested_on"]) == wanted]
        return _measured(found)

    def curve(self, training: str, tested_on: str = OWN) -> dict[int, Measured]:
        """Number of features -> score, for a training with the features of Table I."""
        found = {int(label): self.score(training, label, tested_on) for label in self.labels(training)}
        return {k: score for k, score in found.items() if score is not None}

    def limit(self, name: str) -> dict[int, Measured]:
        """Number of features -> the best any model can do, with the standard error of that."""
        done = {k: self.results.get(key(task)) for k, task in limit_tasks(self.card, name).items()}
        target = self.card.limits[name].target
        found = {k: _measured([one[target]]) for k, one in done.items() if one is not None}
        return {k: one for k, one in found.items() if one is not None}

    def labels(self, training: str) -> list[str]:
        """The feature sets of a training."""
        return list(feature_sets(self.card.trainings[training].features))

    def arrays(self, training: str, model: str) -> dict[str, NDArray[Any]]:
        """The arrays of a training's first seed, `outputs` (n_test,) being those of that network alone."""
        for task in training_tasks(self.card, training)[0]:
            labels = [label for label, _ in task["models"]]
            if model in labels:
                arrays = self.results.arrays(key(task))
                return arrays | {"outputs": arrays["outputs"][labels.index(model)]}
        raise KeyError(model)


def _measured(found: list[dict[str, Any]]) -> Measured | None:
    if not found:
        return None
    values = np.array([one["value"] for one in found])
    return Measured(
        mean=float(values.mean()),
        spread=float(values.std(ddof=1)) if len(values) > 1 else None,
        standard_error=float(np.mean([one["standard_error"] for one in found])),
        n_seeds=len(values),
        n_states=int(found[0]["n_states"]),
    )
