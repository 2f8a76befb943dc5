"""Delay ↔ p: the wait for a dephasing strength on the device's timing grid, and what a wait gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qent_hw.calibration.record import DeviceRecord
from qent_hw.circuits.injection import delay_for
from qent_hw.errors import InputError


@dataclass(frozen=True)
class Wait:
    """A wait that a device can do, and what it does.

    Attributes
    ----------
    delay_dt, tau_s
        on the timing grid, in dt, and in seconds.
    p1, p2
        the dephasing strength of each qubit.
    relaxed
        the share of each qubit's excitation that relaxes meanwhile.
    """

    delay_dt: int
    tau_s: float
    p1: float
    p2: float
    relaxed: tuple[float, float]

    def __str__(self) -> str:
        shares = " and ".join(f"{100 * one:.1f}%" for one in self.relaxed)
        return (
            f"τ = {1e6 * self.tau_s:.4g} µs ({self.delay_dt} dt): p1 = {self.p1:.4f}, p2 = {self.p2:.4f}; "
            f"{shares} of the excitations relax"
        )


def wait_for(record: DeviceRecord, p: float) -> Wait:
    """The wait whose strengths have (1−p1)(1−p2) = (1−p)², rounded to the grid; p1 ≠ p2 where the qubits differ.

    It is the one that a run takes, for p above `circuits.injection.LARGEST_IDLE_STRENGTH` that of this strength.

    Raises
    ------
    InputError
        for p outside [0, 1); no wait dephases completely.
    """
    if not 0 <= p < 1:
        raise InputError(f"p = {p:g}: from 0 to below 1, as p = 1 takes for ever")
    return _wait(record, int(delay_for(np.array([p]), record.idle.channel, record.dt_s, record.timing_grid_dt)[0]))


def strengths_of(record: DeviceRecord, tau_s: float) -> Wait:
    """What a wait gives, rounded to the grid; raises `InputError` for one that is negative, or longer than a second."""
    if not 0 <= tau_s <= 1:
        raise InputError(f"tau = {tau_s:g} s: a wait is from 0 to 1 s; 30 µs are 3e-5")
    grid = record.timing_grid_dt
    return _wait(record, round(tau_s / record.dt_s / grid) * grid)


def _wait(record: DeviceRecord, delay_dt: int) -> Wait:
    channel, tau_s = record.idle.channel, delay_dt * record.dt_s
    p1, p2 = channel.strengths(tau_s)
    first, second = -np.expm1(-tau_s / channel.T1)
    return Wait(delay_dt, tau_s, float(p1), float(p2), (float(first), float(second)))
