"""The device of `qent-hw train`: from a backend's name to what training data for it are made with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qent_hw.calibration.apply import calibrated_device, calibrated_errors
from qent_hw.calibration.record import DeviceRecord, check_record
from qent_hw.circuits.injection import INJECTIONS
from qent_hw.circuits.readout_twirl import twirled
from qent_hw.circuits.template import timing_grid, transpile_template
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.estimators.drift import Spread, even_spread
from qent_hw.experiments.provenance import idle_facts
from qent_hw.experiments.runcard import Runcard
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.backends import is_ibm
from qent_hw.hardware.device import Device
from qent_hw.simulation.device import device_template

# Relative, of lifetimes and misreadings: what a day may change, beside what a record does not know.
DRIFT = 0.1


def training_device(
    backend: str | None,
    qubits: tuple[int, int] | None,
    injection: str | None,
    channel: str = "dephasing",
    *,
    record: DeviceRecord | None = None,
    readout_twirl: bool = False,
    drift: float = 0.0,
) -> TrainingDevice | None:
    """The pair `qubits` of `backend` with noise by `injection`, as a run would resolve them; None without a backend.

    Parameters
    ----------
    injection
        None for ``noise-model``.
    record
        what is known of the pair; its qubits are taken where none are given.
    readout_twirl
        whether the readout is twirled, see `circuits.readout_twirl`.
    drift
        relative spread of lifetimes and misreadings to train over, beside the record's own uncertainties.

    Raises
    ------
    InputError
        for an unknown backend or injection, qubits that are not coupled, an injection or qubits without a backend,
        waiting on qubits that do not relax, or a channel that the injection does not make.
    """
    if backend is None:
        told = None if record is None else f"of {record.device}"
        for name, value in (("qubits", qubits), ("injection", injection), ("record", told)):
            if value is not None:
                raise InputError(f"{name} = {_shown(value)}: say on which device, with --backend")
        return None
    injection = injection or "noise-model"
    if injection not in INJECTIONS:
        raise InputError(f"injection = {injection!r}: use one of {', '.join(INJECTIONS)}")
    if channel == "depolarizing" and injection != "noise-model":
        raise InputError(f"injection = {injection!r} makes dephasing; depolarizing needs noise-model")
    if is_ibm(backend):
        raise InputError(
            f"backend {backend!r}: training is for simulated devices so far; the fake of that name has the same gates, "
            "with the errors of one day"
        )
    if record is not None and qubits is None:
        qubits = record.pair
    device = resolve_backend(backend, qubits=qubits, injection=injection).device
    if record is not None:
        check_record(record, device.name, device.qubits)
        device = calibrated_device(device, record)
    return training_device_of(device, backend, injection, record=record, readout_twirl=readout_twirl, drift=drift)


def training_device_of(
    device: Device,
    backend: str,
    injection: str,
    *,
    record: DeviceRecord | None = None,
    readout_twirl: bool = False,
    drift: float = 0.0,
) -> TrainingDevice:
    """The pair `device`, called `backend` in the model card, with noise by `injection`; see `training_device`.

    Raises
    ------
    InputError
        for waiting on qubits that do not relax.
    """
    if not 0 <= drift <= 1:
        raise InputError(f"drift = {drift:g}: a relative spread between 0 and 1, such as {DRIFT:g}")
    errors = calibrated_errors(device, record)
    if readout_twirl:
        errors = replace(errors, readout=twirled(errors.readout))
    if injection == "idle" and np.all(np.isinf(errors.idle.T2)):
        raise InputError(
            f"injection = 'idle': the qubits of {backend!r} have no T1 and T2, so waiting changes nothing; "
            "train for a device that has them, such as fake_manila"
        )
    facts: dict[str, Any] = {
        "backend": backend,
        "device": device.name,
        "qubits": list(device.qubits),
        "injection": injection,
        **idle_facts(errors.idle),
        **device.facts,
    }
    if readout_twirl:
        facts["readout"] = "twirled"
    if drift:
        facts["drift"] = drift
    template = device_template(transpile_template(device.target), errors)
    spread = None if record is None and not drift else spread_of(record, drift)
    return TrainingDevice(template, injection, timing_grid(device.target), facts, spread)


def device_of_run(runcard: Runcard, device: Device, record: DeviceRecord | None, drift: float = 0.0) -> TrainingDevice:
    """The pair `device` as the run of that runcard uses it; see `training_device_of`."""
    return training_device_of(
        device,
        runcard.backend.name,
        runcard.injection.kind,
        record=record,
        readout_twirl=runcard.readout == "twirled",
        drift=drift,
    )


def spread_of(record: DeviceRecord | None, drift: float) -> Spread:
    """A record's standard errors, and a relative `drift` of lifetimes and misreadings in quadrature with them."""
    base = even_spread(drift)
    if record is None:
        return base
    idle, readout = record.idle, record.readout
    T1, T2 = (np.array([(one.error or 0.0) / one.value for one in times]) for times in (idle.T1_s, idle.T2_s))
    misread = np.zeros((4, 4))
    if readout.errors is not None:
        wrong = (readout.matrix > 0) & ~np.eye(4, dtype=bool)
        np.divide(np.array(readout.errors), readout.matrix, out=misread, where=wrong)
    return Spread(
        np.hypot(base.T1, T1),
        np.hypot(base.T2, T2),
        np.array([one.error or 0.0 for one in idle.detuning_hz]),
        idle.zz_hz.error or 0.0,
        np.hypot(base.misreading, np.minimum(misread, 1.0)),
    )


def _shown(value: str | tuple[int, int]) -> str:
    return repr(value) if isinstance(value, str) else f"{value[0]},{value[1]}"
