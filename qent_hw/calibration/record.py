"""Device records: what was found out about one pair of qubits, when, and how sure it is; one JSON file each."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from qent_hw.errors import InputError
from qent_hw.files import write_whole
from qent_hw.physics import IdleChannel
from qent_hw.physics.idle import Law
from qent_hw.validation import first_problem


@dataclass(frozen=True)
class Trust:
    """Which records to use: not older than `max_age_h` unless `stale_ok`, without bad fits unless `bad_fit_ok`."""

    max_age_h: float = 24.0
    stale_ok: bool = False
    bad_fit_ok: bool = False


_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Qubit = Annotated[int, Field(ge=0, strict=True)]
_Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=4, max_length=4)]
_Matrix = Annotated[list[_Row], Field(min_length=4, max_length=4)]
# relative; what rounding to JSON and back may add
_SLACK = 1e-6


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Part):
    """A value with one standard error; None where it is published without one."""

    value: _Finite
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Time(Figure):
    """A time in seconds."""

    value: _Positive


_Times = Annotated[list[Time], Field(min_length=2, max_length=2)]
_Figures = Annotated[list[Figure], Field(min_length=2, max_length=2)]


class Idle(_Part):
    """What both qubits do while they wait together: see `physics.IdleChannel`. T2 is that of a wait without an echo.

    `evidence` says how sure the kind of decay is.
    """

    T1_s: _Times
    T2_s: _Times
    detuning_hz: _Figures
    zz_hz: Figure
    decay: Law
    evidence: str = ""

    @model_validator(mode="after")
    def _possible(self) -> Idle:
        for place, (t1, t2) in enumerate(zip(self.T1_s, self.T2_s, strict=True)):
            if t2.value > 2 * t1.value * (1 + _SLACK):
                raise ValueError(
                    f"T2_s.{place} = {t2.value:.4g} is above 2·T1_s = {2 * t1.value:.4g}; no qubit has T2 > 2·T1"
                )
        return self

    @property
    def channel(self) -> IdleChannel:
        """As the physics takes it."""

        def values(figures: list[Any]) -> NDArray[np.float64]:
            return np.array([one.value for one in figures])

        T1 = values(self.T1_s)
        T2 = np.minimum(values(self.T2_s), 2 * T1)
        return IdleChannel(T1, T2, values(self.detuning_hz), np.array(self.zz_hz.value), self.decay)


class Readout(_Part):
    """How outcomes are misread.

    `assignment` is A[measured][prepared] over the outcomes ++, +−, −+, −− (first sign: first qubit), columns sum to
    one; `errors` its standard errors. `kind`: correlated (all four states prepared) or tensored (each qubit alone).
    """

    kind: Literal["correlated", "tensored"]
    assignment: _Matrix
    errors: _Matrix | None = None
    shots: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _columns(self) -> Readout:
        sums = self.matrix.sum(axis=0)
        if np.any(np.abs(sums - 1) > _SLACK):
            column = int(np.argmax(np.abs(sums - 1)))
            raise ValueError(
                f"assignment: column {column} sums to {sums[column]:.6g}; A[measured][prepared] has columns that sum "
                "to one"
            )
        if np.abs(np.linalg.det(self.matrix)) < 1e-6:
            raise ValueError("assignment: cannot be inverted, so outcomes tell nothing of the states")
        return self

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(4, 4) the assignment, A[measured, prepared]."""
        return np.array(self.assignment)


class Fit(_Part):
    """One fit: what of, how good it was, what came out, and a remark where it is bad.

    Times in seconds, frequencies in Hz, by name.
    """

    name: str
    qubits: list[_Qubit]
    good: bool
    chi2_per_dof: _Finite | None = None
    figures: dict[str, Figure] = {}
    remark: str = ""


class DeviceRecord(_Part):
    """What is known of two qubits of a device, first qubit of the state first.

    `source` is measured, or published (the backend's own values, without a shot); `snapshot` the date or id of the
    backend's own calibration. `counts`: what was measured, by experiment.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    backend: str
    device: str
    qubits: Annotated[list[_Qubit], Field(min_length=2, max_length=2)]
    date: AwareDatetime
    source: Literal["measured", "published"]
    snapshot: str | None = None
    shots: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    dt_s: _Positive
    timing_grid_dt: Annotated[int, Field(ge=1)]
    idle: Idle
    readout: Readout
    fits: list[Fit] = []
    counts: list[dict[str, Any]] = []
    versions: dict[str, str] = {}

    @model_validator(mode="after")
    def _two(self) -> DeviceRecord:
        if self.qubits[0] == self.qubits[1]:
            raise ValueError(f"qubits = {self.qubits}: two different ones")
        return self

    @property
    def pair(self) -> tuple[int, int]:
        """Its qubits."""
        return self.qubits[0], self.qubits[1]

    @property
    def age_h(self) -> float:
        """Hours since it was made."""
        return (datetime.datetime.now(datetime.UTC) - self.date).total_seconds() / 3600

    @property
    def bad_fits(self) -> list[Fit]:
        """Those that must not be believed unseen."""
        return [fit for fit in self.fits if not fit.good]

    def facts(self) -> dict[str, Any]:
        """What provenance and model cards say of it."""
        return {
            "date": self.date.isoformat(timespec="seconds"),
            "source": self.source,
            "snapshot": self.snapshot,
            "readout": self.readout.kind,
            "bad_fits": [f"{fit.name}: {fit.remark}" for fit in self.bad_fits],
        }

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; raises `InputError` where it cannot be written."""
        text = self.model_dump_json(by_alias=True, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, lambda file: file.write(text.encode()))
        except OSError as error:
            raise InputError(f"record {path}: cannot be written: {error.strerror or error}") from None


def load_record(path: str | Path, trust: Trust = Trust()) -> DeviceRecord:
    """The record in a file, fit for use.

    Raises
    ------
    InputError
        in one line, for a file that is missing, no JSON or no record, and for a record that is not to be trusted; one
        from the future never is.
    """
    record = read_record(path)
    if record.age_h < -1 / 6:
        raise InputError(f"record {path}: dated {record.date.isoformat()}, which is still to come; is the clock right?")
    if record.age_h > trust.max_age_h and not trust.stale_ok:
        raise InputError(
            f"record {path}: {record.age_h:.1f} hours old, more than {trust.max_age_h:g}; calibrate again, allow more "
            "with --max-age HOURS, or use it as it is with --stale-ok"
        )
    if record.bad_fits and not trust.bad_fit_ok:
        bad = record.bad_fits[0]
        where = ",".join(map(str, bad.qubits))
        raise InputError(
            f"record {path}: the fit of {bad.name} on qubit {where} is bad: {bad.remark or 'see its page'}; look at "
            "it, and use it all the same with --bad-fit-ok"
        )
    return record


def read_record(path: str | Path) -> DeviceRecord:
    """The record in a file, however old or bad; raises `InputError` in one line for what is no record."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"record {path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"record {path}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"record {path}: holds no JSON object; qent-hw calibrate writes one")
    try:
        return DeviceRecord.model_validate(content)
    except ValidationError as error:
        raise InputError(f"record {path}: {first_problem(error, DeviceRecord)}") from None


def check_record(record: DeviceRecord, device: str, qubits: tuple[int, int]) -> None:
    """Raise `InputError` unless the record is of these qubits of this device."""
    if record.device != device:
        raise InputError(f"the record is of {record.device}, and this is {device}")
    if record.pair != qubits:
        theirs, ours = (",".join(map(str, pair)) for pair in (record.pair, qubits))
        raise InputError(f"the record is of qubits {theirs} of {device}, not {ours}; use --qubits {theirs}")
