"""The pair as the backend published it when a run was planned: what its verdicts assume, whenever they are made."""

from __future__ import annotations

from typing import Any

from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

from qent_hw.experiments.provenance import idle_facts, idle_of
from qent_hw.hardware.device import Device

_TIMING = ("dt", "granularity", "min_length", "pulse_alignment", "acquire_alignment")


def device_document(device: Device) -> dict[str, Any]:
    """The device as plain values for JSON; see `device_of_document`.

    Instructions that are none of Qiskit's standard ones, such as a measurement amid a circuit, are left out: no circuit
    here has them.
    """
    target = device.target
    standard = get_standard_gate_name_mapping()
    return {
        "name": device.name,
        "qubits": list(device.qubits),
        "idle": idle_facts(device.idle),
        "facts": device.facts,
        "timing": {name: getattr(target, name) for name in _TIMING},
        "lifetimes_s": [[one.t1, one.t2] for one in target.qubit_properties],
        "instructions": [
            {
                "name": name,
                "qubits": list(where),
                "duration_s": getattr(properties, "duration", None),
                "error": getattr(properties, "error", None),
            }
            for name in target.operation_names
            if name in standard
            for where, properties in target[name].items()
        ],
    }


def device_of_document(document: dict[str, Any]) -> Device:
    """The device that `device_document` has told."""
    standard = get_standard_gate_name_mapping()
    target = Target(
        num_qubits=2,
        qubit_properties=[QubitProperties(t1=t1, t2=t2) for t1, t2 in document["lifetimes_s"]],
        **document["timing"],
    )
    instructions: dict[str, dict[tuple[int, ...], InstructionProperties]] = {}
    for one in document["instructions"]:
        properties = InstructionProperties(duration=one["duration_s"], error=one["error"])
        instructions.setdefault(one["name"], {})[tuple(one["qubits"])] = properties
    for name, places in instructions.items():
        target.add_instruction(standard[name], places)
    first, second = document["qubits"]
    return Device(document["name"], (first, second), target, idle_of(document["idle"]), document["facts"])
