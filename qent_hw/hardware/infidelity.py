"""What a circuit loses on a device, estimated from the errors and lifetimes that its target publishes.

Errors are average gate infidelities, as randomized benchmarking gives them, and add up as independent failures: a
circuit is right with probability Π (1 − error). A published gate error includes the decoherence during the gate, so
nothing is counted twice; but no gate is better than what T1 and T2 leave of it during its duration, which is the rule
of Aer's device noise models too. A readout error includes the decay during the readout.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

# frame changes in software, which take no time and do no harm
VIRTUAL = ("rz", "p", "u1")
_NO_LOSS = (*VIRTUAL, "barrier", "delay")


def relaxation_error(duration: float, times: Iterable[tuple[float, float]]) -> float:
    """Average infidelity of `duration` seconds with each qubit's (T1, T2), in seconds; T2 above 2·T1 is clipped.

    A qubit's process fidelity is (1 + e^(−t/T1) + 2 e^(−t/T2)) / 4, that of several is the product F, and the average
    fidelity in dimension d is (d·F + 1) / (d + 1) (Nielsen, Phys. Lett. A 303, 249 (2002)).
    """
    process, dimension = 1.0, 1
    for T1, T2 in times:
        process *= (1 + math.exp(-duration / T1) + 2 * math.exp(-duration / min(T2, 2 * T1))) / 4
        dimension *= 2
    return dimension * (1 - process) / (dimension + 1)


def lifetimes(target: Target, qubit: int) -> tuple[float, float] | None:
    """(T1, T2) in seconds as published; None if either is missing, not positive or not finite."""
    published = target.qubit_properties[qubit] if target.qubit_properties else None
    times = getattr(published, "t1", None), getattr(published, "t2", None)
    if any(time is None or not 0 < time < math.inf for time in times):
        return None
    return float(times[0]), float(times[1])  # type: ignore[arg-type]


def instruction_error(target: Target, name: str, qubits: tuple[int, ...]) -> float:
    """The error of one instruction where it is; 1, as IBM marks broken gates, for whatever is faulty.

    Faulty is what is absent, has no published error or one of 1 and more, and a gate on a qubit without lifetimes.
    """
    properties = (target[name] or {}).get(qubits) if name in target.operation_names else None
    error = getattr(properties, "error", None)
    if error is None or not 0 <= error < 1:
        return 1.0
    if name == "measure":
        return float(error)
    times = [lifetimes(target, qubit) for qubit in qubits]
    known = [one for one in times if one is not None]
    if len(known) < len(times):
        return 1.0
    return max(float(error), relaxation_error(getattr(properties, "duration", None) or 0.0, known))


def together(errors: Iterable[float]) -> float:
    """The probability that at least one of independent failures happens."""
    return 1 - math.prod(1 - error for error in errors)


def circuit_error(isa: QuantumCircuit, target: Target) -> float:
    """The error of a transpiled circuit, its delays left out; 1 if it uses anything faulty."""
    return together(
        instruction_error(target, one.operation.name, tuple(isa.find_bit(qubit).index for qubit in one.qubits))
        for one in isa.data
        if one.operation.name not in _NO_LOSS
    )
