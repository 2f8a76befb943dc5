"""Which pairs of qubits can be used at all: coupled, and nothing on them faulty by what the device publishes.

IBM marks a broken qubit or gate as not operational, leaves it out, publishes no error for it, or an error of 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qiskit.circuit import Gate

from qent_hw.hardware.infidelity import VIRTUAL, instruction_error, lifetimes

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target


def coupled_pairs(target: Target) -> list[tuple[int, int]]:
    """Pairs with a two-qubit gate between them, each once, lower number first."""
    return sorted({(min(where), max(where)) for _, where in two_qubit_gates(target)})


def faultless_pairs(backend: BackendV2) -> list[tuple[int, int]]:
    """The coupled pairs on which everything works, by what the device publishes."""
    declared = _declared_faults(backend)
    return [pair for pair in coupled_pairs(backend.target) if _fault(backend.target, pair, declared) is None]


def pair_fault(backend: BackendV2, pair: tuple[int, int]) -> str | None:
    """What makes a coupled pair unfit for use, in a few words, if anything does."""
    return _fault(backend.target, pair, _declared_faults(backend))


def two_qubit_gates(target: Target) -> list[tuple[str, tuple[int, int]]]:
    """(gate, qubits) of every two-qubit gate where it is."""
    return [
        (name, (where[0], where[1]))
        for name in target.operation_names
        for where in (target[name] or {})
        if where is not None and len(where) == 2
    ]


def _declared_faults(backend: BackendV2) -> set[tuple[str, tuple[int, ...]]]:
    """(instruction, qubits) that the properties call not operational; with instruction "" for a whole qubit."""
    properties = getattr(backend, "properties", lambda: None)()
    if properties is None:
        return set()
    return {("", (qubit,)) for qubit in properties.faulty_qubits()} | {
        (gate.gate, tuple(gate.qubits)) for gate in properties.faulty_gates()
    }


def _fault(target: Target, pair: tuple[int, int], declared: set[tuple[str, tuple[int, ...]]]) -> str | None:
    """What is wrong with a coupled pair, if anything; every gate on it must work, as the transpiler may take any."""
    for qubit in pair:
        if ("", (qubit,)) in declared:
            return f"qubit {qubit} is reported as not operational"
        if lifetimes(target, qubit) is None:
            return f"qubit {qubit} has no valid T1 and T2"
    needed: list[tuple[str, tuple[int, ...]]] = []
    needed += [(name, where) for name, where in two_qubit_gates(target) if set(where) == set(pair)]
    needed += [(name, (qubit,)) for name in ("measure", *_rotation_gates(target)) for qubit in pair]
    needed += [(name, where) for name, where in declared if set(where) == set(pair)]
    for name, where in needed:
        place = f"{name} on {','.join(map(str, where))}"
        if (name, where) in declared:
            return f"{place} is reported as not operational"
        if instruction_error(target, name, where) == 1:
            published = getattr((target[name] or {}).get(where), "error", None)
            marked = (
                "has no error published" if published is None else f"has the error {published:g}, as broken ones do"
            )
            return f"{place} {marked if where in (target[name] or {}) else 'is missing'}"
    return None


def _rotation_gates(target: Target) -> list[str]:
    """The pulsed one-qubit gates that the transpiler may use."""
    return [
        name
        for name in target.operation_names
        if name not in (*VIRTUAL, "id")
        and isinstance(operation := target.operation_from_name(name), Gate)
        and operation.num_qubits == 1
    ]
