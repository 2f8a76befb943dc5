"""What decides a model: its data and its two recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qent_hw.circuits import load_family
from qent_hw.estimators.averages import averages_apart
from qent_hw.estimators.data import Shots
from qent_hw.estimators.device_states import DeviceStates, TrainingDevice
from qent_hw.estimators.model import FEWEST_SHOTS, MOST_SHOTS
from qent_hw.estimators.sources import StateSource, state_source
from qent_hw.estimators.training import PAPER_CLASSIFIER, PAPER_REGRESSOR, Recipe
from qent_hw.physics.settings import FEATURE_SETS, check_features

# A concurrence takes longer to learn than a label.
_CLASSIFIER = Recipe((128, 128, 128), "adam", 3e-3, batch_size=1024, epochs=8, decay="cosine", squares=(48, 48))
_REGRESSOR = replace(_CLASSIFIER, epochs=16)
# At one number of shots there is less to learn.
_DEVICE_CLASSIFIER = Recipe((96, 96, 96), "adam", 2e-3, batch_size=512, epochs=10, decay="cosine", squares=(36, 36))
_DEVICE_REGRESSOR = replace(_DEVICE_CLASSIFIER, epochs=15)


@dataclass(frozen=True)
class Blueprint:
    """Everything that decides a model but the seed.

    family: a name or a path for `sources.state_source`; channel: one that its states can pass through; feature_set: a
    key of FEATURE_SETS, or names of Table I with commas between, such as 'xa,yb,x1,y1,1a,1b'; apart: whether the
    networks see the single-qubit averages of each setting by themselves, see `averages`;
    shots: per setting in the training data, inf for exact features, a number, or a range drawn log-uniformly, which
    makes the networks shot-aware; weight_power: a row of N shots then weighs as N to this power in the regressor's
    loss, for the squared error that can be reached falls about as 1/N, and rows of few shots would drown all others. Of
    the n states drawn, `train_share` are trained on and the rest is held out; the interval table and the test scores
    come from further states. device: the device the model is for, whose errors are then in all of these; None for
    measurements without error.
    """

    family: str
    channel: str
    feature_set: str
    shots: Shots
    classifier: Recipe
    n_classifier: int
    regressor: Recipe
    n_regressor: int
    train_share: float = 0.8
    n_intervals: int = 200_000
    n_test: int = 200_000
    device: TrainingDevice | None = None
    apart: bool = False
    weight_power: float = 0.0

    @property
    def features(self) -> tuple[str, ...]:
        named = FEATURE_SETS.get(self.feature_set)
        return check_features(tuple(self.feature_set.split(","))) if named is None else named

    @property
    def averages(self) -> tuple[str, ...]:
        """What the networks see, in the order of their inputs."""
        return averages_apart(self.features) if self.apart else self.features

    @property
    def source(self) -> StateSource:
        """What the states are drawn from; raises InputError for an unknown family."""
        if self.device is None:
            return state_source(self.family)
        return DeviceStates(load_family(self.family), self.device)

    @property
    def shot_aware(self) -> bool:
        return isinstance(self.shots, tuple)


def paper_blueprint(family: str, channel: str, feature_set: str = "bell4", shots: Shots = np.inf) -> Blueprint:
    """The paper's pair (arXiv:2410.21504v2, Sec. III): exact features; 15 nodes on 200,000 states for the classifier,
    (100, 50, 50) on 100,000 for the regressor; SGD 0.01, batch 32, 200 epochs, 80% to train on."""
    return Blueprint(family, channel, feature_set, shots, PAPER_CLASSIFIER, 200_000, PAPER_REGRESSOR, 100_000)


def device_blueprint(
    family: str, channel: str, feature_set: str, shots: Shots, device: TrainingDevice | None, n: int = 1_000_000
) -> Blueprint:
    """The pair for a device, at the shots of a run: smaller than the recommended, ready within a minute on two
    cores."""
    blueprint = recommended_blueprint(family, channel, feature_set, shots, n)
    return replace(blueprint, classifier=_DEVICE_CLASSIFIER, regressor=_DEVICE_REGRESSOR, device=device)


def recommended_blueprint(
    family: str, channel: str, feature_set: str = "bell8", shots: Shots = (FEWEST_SHOTS, MOST_SHOTS), n: int = 4_000_000
) -> Blueprint:
    """The recommended pair: larger networks trained on sampled counts, at the shot counts they are to serve. Five to
    six minutes of one core."""
    return Blueprint(
        family,
        channel,
        feature_set,
        shots,
        _CLASSIFIER,
        n,
        _REGRESSOR,
        n,
        train_share=0.97,
        apart=True,
        weight_power=0.5,
    )
