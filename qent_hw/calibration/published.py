"""A device record without a shot: what the backend publishes of its qubits."""

from __future__ import annotations

import datetime

import numpy as np

from qent_hw.calibration.record import DeviceRecord, Figure, Idle, Readout, Time
from qent_hw.circuits.template import timing_grid
from qent_hw.errors import InputError
from qent_hw.hardware.device import Device
from qent_hw.simulation.errors import device_errors


def published_record(backend: str, device: Device) -> DeviceRecord:
    """The record of `device`, called `backend`, by its published T1, T2 and readout errors.

    Nothing in it has an error bar, as none is published. Detuning and ZZ are taken as zero, though they seldom are, and
    a published T2 is mostly that of an echo: only a measurement tells.

    Raises
    ------
    InputError
        for qubits without T1 and T2, as the ideal simulator's, and for such as are read no better than by guessing.
    """
    published, zero = device_errors(device.target), Figure(value=0.0)
    idle = published.idle
    if np.any(np.isinf(idle.T1)):
        raise InputError(f"backend {backend!r} publishes no T1 and T2; there is nothing to record")
    if abs(np.linalg.det(published.readout)) < 1e-3:
        first, second = device.qubits
        raise InputError(
            f"qubits = {first},{second}: by their published errors, outcomes tell nothing of their states; take others"
        )
    return DeviceRecord(
        backend=backend,
        device=device.name,
        qubits=list(device.qubits),
        date=datetime.datetime.now().astimezone(),
        source="published",
        snapshot=device.facts.get("properties_dated"),
        dt_s=device.target.dt,
        timing_grid_dt=timing_grid(device.target),
        idle=Idle(
            T1_s=[Time(value=one) for one in idle.T1.tolist()],
            T2_s=[Time(value=one) for one in idle.T2.tolist()],
            detuning_hz=[zero, zero],
            zz_hz=zero,
            decay="exponential",
            evidence="assumed: a published T2 says nothing of it",
        ),
        readout=Readout(kind="tensored", assignment=published.readout.tolist()),
    )
