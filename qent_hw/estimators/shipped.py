"""The shipped models, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qent_hw.errors import InputError
from qent_hw.estimators.model import Model
from qent_hw.estimators.neural import NeuralEstimator

ZOO = Path(__file__).parent / "zoo"


def model_path(family: str, channel: str, feature_set: str) -> Path:
    """Where the model of that name is, or would be, shipped."""
    return ZOO / f"{family}-{channel}-{feature_set}.npz"


def available_models() -> tuple[tuple[str, str, str], ...]:
    """The shipped models as (family, channel, name), sorted; names are feature sets such as 'bell8'."""
    stems = (path.stem.split("-") for path in ZOO.glob("*.npz"))
    return tuple(sorted((s[0], s[1], s[2]) for s in stems if len(s) == 3))


def load_estimator(name: str, family: str, channel: str) -> NeuralEstimator:
    """The shipped estimator such as ('bell8', 'special_four_basis', 'dephasing'), or one of a model file (.npz).

    Raises InputError where there is none, listing those there are and how to train one, and for a model file made for
    another family or channel.
    """
    if Path(name).suffix == ".npz":
        estimator = named_estimator(name)
        made_for = (estimator.model.family, estimator.model.channel)
        if made_for != (family, channel):
            raise InputError(f"estimator {name!r}: made for {' under '.join(made_for)}, not {family} under {channel}")
        return estimator
    known = available_models()
    if (family, channel, name) not in known:
        listed = ", ".join(f"{n} for {f} under {c}" for f, c, n in known) or "none"
        raise InputError(
            f"estimator {name!r}: no model is shipped for family {family!r} under {channel!r}; there are: {listed}; "
            f"train one with: qent-hw train --family {family} --features {name} --out FILE"
        )
    return NeuralEstimator(name, Model.load(model_path(family, channel, name)))


def load_distinct_estimators(names: Sequence[str], family: str, channel: str) -> list[NeuralEstimator]:
    """Several estimators, each as by `load_estimator`; those of model files that share a name are called as the files.

    Raises InputError as there, and for names that are still the same.
    """
    found = [load_estimator(name, family, channel) for name in names]
    called = [one.name for one in found]
    apart = [
        replace(one, name=Path(name).stem) if called.count(one.name) > 1 and Path(name).suffix == ".npz" else one
        for name, one in zip(names, found, strict=True)
    ]
    for place, one in enumerate(apart):
        if twins := [names[other] for other in range(place) if apart[other].name == one.name]:
            raise InputError(f"estimators: {twins[0]!r} and {names[place]!r} would both be called {one.name!r}")
    return apart


def named_estimator(name: str) -> NeuralEstimator:
    """The estimator of a model file, or of a shipped model by its full name such as 'two_basis-dephasing-bell4'.

    A model file's estimator is called by the name in its card ('device' for one trained for a device), or as the file.

    Raises InputError where it is neither, listing the shipped names.
    """
    if Path(name).suffix == ".npz":
        model = Model.load(name)
        return NeuralEstimator(str(model.card.get("estimator", Path(name).stem)), model)
    names = {"-".join(key): key for key in available_models()}
    if name not in names:
        raise InputError(f"model {name!r}: neither a model file (.npz) nor a shipped one; shipped: {', '.join(names)}")
    family, channel, feature_set = names[name]
    return load_estimator(feature_set, family, channel)
