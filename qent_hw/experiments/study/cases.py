"""A case of a study as the two things it is made of: what really happens, and what estimators are told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qent_hw.calibration.apply import calibrated_errors
from qent_hw.circuits import load_family
from qent_hw.circuits.template import timing_grid, transpile_template
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import DeviceStates, TrainingDevice
from qent_hw.estimators.drift import even_spread
from qent_hw.estimators.sources import FamilyStates, StateSource, state_source
from qent_hw.experiments.study.card import MIXED, Case, CaseDevice
from qent_hw.experiments.training_device import training_device_of
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.backends import is_ibm
from qent_hw.hardware.device import Device, ideal_device
from qent_hw.hardware.jobs import REP_DELAY_S, circuit_seconds
from qent_hw.physics import idle_channel
from qent_hw.simulation.device import device_template


@dataclass(frozen=True, eq=False)
class World:
    """A case, resolved.

    Attributes
    ----------
    actual, assumed
        the states with all that happens to them, and as estimators are made for them.
    shot_s
        seconds that a shot takes: the circuit without its wait, and the usual pause between shots.
    """

    actual: StateSource
    assumed: StateSource
    shot_s: float


def resolve(case: Case) -> World:
    """What a case means.

    Raises
    ------
    InputError
        for an unknown family or backend, or a device that the injection is not for.
    """
    if case.family == MIXED:
        states = state_source(MIXED)
        return World(states, states, REP_DELAY_S)
    family = load_family(case.family)
    ideal = FamilyStates(family)
    if case.device is None:
        return World(ideal, ideal, REP_DELAY_S)
    pair = _pair(case.device, case.injection)
    device = _misread(training_device_of(pair, case.device.backend, case.injection), case.device)
    drifting = replace(device, spread=even_spread(case.device.drift)) if case.device.drift else device
    told: dict[str, StateSource] = {
        "device": DeviceStates(family, device),
        "readout": DeviceStates(family, _readout_alone(device)),
        "ideal": ideal,
    }
    # gates of the ideal simulator take no time
    circuit_s = 0.0 if case.device.backend == "aer" else circuit_seconds(transpile_template(pair.target), pair.target)
    return World(DeviceStates(family, drifting), told[case.assumes], REP_DELAY_S + circuit_s)


def _pair(chosen: CaseDevice, injection: str) -> Device:
    if is_ibm(chosen.backend):
        raise InputError(
            f"backend {chosen.backend!r}: studies are simulated; take the fake of that name, and qent-hw run for IBM's"
        )
    named = chosen.qubits
    return resolve_backend(
        chosen.backend,
        qubits=None if named is None else (named[0], named[1]),
        injection=injection,
        T1=None if chosen.T1_s is None else (chosen.T1_s[0], chosen.T1_s[1]),
        T2=None if chosen.T2_s is None else (chosen.T2_s[0], chosen.T2_s[1]),
    ).device


def _misread(device: TrainingDevice, chosen: CaseDevice) -> TrainingDevice:
    if chosen.misread is None:
        return device
    one = np.array([[1 - chosen.misread, chosen.misread], [chosen.misread, 1 - chosen.misread]])
    errors = replace(device.template.errors, readout=np.kron(one, one))
    facts = {**device.facts, "misread": chosen.misread}
    return replace(device, template=replace(device.template, errors=errors), facts=facts)


def _readout_alone(device: TrainingDevice) -> TrainingDevice:
    """Perfect gates and no relaxation, with the same misreadings."""
    perfect = ideal_device()
    errors = replace(
        calibrated_errors(perfect, None),
        readout=device.template.errors.readout,
        idle=idle_channel((np.inf, np.inf), (np.inf, np.inf)),
    )
    template = device_template(transpile_template(perfect.target), errors)
    facts = {**device.facts, "injection": "noise-model", "assumed": "its misreadings alone"}
    return TrainingDevice(template, "noise-model", timing_grid(perfect.target), facts)
