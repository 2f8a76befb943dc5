"""IBM's sampler, whichever the installed client has: the executor's, or the older SamplerV2 (field-notes 11)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.template import OUTCOME_OF_BITS

METADATA_KEY = "qent_hw"
"""Where a sent circuit says which job it is of; the service gives the metadata back with the result."""


class WrongResultError(ValueError):
    """A result that is not the one of the job: truncated, of another shape, short of shots, of another circuit."""


def sampler_class() -> type:
    """The sampler to use."""
    try:
        from qiskit_ibm_runtime.executor_sampler import Sampler
    except ImportError:
        from qiskit_ibm_runtime import SamplerV2 as Sampler
    return Sampler


def make_sampler(mode: Any, kind: type | None = None) -> Any:
    """A sampler on a backend (or batch) with everything off that would undo the experiment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SamplerV2, where it is what there is
        sampler = (kind or sampler_class())(mode=mode)
    sampler.options.twirling.enable_gates = False
    sampler.options.twirling.enable_measure = False
    sampler.options.dynamical_decoupling.enable = False
    return sampler


def checked_bits(result: Any, rows: Sequence[int], shots: int, name: str) -> list[NDArray[np.uint8]]:
    """What each PUB of a job measured: (rows, shots) bit patterns, first qubit of the state in bit 0.

    Parameters
    ----------
    result
        what the client decoded: truncated answers come through without an error (field-notes 30).
    rows, shots
        parameter sets of each PUB, and shots of each. The service may round shots up; the first `shots` are kept,
        so that every state has what was planned.
    name
        of the job, which its circuits carry in their metadata.

    Raises
    ------
    WrongResultError
        if anything is missing or is of another job.
    """
    try:
        pubs = [(one.data.c, one.metadata) for one in result]
    except (TypeError, AttributeError):
        raise WrongResultError(f"it holds no measured bits but {type(result).__name__}") from None
    if len(pubs) != len(rows):
        raise WrongResultError(f"it holds {len(pubs)} PUBs instead of {len(rows)}")
    found = []
    for number, ((bits, metadata), wanted) in enumerate(zip(pubs, rows, strict=True)):
        whose = _circuit_name(metadata)
        if whose is not None and whose != name:
            raise WrongResultError(f"PUB {number} is of another circuit ({whose} instead of {name})")
        array, shape = np.asarray(bits.array), tuple(bits.shape)
        if wanted == 1 and shape == ():
            # a circuit without parameters has no axis of rows
            array, shape = array[None], (1,)
        if bits.num_bits != 2 or shape != (wanted,) or array.shape != (wanted, bits.num_shots, 1):
            raise WrongResultError(
                f"PUB {number} has shape {tuple(bits.shape)} of {bits.num_bits} bits instead of ({wanted},) of 2"
            )
        if bits.num_shots < shots:
            raise WrongResultError(f"PUB {number} has {bits.num_shots} shots instead of {shots}")
        found.append(array[:, :shots, 0].astype(np.uint8))
    return found


def counts_of_bits(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts (rows, 4) of ++, +−, −+, −− from bit patterns (rows, shots) as `checked_bits` gives them."""
    patterns = np.stack([(bits == pattern).sum(axis=-1) for pattern in range(4)], axis=-1)
    return patterns[..., np.argsort(OUTCOME_OF_BITS)].astype(np.int64)


def named(circuit: QuantumCircuit, name: str) -> QuantumCircuit:
    """The circuit with the job's name in its metadata."""
    marked = circuit.copy()
    marked.metadata = {**(circuit.metadata or {}), METADATA_KEY: name}
    return marked


def _circuit_name(metadata: Any) -> str | None:
    circuit = metadata.get("circuit_metadata") if isinstance(metadata, dict) else None
    return circuit.get(METADATA_KEY) if isinstance(circuit, dict) else None
