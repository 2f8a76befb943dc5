"""The device of `qent-hw train`: from a backend's name to what training data for it are made with."""

from __future__ import annotations

from typing import Any

import numpy as np

from qent_hw.circuits.injection import INJECTIONS
from qent_hw.circuits.template import timing_grid, transpile_template
from qent_hw.errors import InputError
from qent_hw.estimators.device_states import TrainingDevice
from qent_hw.experiments.provenance import idle_facts
from qent_hw.hardware import resolve_backend
from qent_hw.hardware.backends import is_ibm
from qent_hw.hardware.device import Device
from qent_hw.simulation.device import device_template
from qent_hw.simulation.errors import device_errors


def training_device(
    backend: str | None, qubits: tuple[int, int] | None, injection: str | None, channel: str = "dephasing"
) -> TrainingDevice | None:
    """The pair `qubits` of `backend` with noise by `injection`, as a run would resolve them; None without a backend.

    Parameters
    ----------
    injection
        None for ``noise-model``.

    Raises
    ------
    InputError
        for an unknown backend or injection, qubits that are not coupled, an injection or qubits without a backend,
        waiting on qubits that do not relax, or a channel that the injection does not make.
    """
    if backend is None:
        for name, value in (("qubits", qubits), ("injection", injection)):
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
    return training_device_of(resolve_backend(backend, qubits=qubits, injection=injection).device, backend, injection)


def training_device_of(device: Device, backend: str, injection: str) -> TrainingDevice:
    """The pair `device`, called `backend` in the model card, with noise by `injection`.

    Raises
    ------
    InputError
        for waiting on qubits that do not relax.
    """
    errors = device_errors(device.target)
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
    template = device_template(transpile_template(device.target), errors)
    return TrainingDevice(template, injection, timing_grid(device.target), facts)


def _shown(value: str | tuple[int, int]) -> str:
    return repr(value) if isinstance(value, str) else f"{value[0]},{value[1]}"
