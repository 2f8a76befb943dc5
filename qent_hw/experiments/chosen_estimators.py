"""The estimators that a runcard names, ready for its counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qent_hw.calibration.record import DeviceRecord
from qent_hw.circuits.readout_twirl import twirled
from qent_hw.errors import InputError
from qent_hw.estimators import Estimator, NeuralEstimator, load_distinct_estimators
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.runcard import Runcard
from qent_hw.hardware.device import Device

BAYES = "bayes"


def load_estimators(
    runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device | None = None
) -> list[Estimator]:
    """The estimators of a runcard, in its order; after those that were trained without a device, where there is a
    record, the same with their features corrected for its misreadings, as NAME_corrected.

    device: for `bayes`, which simulates it.

    Raises
    ------
    InputError
        where one is not to be had, or lacks a setting.
    """
    files = [name for name in runcard.estimators if name != BAYES]
    networks = load_distinct_estimators(files, plan.family.name, runcard.channel.kind)
    for network in networks:
        lacking = [setting for setting in network.settings if setting not in runcard.settings]
        if lacking:
            raise InputError(
                f"estimators: {network.name} needs setting {lacking[0]}; add it to settings = {runcard.settings}"
            )
    found: list[Estimator] = [*networks]
    if record is not None:
        found += _corrected(networks, record, runcard)
    if BAYES in runcard.estimators:
        found.append(_bayes(runcard, plan, record, device))
    return found


def cards_of(estimators: Sequence[Estimator]) -> dict[str, dict[str, Any]]:
    """The model card of each estimator, for the provenance."""
    return {
        one.name: dict(one.model.card if isinstance(one, NeuralEstimator) else getattr(one, "card", {}))
        for one in estimators
    }


def _corrected(networks: Sequence[NeuralEstimator], record: DeviceRecord, runcard: Runcard) -> list[NeuralEstimator]:
    assignment = record.readout.matrix
    if runcard.readout == "twirled":
        assignment = twirled(assignment)
    return [
        replace(one, name=f"{one.name}_corrected", assignment=assignment)
        for one in networks
        if "device" not in one.model.card
    ]


def _bayes(runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device | None) -> Estimator:
    from qent_hw.estimators.bayes import bayes_for_device
    from qent_hw.experiments.training_device import device_of_run

    if device is None:
        raise InputError("estimators: bayes simulates the device, which is for local backends so far")
    assumed = device_of_run(runcard, device, record)
    return bayes_for_device(plan.family, runcard.channel.kind, assumed, tuple(runcard.settings))
