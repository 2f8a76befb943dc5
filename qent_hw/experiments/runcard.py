"""Runcards: what an experiment is, as a TOML file a person copies and edits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from qent_hw import bench
from qent_hw.angles import angle
from qent_hw.calibration.record import Trust
from qent_hw.errors import InputError
from qent_hw.physics.settings import BELL_SETTINGS, check_settings
from qent_hw.validation import first_problem
from qent_hw.verdicts.decision import ERROR_RATE, FALSE_ALARMS

Angle = Annotated[float, BeforeValidator(angle)]
Strength = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Qubit = Annotated[int, Field(ge=0, strict=True)]


def _record_file(name: str) -> str:
    if Path(name).suffix != ".json":
        raise ValueError("a record ends in .json")
    return name


def check_lifetimes(T1_s: list[float] | None, T2_s: list[float] | None) -> None:
    """Raise ValueError for one without the other, and for what no qubit has."""
    if (T1_s is None) != (T2_s is None):
        raise ValueError("T1_s and T2_s go together: give both, in seconds, one value per qubit")
    for t1, t2 in zip(T1_s or [], T2_s or [], strict=True):
        if t2 > 2 * t1:
            raise ValueError(f"T2_s = {t2:g} is above 2·T1_s = {2 * t1:g}; no qubit has T2 > 2·T1")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grid(_Section):
    """`num` equally spaced values from `start` to `stop`, both included."""

    start: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    stop: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    num: Annotated[int, Field(ge=1, le=100_000, strict=True)]

    def values(self) -> list[float]:
        """The values, ascending."""
        step = (self.stop - self.start) / (self.num - 1) if self.num > 1 else 0.0
        # round off what binary fractions add, so that 0.1 is written 0.1 in every file
        return [round(self.start + index * step, 12) for index in range(self.num)]


class StrengthGrid(Grid):
    """A grid of noise strengths."""

    start: Strength
    stop: Strength


class Points(_Section):
    """Chosen states, each of them at every noise strength."""

    kind: Literal["points"]
    points: Annotated[list[dict[str, Angle]], Field(min_length=1)]


class Random(_Section):
    """Random states: parameters uniform on the family's ranges, every noise strength equally often."""

    kind: Literal["random"]
    n: Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class Channel(_Section):
    """The noise: its kind and strengths."""

    kind: Literal["dephasing", "depolarizing"] = "dephasing"
    p: StrengthGrid | Annotated[list[Strength], Field(min_length=1)]

    def strengths(self) -> list[float]:
        """The strengths p."""
        return self.p.values() if isinstance(self.p, Grid) else list(self.p)


class Injection(_Section):
    """How the noise gets in; for `idle`, waits may be given in seconds in place of those that the strengths ask for."""

    kind: Literal["noise-model", "idle", "twirl"] = "noise-model"
    tau_s: Grid | Annotated[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=1)] | None = None
    T1_s: Annotated[list[Seconds], Field(min_length=2, max_length=2)] | None = None
    T2_s: Annotated[list[Seconds], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _times_belong_together(self) -> Injection:
        check_lifetimes(self.T1_s, self.T2_s)
        if self.tau_s is not None and self.kind != "idle":
            raise ValueError(f"tau_s is for kind = 'idle', not {self.kind!r}")
        return self

    def waits(self) -> list[float] | None:
        """The waits τ in seconds, where given."""
        return self.tau_s.values() if isinstance(self.tau_s, Grid) else self.tau_s


class BackendChoice(_Section):
    """Where it runs."""

    name: str = "aer"
    qubits: Annotated[list[Qubit], Field(min_length=2, max_length=2)] | None = None


class RecordChoice(_Section):
    """The device record to go by: its file, and what of it is put up with (see `calibration.record.Trust`)."""

    file: Annotated[str, AfterValidator(_record_file)]
    max_age_h: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Trust().max_age_h
    stale_ok: bool = False
    bad_fit_ok: bool = False

    @property
    def trust(self) -> Trust:
        """As `load_record` takes it."""
        return Trust(self.max_age_h, self.stale_ok, self.bad_fit_ok)


class Adaptive(_Section):
    """Measure state by state until the verdict is sure enough (see `verdicts.adaptive`): the chance that one is wrong,
    shots in every setting before the first look, what each later batch multiplies a state's total by, and whether it
    goes to the setting that tells most, to several as they tell (shared), or evenly to all, as networks need it."""

    error_rate: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = 0.01
    first: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] = 16
    growth: Annotated[float, Field(ge=1.05, le=100, allow_inf_nan=False)] = 1.5
    spread: Literal["most", "shared", "even"] = "most"


class Verdicts(_Section):
    """How sure verdicts are to be: the share of separable states that may be called entangled, and of entangled ones
    that may be called separable; and how often the alarm may fire although all is as assumed (see `verdicts`)."""

    error_rate: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = ERROR_RATE
    alarm_rate: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = FALSE_ALARMS


class Runcard(_Section):
    """One experiment."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    title: Annotated[str, Field(min_length=1)]
    description: str = ""
    family: str
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] = 1
    shots: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] = 4096
    settings: Annotated[list[str], Field(min_length=1)] = list(BELL_SETTINGS)
    readout: Literal["plain", "twirled"] = "plain"
    estimators: Annotated[list[str], Field(min_length=1)] = ["bell4", "bell8"]
    states: Annotated[Points | Random, Field(discriminator="kind")]
    channel: Channel
    injection: Injection = Injection()
    backend: BackendChoice = BackendChoice()
    record: RecordChoice | None = None
    adaptive: Adaptive | None = None
    verdicts: Verdicts = Verdicts()

    @model_validator(mode="after")
    def _makes_sense(self) -> Runcard:
        check_settings(tuple(self.settings))
        if len(set(self.estimators)) < len(self.estimators):
            raise ValueError(f"estimators = {self.estimators}: name each once")
        if self.channel.kind == "depolarizing" and self.injection.kind != "noise-model":
            raise ValueError(
                f"injection.kind = {self.injection.kind!r} makes dephasing; depolarizing needs 'noise-model'"
            )
        return self


def load_runcard(name: str | Path, **overrides: Any) -> Runcard:
    """The runcard in the file at that path, or the shipped one of that name.

    Parameters
    ----------
    overrides
        what the command line replaces, by dotted key, such as `{"backend.name": "aer", "shots": 100}`; None means
        unchanged.

    Raises
    ------
    InputError
        for a missing or unreadable file, text that is no TOML, an unknown key (the nearest valid one is named), or an
        impossible value.
    """
    path = bench.find("experiments", str(name), ".toml")
    content = bench.read_toml(path, "runcard")
    if "cases" in content:
        raise InputError(f"runcard {path}: is a study of many experiments; use qent-hw study")
    # a family, a model or a record named by a path is looked up beside the runcard first
    if isinstance(content.get("family"), str):
        content["family"] = bench.beside(path.parent, content["family"])
    if isinstance(content.get("estimators"), list):
        content["estimators"] = [bench.beside(path.parent, one) for one in content["estimators"]]
    if isinstance(content.get("record"), dict) and "file" in content["record"]:
        content["record"]["file"] = bench.beside(path.parent, content["record"]["file"])
    return parse_runcard(content, str(path), **overrides)


def overrides_of(
    backend: str | None,
    shots: int | None,
    seed: int | None,
    injection: str | None,
    qubits: tuple[int, int] | None,
    record: Mapping[str, Any] | None = None,
    adaptive: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What replaces a runcard's own entries, as `load_runcard` takes it; None leaves an entry as it is.

    record, adaptive: entries of its sections of these names.
    """
    return {
        "backend.name": backend,
        "backend.qubits": None if qubits is None else list(qubits),
        "shots": shots,
        "seed": seed,
        "injection.kind": injection,
        **{f"record.{key}": value for key, value in (record or {}).items()},
        **{f"adaptive.{key}": value for key, value in (adaptive or {}).items()},
    }


def adaptive_entries(asked: bool | Mapping[str, Any], runcard: Runcard) -> dict[str, Any]:
    """What of the section `adaptive` is replaced: entries, or with True whatever makes a run of the card adaptive."""
    if isinstance(asked, Mapping):
        return dict(asked)
    return Adaptive().model_dump() if asked and runcard.adaptive is None else {}


def record_choice(entries: Mapping[str, Any]) -> RecordChoice:
    """A runcard's section `record` of these entries.

    Raises
    ------
    InputError
        as for a runcard.
    """
    try:
        return RecordChoice.model_validate(entries)
    except ValidationError as error:
        raise InputError(f"record: {first_problem(error, RecordChoice)}") from None


def parse_runcard(content: dict[str, Any], source: str, **overrides: Any) -> Runcard:
    """A runcard from the content of its file; `source` names it in errors. See `load_runcard`."""
    for dotted, value in overrides.items():
        if value is not None:
            *sections, key = dotted.split(".")
            place = content
            for section in sections:
                place = place.setdefault(section, {})
            place[key] = value
    try:
        runcard = Runcard.model_validate(content)
    except ValidationError as error:
        raise InputError(f"runcard {source}: {first_problem(error, Runcard)}") from None
    _check_file_names(runcard, source)
    return runcard


# what a run's folder holds besides, where files of the user's own are copied
_FOLDERS_OWN = ("runcard.toml", "provenance.json", "comparison.json", "plan.json", "plan.npz", "device.json")


def _check_file_names(runcard: Runcard, source: str) -> None:
    for name in named_files(runcard):
        path = bench.own_file(name)
        if path is not None and Path(path).name in _FOLDERS_OWN:
            raise InputError(
                f"runcard {source}: {path}: a run's folder has a {Path(path).name} of its own; give yours another name"
            )


def named_files(runcard: Runcard) -> tuple[str, ...]:
    """What a runcard may name by a path: its family, estimators and record."""
    return runcard.family, *runcard.estimators, *([runcard.record.file] if runcard.record else [])
