"""The card of a study of verdicts: a TOML file with a `kind`, cases as other studies have them, and options."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.experiments.study.card import Case, Shots, combinations, own_files_beside
from qent_hw.experiments.study.cases import World
from qent_hw.validation import first_problem

if TYPE_CHECKING:
    import pandas as pd

    from qent_hw.pages.picture import Picture

Perform = Callable[[Case, World, int, Any, np.random.SeedSequence], list[dict[str, Any]]]


class VerdictStudy(BaseModel):
    """A study of verdicts.

    kind: what is asked, a module of this package. shots: of one state, all settings together. options: the kind's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    kind: Literal["calibration", "alarm", "certificate", "adaptive"]
    title: Annotated[str, Field(min_length=1)]
    description: str = ""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] = 1
    shots: Annotated[list[Shots], Field(min_length=1)]
    cases: Annotated[list[Case], Field(min_length=1)]
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _makes_sense(self) -> VerdictStudy:
        listed: dict[str, list[Any]] = {"shots": self.shots, "cases": [one.name for one in self.cases]}
        for what, names in listed.items():
            if repeated := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{what}: {repeated[0]!r} is given more than once")
        return self


@dataclass(frozen=True)
class Kind:
    """What a kind of study does: the rows of a case at a number of shots, its figures, and what these show."""

    options: type[BaseModel]
    perform: Perform
    figures: Callable[[pd.DataFrame], dict[str, Picture]]
    claims: Callable[[pd.DataFrame], list[str]]


def kind_of(name: str) -> Kind:
    """The kind of that name; loaded when it is needed."""
    module = importlib.import_module(f"qent_hw.experiments.verdict_studies.{name}")
    return Kind(module.Options, module.perform, module.figures, module.claims)


def is_verdict_study(name: str | Path) -> bool:
    """Whether a card, a path or the name of a shipped one, is of this package rather than of `experiments.study`."""
    return "kind" in bench.read_toml(bench.find("experiments", str(name), ".toml"), "study")


def load_verdict_study(name: str | Path) -> VerdictStudy:
    """The card in the file at that path, or the shipped one of that name.

    Raises
    ------
    InputError
        as `study.card.load_study`.
    """
    path = bench.find("experiments", str(name), ".toml")
    content = own_files_beside(bench.read_toml(path, "study"), path.parent)
    return parse_verdict_study(content, str(path))


def parse_verdict_study(content: dict[str, Any], source: str) -> VerdictStudy:
    """A card from the content of its file; `source` names it in errors."""
    cases = content.get("cases")
    if isinstance(cases, list):
        spread = [one for case in cases for one in (combinations(case) if isinstance(case, dict) else [case])]
        content = {**content, "cases": spread}
    try:
        study = VerdictStudy.model_validate(content)
    except ValidationError as error:
        raise InputError(f"study {source}: {first_problem(error, VerdictStudy)}") from None
    options_of(study, source)
    return study


def options_of(study: VerdictStudy, source: str) -> Any:
    """The options of a study, as its kind has them."""
    options = kind_of(study.kind).options
    try:
        return options.model_validate(study.options)
    except ValidationError as error:
        raise InputError(f"study {source}: options: {first_problem(error, options)}") from None
