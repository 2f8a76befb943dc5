"""The estimators that a runcard names, ready for its counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qent_hw.calibration.record import DeviceRecord
from qent_hw.circuits.readout_twirl import twirled
from qent_hw.errors import InputError
from qent_hw.estimators import Estimator, NeuralEstimator, load_distinct_estimators
from qent_hw.estimators.bayes import BayesEstimator
from qent_hw.estimators.catalogue import is_network, make_estimator
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.situation import Situation
from qent_hw.estimators.sources import FamilyStates
from qent_hw.experiments.plan import Plan
from qent_hw.experiments.runcard import Runcard
from qent_hw.hardware.device import Device
from qent_hw.physics.settings import ALL_SETTINGS


def load_estimators(runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device) -> list[Estimator]:
    """The estimators of a runcard: networks in its order; after those that were trained without a device, where there
    is a record, the same with their features corrected for its misreadings, as NAME_corrected; then all others.

    device: for those that simulate it.

    Raises
    ------
    InputError
        where one is not to be had, or lacks a setting.
    """
    files = [name for name in runcard.estimators if is_network(name)]
    networks = load_distinct_estimators(files, plan.family.name, runcard.channel.kind)
    found: list[Estimator] = [*networks]
    if record is not None:
        found += _corrected(networks, record, runcard)
    others = [name for name in runcard.estimators if not is_network(name)]
    if others:
        situation = _situation(runcard, plan, record, device)
        found += [_made(name, situation) for name in others]
    for one in found:
        if lacking := [setting for setting in one.settings if setting not in runcard.settings]:
            raise InputError(
                f"estimators: {one.name} needs setting {lacking[0]}; add it to settings = {runcard.settings}"
            )
    return found


def posterior_of(runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device) -> BayesEstimator:
    """The posterior in the runcard's settings, as the estimator ``bayes`` of that runcard takes it.

    Raises
    ------
    InputError
        where it is not to be had.
    """
    made = _made("bayes", _situation(runcard, plan, record, device))
    assert isinstance(made, BayesEstimator)
    return made


def situation_of(runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device) -> Situation:
    """What verdicts of a run assume: the family, and the device as it is published, or as the record knows it."""
    assumed = _situation(runcard, plan, record, device)
    if runcard.backend.name == "aer" and runcard.injection.kind != "idle":
        # nothing errs, and there are closed forms
        assumed = replace(assumed, states=FamilyStates(plan.family))
    return replace(assumed, shots=runcard.shots * len(runcard.settings))


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


def _made(name: str, situation: Situation) -> Estimator:
    try:
        return make_estimator(name, situation)
    except InputError as error:
        raise InputError(f"estimators: {error}") from None


def _situation(runcard: Runcard, plan: Plan, record: DeviceRecord | None, device: Device) -> Situation:
    from qent_hw.experiments.training_device import device_of_run

    # the only ones that look at the total are tuned tomographies, of all nine settings
    shots, settings = runcard.shots * len(ALL_SETTINGS), tuple(runcard.settings)
    known = replace(device_of_run(runcard, device, record), spread=None)
    return Situation(DeviceStates(plan.family, known), runcard.channel.kind, shots, settings)
