"""The card of a study: which states on which devices, how many shots, which estimators, and when to stop."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qent_hw import bench
from qent_hw.errors import InputError
from qent_hw.estimators.sources import NO_CHANNEL
from qent_hw.experiments.runcard import Qubit, Seconds, check_lifetimes
from qent_hw.experiments.specialise import NAME as DEVICE
from qent_hw.physics.settings import ALL_SETTINGS, BELL_SETTINGS, check_settings
from qent_hw.validation import first_problem

MIXED = "general_mixed"
"""The states that no circuit here prepares (arXiv:2410.21504v2, Sec. III.C)."""

Share = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]
_BATCH = 1000
Size = Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
Shots = Annotated[int, Field(ge=4, le=100_000_000, strict=True)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[^/\n]+$")]


def _checked(settings: list[str]) -> list[str]:
    # in one order, so that the same settings mean the same counts
    return sorted(check_settings(tuple(settings)), key=ALL_SETTINGS.index)


def _all_or_named(settings: Any) -> Any:
    named = {"all": ALL_SETTINGS, "chsh": BELL_SETTINGS}
    return list(named[settings]) if isinstance(settings, str) and settings in named else settings


Settings = Annotated[list[str], Field(min_length=1), AfterValidator(_checked), BeforeValidator(_all_or_named)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Chosen(_Section):
    """An estimator: its name (see `estimators.catalogue`), for those that can do with any the settings to measure, and
    what it is called in the tables.

    ``device`` is a network trained for what the case assumes, at its shots, over a relative spread `drift` of the
    device's lifetimes and misreadings. assumes: in place of what the case says.
    """

    name: Annotated[str, Field(min_length=1)]
    settings: Settings | None = None
    drift: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    assumes: Literal["device", "readout", "ideal"] | None = None
    label: Name

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, entry: Any) -> Any:
        entry = {"name": entry} if isinstance(entry, str) else entry
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            name = entry["name"]
            path = bench.own_file(name)
            called = name if path is None else Path(path).stem + name.removeprefix(path)
            entry = {"label": called, **entry}
        return entry

    @model_validator(mode="after")
    def _makes_sense(self) -> Chosen:
        if self.drift is not None and self.name != DEVICE:
            raise ValueError(f"drift: is what {DEVICE!r} is trained over, not {self.name!r}")
        return self


class CaseDevice(_Section):
    """The pair that measures: a local backend's, or ideal gates (`aer`) with the lifetimes and misreadings given.

    misread: chance that each qubit's outcome is misread, in place of the backend's own. drift: relative spread of
    lifetimes and misreadings around these, drawn anew for every state; no estimator knows the draw.
    """

    backend: Name = "aer"
    qubits: Annotated[list[Qubit], Field(min_length=2, max_length=2)] | None = None
    T1_s: Annotated[list[Seconds], Field(min_length=2, max_length=2)] | None = None
    T2_s: Annotated[list[Seconds], Field(min_length=2, max_length=2)] | None = None
    misread: Share | None = None
    drift: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _makes_sense(self) -> CaseDevice:
        check_lifetimes(self.T1_s, self.T2_s)
        return self


class Case(_Section):
    """Random states of one family, how they are degraded and measured, and what the estimators are told of that.

    value: where it stands on the study's axis. assumes: what estimators that use a device are made for: ``device`` (all
    of it but the drift), ``readout`` (its misreadings alone) or ``ideal`` (nothing).
    """

    name: Name
    title: str = ""
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    family: str
    channel: Literal["dephasing", "depolarizing", "none"] = "dephasing"
    injection: Literal["noise-model", "idle", "twirl"] = "noise-model"
    device: CaseDevice | None = None
    assumes: Literal["device", "readout", "ideal"] = "device"
    settings: Settings = list(BELL_SETTINGS)
    estimators: Annotated[list[Chosen], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Case:
        if (self.family == MIXED) != (self.channel == NO_CHANNEL):
            raise ValueError(f"channel = {self.channel!r}: family {MIXED!r} has channel 'none', and no other has")
        if self.family == MIXED and self.device is not None:
            raise ValueError(f"device: no circuit here prepares the states of {MIXED!r}; leave it out")
        if self.channel == "depolarizing" and self.injection != "noise-model":
            raise ValueError(f"injection = {self.injection!r} makes dephasing; depolarizing needs 'noise-model'")
        if self.injection == "idle" and self.device is None:
            raise ValueError("injection = 'idle': say on which device the qubits wait, in a section device")
        return self


class Stop(_Section):
    """When a row of the table is done: at so many states, or sooner if its accuracy's standard error is small enough.

    fewer: the same number by an estimator's label, for those that take long. batch: states of one task.
    """

    states: Size
    standard_error: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] | None = None
    batch: Annotated[int, Field(ge=10, le=100_000, strict=True)] = _BATCH
    fewer: dict[str, Size] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_batch_of_few(cls, entry: Any) -> Any:
        if isinstance(entry, dict) and "batch" not in entry and isinstance(entry.get("states"), int):
            return {**entry, "batch": min(_BATCH, max(entry["states"], 10))}
        return entry

    @model_validator(mode="after")
    def _whole_batches(self) -> Stop:
        for name, number in {"states": self.states, **self.fewer}.items():
            if number % self.batch:
                raise ValueError(f"{name} = {number}: must be a multiple of batch = {self.batch}")
        return self

    def states_of(self, label: str) -> int:
        """The most states for the estimator called `label`."""
        return min(self.states, self.fewer.get(label, self.states))


class Study(_Section):
    """A study.

    shots: of one state, shared out evenly over the settings that an estimator needs. axis: what the cases' values are.
    map: two of the family's parameters or p; errors are then also counted on a grid of these.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    title: Annotated[str, Field(min_length=1)]
    description: str = ""
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]], Field(min_length=1)] = [1]
    shots: Annotated[list[Shots], Field(min_length=1)]
    estimators: Annotated[list[Chosen], Field(min_length=1)]
    reference: str | None = None
    axis: str | None = None
    map: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    stop: Stop
    cases: Annotated[list[Case], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Study:
        listed: dict[str, list[Any]] = {"shots": self.shots, "seeds": self.seeds}
        for what, names in {**listed, "cases": [one.name for one in self.cases]}.items():
            if repeated := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{what}: {repeated[0]!r} is given more than once")
        for case in self.cases:
            called = [one.label for one in self.estimators_of(case)]
            if twice := [label for label in called if called.count(label) > 1]:
                raise ValueError(f"estimators: two are called {twice[0]!r}; give one a label of its own")
        if self.axis is not None and any(case.value is None for case in self.cases):
            raise ValueError("axis: every case then needs its value")
        if self.stop.states // self.stop.batch < len(self.seeds):
            raise ValueError(f"seeds: {len(self.seeds)} of them need at least as many batches of stop.batch states")
        if self.map is not None and self.map[0] == self.map[1]:
            raise ValueError(f"map: {self.map[0]!r} is given twice")
        labels = {one.label for case in self.cases for one in self.estimators_of(case)}
        for label in (*self.stop.fewer, *([self.reference] if self.reference else [])):
            if label not in labels:
                raise ValueError(f"{label!r} is none of the estimators {', '.join(sorted(labels))}")
        return self

    def estimators_of(self, case: Case) -> list[Chosen]:
        """The estimators of one of the cases."""
        return case.estimators or self.estimators


def load_study(name: str | Path) -> Study:
    """The study in the file at that path, or the shipped one of that name.

    Raises
    ------
    InputError
        for a missing or unreadable file, text that is no TOML, an unknown key (the nearest valid one is named), or an
        impossible value.
    """
    path = bench.find("experiments", str(name), ".toml")
    content = bench.read_toml(path, "study")
    if "cases" not in content and "states" in content:
        raise InputError(f"study {path}: is the runcard of one experiment; use qent-hw run")
    return parse_study(own_files_beside(content, path.parent), str(path))


def parse_study(content: dict[str, Any], source: str) -> Study:
    """A study from the content of its file; `source` names it in errors. See `load_study`.

    A case whose family, channel, injection, or device's backend is a list stands for all combinations of these.
    """
    cases = content.get("cases")
    if isinstance(cases, list):
        spread = [one for case in cases for one in (combinations(case) if isinstance(case, dict) else [case])]
        content = {**content, "cases": spread}
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise InputError(f"study {source}: {first_problem(error, Study)}") from None


def combinations(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A case for every combination of what it lists, see `parse_study`."""
    lists = [key for key in ("family", "channel", "injection") if isinstance(case.get(key), list)]
    device = case["device"] if isinstance(case.get("device"), dict) else {}
    backends = device["backend"] if isinstance(device.get("backend"), list) else None
    found = []
    for values in itertools.product(*(case[key] for key in lists), backends or [None]):
        one: dict[str, Any] = {**case, **dict(zip(lists, values, strict=False))}
        if backends is not None:
            one["device"] = {**device, "backend": values[-1]}
        if lists or backends:
            parts = [case.get("name"), *(value for value in values if value is not None)]
            one["name"] = " ".join(str(part) for part in parts if part)
        elif "name" not in one and isinstance(one.get("family"), str):
            one["name"] = Path(one["family"]).stem
        found.append(one)
    return found


def own_files_beside(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Files of the user's own are looked up beside the card first."""

    def beside(value: Any) -> Any:
        if isinstance(value, list):
            return [beside(one) for one in value]
        if isinstance(value, dict):
            return {key: beside(one) for key, one in value.items()}
        return bench.beside(folder, value)

    return {key: beside(value) for key, value in content.items()}
