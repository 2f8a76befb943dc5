"""Backend names, resolved in one place.

========================  =====================================================================================
``aer``                   ideal Aer simulator (with the T1_s and T2_s of the runcard, its qubits relax while idle)
``aer:fake_manila``       Aer with the noise of a fake IBM device, through Aer's own interface
``fake_manila``           the same device through IBM's runtime client in local testing mode
``simulated``             a pair with detuning, ZZ and slow noise, which no fake has (`qent_hw.hardware.planted`)
``ibm_…``                 a device of IBM's, through jobs: see `qent_hw.experiments.remote`
``ibm:least-busy``        the one of the account's devices with the shortest queue
========================  =====================================================================================
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from qent_hw.errors import InputError

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

    from qent_hw.hardware.device import Device
    from qent_hw.hardware.simulators import Backend

SIMULATED = "simulated"


def resolve_backend(
    name: str,
    *,
    qubits: tuple[int, int] | None = None,
    injection: str = "noise-model",
    T1: tuple[float, float] | None = None,
    T2: tuple[float, float] | None = None,
) -> Backend:
    """The backend that `name` means, on its pair `qubits`.

    Parameters
    ----------
    injection
        how noise gets in; where no qubits are given, the pair that suits it best is chosen.
    T1, T2
        seconds per qubit: relaxation while idling, for ``aer`` alone; a device brings its own.

    Raises
    ------
    InputError
        for an unknown name (the nearest one is named), qubits that are faulty or not coupled, or T1, T2 where they do
        not belong.
    BackendError
        if a pair is to be chosen and none is without a fault.
    """
    from qent_hw.hardware.device import cut_device, ideal_device
    from qent_hw.hardware.planted import shipped_pair
    from qent_hw.hardware.planted_backend import planted_backend
    from qent_hw.hardware.simulators import aer_backend, runtime_local_backend

    if is_ibm(name):
        raise InputError(f"backend {name!r}: takes jobs; use qent-hw submit and collect, or qent-hw run")
    if name == "aer":
        if qubits not in (None, (0, 1), (1, 0)):
            raise InputError(f"qubits = {qubits[0]},{qubits[1]}: aer simulates two qubits, 0 and 1")
        return aer_backend(name, ideal_device(T1, T2))
    if T1 is not None or T2 is not None:
        raise InputError(f"T1_s and T2_s describe the ideal simulator 'aer'; {name} has relaxation times of its own")
    if name == SIMULATED:
        if qubits not in (None, (0, 1)):
            raise InputError(f"qubits = {qubits[0]},{qubits[1]}: {name} is one pair, 0,1")
        return planted_backend(name, shipped_pair())
    make: Callable[[str, Device], Backend] = aer_backend if name.startswith("aer:") else runtime_local_backend
    return make(name, cut_device(fake_device(name), qubits, injection))


def is_ibm(name: str) -> bool:
    """Whether the name is that of a backend at IBM, which takes jobs and needs an account."""
    return name.startswith(("ibm_", "ibm:"))


def local_backends() -> tuple[str, ...]:
    """Every name that works without an account."""
    fakes = sorted(_fake_classes())
    return ("aer", SIMULATED, *fakes, *(f"aer:{fake}" for fake in fakes))


def fake_device(name: str) -> BackendV2:
    """IBM's fake device that `name` means, by either route; `InputError` for an unknown one."""
    route, _, device_name = name.rpartition(":")
    classes = _fake_classes()
    if route not in ("", "aer") or device_name not in classes:
        raise _unknown(name)
    return classes[device_name]()


def _fake_classes() -> dict[str, type[BackendV2]]:
    """IBM's fake devices with at least two qubits, by their own names (`fake_manila`), without making any."""
    from qiskit_ibm_runtime import fake_provider

    classes = {}
    for attribute in vars(fake_provider).values():
        backend_name = getattr(attribute, "backend_name", None)
        if isinstance(attribute, type) and isinstance(backend_name, str):
            classes[backend_name.removesuffix("_v2")] = attribute
    classes.pop("fake_armonk", None)  # a single qubit
    return classes


def _unknown(name: str) -> InputError:
    near = difflib.get_close_matches(name, local_backends(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "use aer, fake_manila, fake_torino, aer:fake_manila, …"
    return InputError(f"backend {name!r} is not known; {hint}")
