"""The card of a figure (`experiments/paper/figureN.toml`): states, samples of them, trainings, and the quick sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.paper.feature_sets import TABLE, feature_sets
from qent_hw.experiments.paper.sources import spectrum

FIGURES = (2, 3, 4, 5, 6, 7, 8)

Count = Annotated[int, Field(ge=1, strict=True)]
Size = Annotated[int, Field(ge=100, le=10_000_000, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def _known_law(entry: Any) -> Any:
    if isinstance(entry, dict):
        spectrum(entry)
    return entry


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class States(_Section):
    """Random states: a family after a channel, or general mixed states with a spectrum law."""

    title: Annotated[str, Field(min_length=1)]
    family: str | None = None
    channel: Literal["dephasing", "depolarizing"] | None = None
    spectrum: Annotated[dict[str, Any], BeforeValidator(_known_law)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> States:
        if (self.family is None) != (self.channel is None) or (self.family is None) == (self.spectrum is None):
            raise ValueError("give family and channel, or spectrum")
        return self

    def plain(self) -> dict[str, Any]:
        """What a task's definition says of them (see `sources`)."""
        return (
            {"spectrum": self.spectrum}
            if self.spectrum is not None
            else {"family": self.family, "channel": self.channel}
        )


class Sample(_Section):
    """States that are looked at, not learnt from: one sample of n for each seed."""

    states: str
    n: Size
    seeds: Annotated[list[Seed], Field(min_length=1)]


class Training(_Section):
    """Networks trained on the same states, one for each feature set, anew for each seed (data, weights and order).

    features: "table" (the first 1 … 15 of Table I) or names of feature sets; parts: tasks that share the networks of
    one seed, so that long trainings spread over the workers.
    """

    states: str
    target: Literal["entangled", "concurrence"]
    n: Size
    train_share: Share = 0.8
    hidden: list[Count]
    epochs: Count = 200
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.01
    batch_size: Count = 32
    features: str | Annotated[list[str], Field(min_length=1)] = TABLE
    seeds: Annotated[list[Seed], Field(min_length=1)]
    tested_on: list[str] = []
    parts: Count = 1

    @model_validator(mode="after")
    def _known_features(self) -> Training:
        feature_sets(self.features)
        return self


class Quick(_Section):
    """The sizes of `--quick`: the most states, epochs and seeds."""

    n: Size
    epochs: Count
    seeds: Count


class Limit(_Section):
    """The best any model can do with the first 1, 2, … 15 features of Table I: n test states, `pool` prior draws."""

    states: str
    target: Literal["entangled", "concurrence"]
    n: Annotated[int, Field(ge=100, strict=True)]
    pool: Annotated[int, Field(ge=8192, strict=True)]
    seed: Seed


class Card(_Section):
    """One figure. Limits are drawn as ceilings, by the name of the curve that runs under them."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    figure: Literal[2, 3, 4, 5, 6, 7, 8]
    title: Annotated[str, Field(min_length=1)]
    states: dict[str, States]
    samples: dict[str, Sample] = {}
    trainings: dict[str, Training] = {}
    limits: dict[str, Limit] = {}
    quick: Quick

    @model_validator(mode="after")
    def _states_exist(self) -> Card:
        named = [one.states for one in self.samples.values()] + [one.states for one in self.trainings.values()]
        named += [name for one in self.trainings.values() for name in one.tested_on]
        named += [one.states for one in self.limits.values()]
        if any(one.states in self.states and self.states[one.states].spectrum for one in self.limits.values()):
            raise ValueError("limits are for families, not for general mixed states: their features are too many")
        for name in named:
            if name not in self.states:
                raise ValueError(f"states {name!r} are used but not given; given: {', '.join(self.states)}")
        return self

    def at_quick_size(self) -> Card:
        """The same figure, small."""
        small = self.quick

        def shrunk(one: Any) -> Any:
            sizes: dict[str, Any] = {"n": min(one.n, small.n), "seeds": one.seeds[: small.seeds]}
            if isinstance(one, Training):
                sizes["epochs"] = min(one.epochs, small.epochs)
            return one.model_copy(update=sizes)

        return self.model_copy(
            update={
                "samples": {name: shrunk(one) for name, one in self.samples.items()},
                "trainings": {name: shrunk(one) for name, one in self.trainings.items()},
                "limits": {
                    name: one.model_copy(update={"n": min(one.n, 500), "pool": min(one.pool, 1 << 14)})
                    for name, one in self.limits.items()
                },
            }
        )


def load_card(figure: int) -> Card:
    """The card of that figure. Raises InputError for an unknown figure or a card that makes no sense."""
    if figure not in FIGURES:
        raise InputError(f"figure = {figure}: there are cards for figures {FIGURES[0]} to {FIGURES[-1]}")
    return read_card(bench.folder("experiments") / "paper" / f"figure{figure}.toml")


def read_card(path: Path) -> Card:
    """The card in a file. Raises InputError for one that cannot be read or makes no sense."""
    content = bench.read_toml(path, "card")
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"card {path}: {where}: {problem['msg'].removeprefix('Value error, ')}") from None
