"""Calibrating a pair: plan the circuits, measure them, and put together what they say as a device record."""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

import qent_hw
from qent_hw.calibration.joint import PROBES, JointData, JointPlan, joint_plan
from qent_hw.calibration.joint_fit import NAME as JOINT
from qent_hw.calibration.joint_fit import fit_joint_idle
from qent_hw.calibration.record import DeviceRecord
from qent_hw.calibration.standard import StandardPlan, standard_plan
from qent_hw.circuits.template import timing_grid
from qent_hw.errors import InputError
from qent_hw.hardware.device import Device
from qent_hw.hardware.simulators import Backend

SHOTS = 4096
_PACKAGES = ("qiskit", "qiskit-aer", "qiskit-experiments", "qiskit-ibm-runtime", "numpy", "scipy")
# of a device that publishes none
_GUESS_S = 1e-4


@dataclass(frozen=True)
class CalibrationPlan:
    """All circuits of a calibration, in one list: the standard experiments', then the joint wait's; and the T1 and T2
    (2,) in seconds that their waits were chosen for."""

    standard: StandardPlan
    joint: JointPlan
    T1: NDArray[np.float64]
    T2: NDArray[np.float64]

    @property
    def circuits(self) -> tuple[QuantumCircuit, ...]:
        """On the pair, qubits 0 and 1."""
        return (*self.standard.circuits, *self.joint.circuits)


def plan_calibration(
    device: Device, T1: NDArray[np.float64] | None = None, T2: NDArray[np.float64] | None = None
) -> CalibrationPlan:
    """What is to be measured on the pair, by what its T1 and T2, (2,) seconds, are thought to be: as published unless
    given, or a guess where nothing is."""
    times = [
        np.where(np.isinf(published), _GUESS_S, published) if given is None else given
        for given, published in ((T1, device.idle.T1), (T2, device.idle.T2))
    ]
    return CalibrationPlan(standard_plan(device, *times), joint_plan(device.target, float(times[1].max())), *times)


def conclude_calibration(
    plan: CalibrationPlan,
    counts: Sequence[Mapping[str, int]],
    backend: str,
    device: Device,
    shots: int,
    seed: int | None = None,
) -> DeviceRecord:
    """The record, from the counts of each circuit of the plan by bit string."""
    split = len(plan.standard.circuits)
    standard = plan.standard.analyse(counts[:split], device.qubits)
    data = plan.joint.data(counts[split:])
    idle, fit = fit_joint_idle(data, standard.readout, standard.T1_guess)
    fits = [*standard.fits, fit.model_copy(update={"qubits": list(device.qubits)})]
    return DeviceRecord(
        backend=backend,
        device=device.name,
        qubits=list(device.qubits),
        date=datetime.datetime.now().astimezone(),
        source="measured",
        snapshot=device.facts.get("properties_dated"),
        shots=shots,
        seed=seed,
        dt_s=device.target.dt,
        timing_grid_dt=timing_grid(device.target),
        idle=idle,
        readout=standard.readout,
        fits=fits,
        counts=[*standard.counts, *_told(data)],
        versions={"qent-hw": qent_hw.__version__, **{name: importlib.metadata.version(name) for name in _PACKAGES}},
    )


def calibrate(backend: Backend, shots: int = SHOTS, seed: int = 1) -> DeviceRecord:
    """Measure the pair of a backend, `shots` for each circuit.

    Raises
    ------
    InputError
        for fewer than 100 shots, of which no fit can be made, and for a backend whose qubits do not relax.
    """
    if shots < 100:
        raise InputError(f"shots = {shots}: at least 100 for each circuit, or the fits have nothing to go by")
    if np.any(np.isinf(backend.device.idle.T1)):
        raise InputError(f"backend {backend.name!r}: its qubits neither relax nor dephase; there is nothing to measure")
    plan = plan_calibration(backend.device)
    counts = backend.count(plan.circuits, shots, np.random.SeedSequence(seed))
    return conclude_calibration(plan, counts, backend.name, backend.device, shots, seed)


def default_path(record: DeviceRecord) -> Path:
    """`calibration/<device>-q<a>-q<b>-<date>.json` in the working folder."""
    first, second = record.qubits
    when = record.date.astimezone(datetime.UTC)
    return Path("calibration") / f"{record.device}-q{first}-q{second}-{when:%Y%m%dT%H%M%SZ}.json"


def _told(data: JointData) -> list[dict[str, object]]:
    rows = []
    for delay, probe, counts in zip(data.wait_s, data.probe, data.counts, strict=True):
        prepared, measured = PROBES[probe]
        rows.append(
            {
                "experiment": JOINT,
                "delay_s": float(delay),
                "prepared": prepared,
                "measured": measured,
                "counts": counts.tolist(),
            }
        )
    return rows
