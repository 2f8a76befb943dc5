"""A device as its record knows it: what is measured takes the place of what is published."""

from __future__ import annotations

from dataclasses import replace

from qent_hw.calibration.record import DeviceRecord
from qent_hw.hardware.device import Device
from qent_hw.simulation.errors import DeviceErrors, device_errors


def calibrated_device(device: Device, record: DeviceRecord) -> Device:
    """The pair with the record's wait; its facts tell of the record. Gates stay as they are published."""
    return replace(device, idle=record.idle.channel, facts=device.facts | {"record": record.facts()})


def calibrated_errors(device: Device, record: DeviceRecord | None) -> DeviceErrors:
    """The errors of a pair: published gates, and the wait and the readout of the record where there is one."""
    published = replace(device_errors(device.target), idle=device.idle)
    if record is None:
        return published
    return replace(published, idle=record.idle.channel, readout=record.readout.matrix)
