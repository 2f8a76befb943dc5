"""A device as this experiment sees it: two qubits, their gates and errors, cut out of the whole.

Everything here runs on one pair, and a simulator's noise model of two qubits is built and applied far faster than
that of 133 (field-notes 15). The cut keeps each instruction's own properties, so the pair's noise is exactly the
device's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from qiskit.circuit import Delay, Measure, Parameter
from qiskit.circuit.library import CZGate, RZGate, SXGate, XGate
from qiskit.providers import BackendV2, Options, QubitProperties
from qiskit.transpiler import Target

from qent_hw.hardware.pair import check_pair, choose_pair
from qent_hw.physics import IdleChannel, idle_channel

# of simulators, and of devices that publish no time step
IDEAL_DT = 1e-9


@dataclass(frozen=True)
class Device:
    """Two qubits of a device.

    Attributes
    ----------
    name
        of the whole device.
    qubits
        their numbers there, first qubit of the state first.
    target
        instructions, errors and timing of these two, numbered 0 and 1.
    idle
        what it does while waiting, by its published T1 and T2 (clipped to 2·T1); an ideal pair does nothing.
    facts
        what provenance should say of it (snapshot date, clipped values, …).
    """

    name: str
    qubits: tuple[int, int]
    target: Target
    idle: IdleChannel
    facts: dict[str, Any] = field(default_factory=dict)


def ideal_device(T1: tuple[float, float] | None = None, T2: tuple[float, float] | None = None) -> Device:
    """Two perfect qubits with instantaneous gates; given T1 and T2 (seconds) they relax while idling, and only then."""
    lifetimes = T1 or (math.inf, math.inf), T2 or (math.inf, math.inf)
    relaxing = T1 is not None and T2 is not None
    target = Target(
        num_qubits=2,
        dt=IDEAL_DT,
        qubit_properties=[QubitProperties(t1=t1, t2=t2) for t1, t2 in zip(*lifetimes, strict=True)]
        if relaxing
        else None,
    )
    for gate in (RZGate(Parameter("λ")), SXGate(), XGate(), Measure(), Delay(Parameter("t"))):
        target.add_instruction(gate, {(0,): None, (1,): None})
    target.add_instruction(CZGate(), {(0, 1): None, (1, 0): None})
    return Device("ideal", (0, 1), target, idle_channel(*lifetimes))


def cut_device(backend: BackendV2, qubits: tuple[int, int] | None = None, injection: str = "noise-model") -> Device:
    """The pair `qubits` of `backend`, or the best one for `injection` (see `pair.choose_pair`; its reason is in facts).

    Raises
    ------
    InputError
        if the qubits do not exist, are the same, have no two-qubit gate between them, or are faulty.
    BackendError
        if none are given and no pair is without a fault.
    """
    facts: dict[str, Any] = {}
    if qubits is None:
        choice = choose_pair(backend, injection)
        qubits, facts["pair_chosen"] = choice.qubits, choice.reason
    else:
        check_pair(backend, qubits)
    whole = backend.target
    place = {qubit: index for index, qubit in enumerate(qubits)}
    target = Target(
        num_qubits=2,
        dt=whole.dt or IDEAL_DT,
        granularity=whole.granularity,
        min_length=whole.min_length,
        pulse_alignment=whole.pulse_alignment,
        acquire_alignment=whole.acquire_alignment,
        qubit_properties=[whole.qubit_properties[qubit] for qubit in qubits],
    )
    for name in whole.operation_names:
        kept = {
            tuple(place[qubit] for qubit in where): properties
            for where, properties in whole[name].items()
            if where is not None and set(where) <= set(qubits)
        }
        if kept:
            target.add_instruction(whole.operation_from_name(name), kept, name=name)
    T1 = [float(whole.qubit_properties[qubit].t1) for qubit in qubits]
    T2 = []
    for qubit, t1 in zip(qubits, T1, strict=True):
        t2 = float(whole.qubit_properties[qubit].t2)
        if t2 > 2 * t1:
            facts.setdefault("clipped", []).append(
                f"qubit {qubit}: published T2 = {t2:.3g} s is above 2·T1; used 2·T1 = {2 * t1:.3g} s"
            )
        T2.append(min(t2, 2 * t1))
    if whole.dt is None:
        facts["dt_assumed_s"] = IDEAL_DT
    properties = getattr(backend, "properties", lambda: None)()
    if properties is not None:
        facts["properties_dated"] = properties.last_update_date.isoformat()
    return Device(backend.name, qubits, target, idle_channel(T1, T2), facts)


class PairBackend(BackendV2):
    """A `Device` as a Qiskit backend object, from which Aer builds its noise model; it does not run by itself."""

    def __init__(self, device: Device) -> None:
        super().__init__(name=f"{device.name}[{device.qubits[0]},{device.qubits[1]}]")
        self._target = device.target

    @property
    def target(self) -> Target:
        """Instructions, errors and timing of the two qubits."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """No limit."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        """Not available: simulators are made from this object."""
        raise NotImplementedError("a PairBackend describes two qubits; make an AerSimulator from it")
