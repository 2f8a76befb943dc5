"""Running circuits on a planted pair: exact states, shot by shot where its detuning is new in every shot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.injection import IdleError
from qent_hw.circuits.pubs import Pub
from qent_hw.errors import InputError
from qent_hw.hardware.device import Device
from qent_hw.hardware.planted import PlantedPair, planted_device
from qent_hw.physics import sample_counts
from qent_hw.simulation.errors import DeviceErrors, device_errors
from qent_hw.simulation.timeline import Timeline, found_probabilities, timeline

# parameter sets or shots evolved at once; BLAS does not wake its threads for products this small, see simulation.device
_BLOCK = 448


@dataclass(frozen=True, eq=False)
class PlantedBackend:
    """A simulated pair that is a `Backend`.

    Attributes
    ----------
    pair
        what is planted.
    errors
        of its gates and readout, and what waiting does without an echo where that is one of the two laws.
    """

    name: str
    device: Device
    pair: PlantedPair
    errors: DeviceErrors

    def sample(self, pub: Pub, seed: np.random.SeedSequence, done: Callable[[int], None]) -> NDArray[np.int64]:
        """See `Backend.sample`.

        Raises
        ------
        InputError
            for a wait on a pair that decays by neither of the two laws: the truth of a run would not be right.
        """
        line = timeline(pub.circuit, _with_idle_error(self.errors, pub.idle_error))
        if line.n_waits and self.pair.idle is None:
            raise InputError(
                f"backend {self.name!r}: its wait decays by neither law, exponential or gaussian; make all of it slow "
                "or none, or use noise-model or twirl"
            )
        if line.n_waits > 1:
            raise InputError(f"circuit {pub.circuit.name!r} waits {line.n_waits} times: the template waits once")
        rows, names = pub.rows, [parameter.name for parameter in pub.circuit.parameters]
        rng, counts = np.random.default_rng(seed), []
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            values = dict(zip(names, block.T, strict=True))
            found = found_probabilities(line, self.errors.idle, self.errors.dt, values, len(block))
            counts.append(sample_counts(found @ self.errors.readout.T, pub.shots, rng))
            done(len(block))
        told = np.concatenate(counts)
        return pub.add_parts(told if line.bits == {0: 0, 1: 1} else told[:, [0, 2, 1, 3]])

    def count(
        self, circuits: Sequence[QuantumCircuit], shots: int, seed: np.random.SeedSequence
    ) -> list[dict[str, int]]:
        """See `Backend.count`; how circuits run in time is told in `simulation.timeline`.

        Raises
        ------
        InputError
            for a circuit that is not of gates, delays, barriers and one measurement a qubit, or measures nothing.
        """
        counted = []
        for circuit, child in zip(circuits, seed.spawn(len(circuits)), strict=True):
            line, rng = timeline(circuit, self.errors), np.random.default_rng(child)
            if not line.bits:
                raise InputError(f"circuit {circuit.name!r} measures nothing")
            idle = self.pair.idle_of_shots(shots, rng)
            starts = range(0, shots, _BLOCK) if line.n_waits and idle.T1.ndim == 2 else (0,)
            blocks = [found_probabilities(line, idle[start : start + _BLOCK], self.errors.dt) for start in starts]
            told = np.concatenate(blocks) @ self.errors.readout.T
            numbers = sample_counts(told, shots, rng)[0] if len(told) == 1 else _one_each(told, rng)
            counted.append(_by_bits(numbers, circuit, line))
        return counted


def planted_backend(name: str, pair: PlantedPair) -> PlantedBackend:
    """The backend of a pair, its device of the same name."""
    device = planted_device(name, pair)
    errors = replace(device_errors(device.target), readout=pair.readout, idle=device.idle)
    return PlantedBackend(name, device, pair, errors)


def _with_idle_error(errors: DeviceErrors, idle_error: IdleError | None) -> DeviceErrors:
    """With what a labelled idle, an identity on both qubits, is to do."""
    if idle_error is None:
        return errors
    kept = np.full(16, 1 - idle_error.p)
    kept[0] = 1
    if idle_error.channel == "dephasing":
        one = np.array([1, 1 - idle_error.p, 1 - idle_error.p, 1])
        kept = np.kron(one, one)
    channel = np.diag(kept)
    return replace(errors, gates={**errors.gates, ("unitary", (0, 1)): channel, ("unitary", (1, 0)): channel})


def _one_each(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """(4,) how often each outcome was found, one shot for each row of probabilities (shots, 4)."""
    bounds = probabilities.cumsum(axis=1)
    outcomes = (rng.random(len(bounds))[:, None] * bounds[:, -1:] >= bounds[:, :-1]).sum(axis=1)
    return np.bincount(outcomes, minlength=4)


def _by_bits(numbers: NDArray[np.int64], circuit: QuantumCircuit, line: Timeline) -> dict[str, int]:
    """Counts of the outcomes 00, 01, 10, 11 (qubit 0 left) as Qiskit writes them: bit 0 right, registers apart."""
    counted: dict[str, int] = {}
    for outcome, number in enumerate(numbers.tolist()):
        if not number:
            continue
        bits = ["0"] * circuit.num_clbits
        for qubit, place in line.bits.items():
            bits[place] = str(outcome >> (1 - qubit) & 1)
        registers = [[bits[circuit.find_bit(bit).index] for bit in register] for register in circuit.cregs] or [bits]
        key = " ".join("".join(reversed(register)) for register in reversed(registers))
        counted[key] = counted.get(key, 0) + number
    return counted
