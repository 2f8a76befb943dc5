"""What the platform does with a stored job: decode it, run it on Aer, encode the result as the real service does.

Both programs of the samplers: `sampler` (the legacy one, in the client's own JSON) and `executor` (the client-side
sampler, in packed tensors of `ibm_quantum_schemas`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from ibm_quantum_schemas.common import CompressedTensorModel
from ibm_quantum_schemas.executor.version_2_0 import QuantumProgramResultModel
from qiskit import QuantumCircuit
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit_ibm_runtime.json import RuntimeDecoder, RuntimeEncoder
from samplomatic.quantum_program import CircuitItem

from tests.ibm_server.devices import simulator, whole_target

DEFAULT_SHOTS = 4096


class RejectedError(Exception):
    """The machine cannot run this job; the text is the reason the platform gives."""


@dataclass(frozen=True)
class Task:
    """One PUB: `circuit` with every row of `values` (..., number of parameters), `shots` for each."""

    circuit: QuantumCircuit
    values: np.ndarray
    shots: int


def tasks_of(program: str, params: dict) -> list[Task]:
    """The PUBs of a job as the client posted it."""
    decoded = json.loads(json.dumps({"program": {"id": program}, "params": params}), cls=RuntimeDecoder)["params"]
    if program == "sampler":
        default = decoded.get("options", {}).get("default_shots") or DEFAULT_SHOTS
        return [Task(circuit, np.asarray(values), shots or default) for circuit, values, shots in decoded["pubs"]]
    if program == "executor":
        quantum = decoded["quantum_program"]
        for item in quantum.items:
            if not isinstance(item, CircuitItem):
                raise RejectedError("this platform runs no twirled programs (samplex items)")
        return [Task(item.circuit, item.circuit_arguments, quantum.shots) for item in quantum.items]
    raise RejectedError(f"program {program!r} is not known")


def sample(device: str, task: Task, seed: np.random.SeedSequence) -> dict[str, np.ndarray]:
    """Shots of a PUB: register → (*shape, shots, bits) booleans, bit i of the register last axis i.

    Raises
    ------
    RejectedError
        for an instruction that the device does not have, or a delay off its timing grid.
    """
    circuit, qubits = _used_part(device, task.circuit)
    shape = task.values.shape[:-1]
    rows = task.values.reshape(int(np.prod(shape)), task.values.shape[-1])
    aer_seed, order = (int(child.generate_state(1)[0] >> 1) for child in seed.spawn(2))
    # a parameter that is left in the global phase alone has gone with it
    binds = {
        parameter: rows[:, column]
        for column, parameter in enumerate(task.circuit.parameters)
        if parameter in circuit.parameters
    }
    result = (
        simulator(device, qubits)
        .run(
            circuit if binds else [circuit] * len(rows),
            parameter_binds=[binds] if binds else None,
            shots=task.shots,
            seed_simulator=aer_seed,
        )
        .result()
    )
    if not result.success:
        raise RejectedError(result.status)
    patterns = np.empty((len(rows), task.shots), dtype=np.int64)
    for row in range(len(rows)):
        counts = result.data(row)["counts"]
        patterns[row] = np.repeat([int(bits, 16) for bits in counts], list(counts.values()))
    # counts say nothing of the order of the shots: any order is as likely
    np.random.default_rng(order).permuted(patterns, axis=1, out=patterns)
    registers = {}
    for register in circuit.cregs:
        places = np.array([circuit.find_bit(bit).index for bit in register])
        registers[register.name] = (patterns.reshape(*shape, task.shots, 1) >> places & 1).astype(bool)
    return registers


def encode(program: str, params: dict, data: list[dict[str, np.ndarray]], ran: tuple[datetime, datetime]) -> str:
    """The results document that the API hands out for a job that ran between two times (UTC)."""
    if program == "sampler":
        pubs = []
        for registers in data:
            shape = next(iter(registers.values())).shape[:-2]
            arrays = {name: BitArray.from_bool_array(shots, order="little") for name, shots in registers.items()}
            pubs.append(SamplerPubResult(DataBin(**arrays, shape=shape), metadata={"circuit_metadata": {}}))
        return json.dumps(PrimitiveResult(pubs, metadata={"version": 2}), cls=RuntimeEncoder)
    quantum = params["quantum_program"]
    items = [
        {
            "results": {name: CompressedTensorModel.from_numpy(shots) for name, shots in registers.items()},
            "metadata": {},
        }
        for registers in data
    ]
    return QuantumProgramResultModel(
        data=items,
        metadata={"chunk_timing": [_span(data, ran)]},
        passthrough_data=quantum.get("passthrough_data"),
        semantic_role=quantum.get("semantic_role"),
    ).model_dump_json()


def _span(data: list[dict[str, np.ndarray]], ran: tuple[datetime, datetime]) -> dict[str, Any]:
    parts = []
    for index, registers in enumerate(data):
        shape = next(iter(registers.values())).shape[:-2]
        size = int(np.prod(shape))
        parts.append(
            {
                "idx_item": index,
                "size": size,
                "permutation": list(range(len(shape))),
                "element_range": (0, size, 1),
            }
        )
    start, stop = (time.astimezone(UTC) for time in ran)
    return {"start": start, "stop": stop, "parts": parts}


def _used_part(device: str, circuit: QuantumCircuit) -> tuple[QuantumCircuit, tuple[int, ...]]:
    """The circuit on the qubits it uses, and their numbers on the device."""
    target = whole_target(device)
    acting = [instruction for instruction in circuit.data if instruction.operation.name != "barrier"]
    qubits = tuple(sorted({circuit.find_bit(qubit).index for one in acting for qubit in one.qubits}))
    small = QuantumCircuit(len(qubits))
    for register in circuit.cregs:
        small.add_register(register)
    place = {circuit.qubits[qubit]: small.qubits[index] for index, qubit in enumerate(qubits)}
    for instruction in circuit.data:
        operation = instruction.operation
        kept = [place[qubit] for qubit in instruction.qubits if qubit in place]
        if operation.name == "barrier":
            if kept:
                small.barrier(kept)
            continue
        where = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        if not target.instruction_supported(operation.name, where):
            raise RejectedError(f"The instruction {operation.name} on qubits {where} is not supported by {device}.")
        if operation.name == "delay" and (operation.unit != "dt" or operation.duration % target.granularity):
            raise RejectedError(
                f"The delay of {operation.duration} {operation.unit} is not a multiple of {target.granularity} dt."
            )
        small.append(operation, kept, instruction.clbits)
    return small, qubits
