"""Running PUBs on simulators: Aer itself, and IBM's runtime client in local testing mode."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error, phase_damping_error

from qent_hw.circuits.injection import IDLE_LABEL, IdleError
from qent_hw.circuits.pubs import Pub
from qent_hw.circuits.template import OUTCOME_OF_BITS
from qent_hw.hardware.device import Device, PairBackend

# single-shot records pass through Python objects in the runtime client; this keeps a job below about 1 GB
_SHOTS_PER_JOB = 2_000_000


class Backend(Protocol):
    """What can measure PUBs."""

    @property
    def name(self) -> str:
        """As `resolve_backend` takes it."""

    @property
    def device(self) -> Device:
        """The pair it runs on."""

    def sample(self, pub: Pub, seed: np.random.SeedSequence, done: Callable[[int], None]) -> NDArray[np.int64]:
        """Counts (n_states, n_settings, 4) of ++, +−, −+, −−, the PUB's parts added up.

        `done` is told the number of circuits after each portion.
        """

    def count(
        self, circuits: Sequence[QuantumCircuit], shots: int, seed: np.random.SeedSequence
    ) -> list[dict[str, int]]:
        """Counts of each circuit by bit string, as Qiskit writes it: circuits on the pair, in its instructions.

        Equal circuits have random numbers of their own.
        """


@dataclass(frozen=True)
class SimulatorBackend:
    """A simulated pair and the route its circuits take."""

    name: str
    device: Device
    noise_model: NoiseModel
    run_job: Callable[[AerSimulator, QuantumCircuit, NDArray[np.float64], int, int], NDArray[np.int64]]

    def sample(self, pub: Pub, seed: np.random.SeedSequence, done: Callable[[int], None]) -> NDArray[np.int64]:
        """See `Backend.sample`."""
        simulator = _simulator(_with_idle_error(self.noise_model, pub.idle_error))
        rows = pub.rows
        portions = list(_portions(len(rows), max(1, _SHOTS_PER_JOB // pub.shots)))
        counts = []
        # each job its own seed: the runtime's sampler would reuse one for every PUB (field-notes 12)
        for portion, child in zip(portions, seed.spawn(len(portions)), strict=True):
            job_seed = int(child.generate_state(1)[0] >> 1) or 1  # legacy local mode ignores seed 0
            counts.append(self.run_job(simulator, pub.circuit, rows[portion], pub.shots, job_seed))
            done(portion.stop - portion.start)
        return pub.add_parts(np.concatenate(counts))

    def count(
        self, circuits: Sequence[QuantumCircuit], shots: int, seed: np.random.SeedSequence
    ) -> list[dict[str, int]]:
        """See `Backend.count`. By Aer itself, which gives every circuit of a job a seed of its own."""
        job_seed = int(seed.generate_state(1)[0] >> 1)
        result = _simulator(self.noise_model).run(list(circuits), shots=shots, seed_simulator=job_seed).result()
        return [dict(result.get_counts(number)) for number in range(len(circuits))]


def aer_backend(name: str, device: Device) -> SimulatorBackend:
    """Aer with the device's noise, through `AerSimulator.run`."""
    return SimulatorBackend(name, device, _noise_model(device), _run_aer)


def runtime_local_backend(name: str, device: Device) -> SimulatorBackend:
    """The device through IBM's runtime sampler in local testing mode."""
    return SimulatorBackend(name, device, _noise_model(device), _run_runtime_sampler)


def _noise_model(device: Device) -> NoiseModel:
    with warnings.catch_warnings():
        # Aer clips T2 to 2·T1 as `Device` does, which says so in its facts; an ideal pair has no lifetimes on purpose
        warnings.filterwarnings("ignore", module="qiskit_aer.noise")
        noise_model = NoiseModel.from_backend(PairBackend(device))
    noise_model.add_basis_gates(["unitary"])
    return noise_model


def _with_idle_error(noise_model: NoiseModel, idle_error: IdleError | None) -> NoiseModel:
    if idle_error is None:
        return noise_model
    if idle_error.channel == "dephasing":
        # Aer's strength λ keeps √(1−λ) of the coherence, Eq. 3 keeps 1−p
        one = phase_damping_error(1 - (1 - idle_error.p) ** 2)
        error = one.tensor(one)
    else:
        error = depolarizing_error(idle_error.p, 2)
    extended = copy.deepcopy(noise_model)
    extended.add_all_qubit_quantum_error(error, IDLE_LABEL)
    return extended


def _simulator(noise_model: NoiseModel) -> AerSimulator:
    return AerSimulator(
        noise_model=noise_model,
        method="density_matrix",
        # thousands of two-qubit circuits: one a core, no fusion to plan
        max_parallel_experiments=0,
        max_parallel_shots=1,
        fusion_enable=False,
    )


def _run_aer(
    simulator: AerSimulator, circuit: QuantumCircuit, values: NDArray[np.float64], shots: int, seed: int
) -> NDArray[np.int64]:
    binds = {parameter: values[:, column] for column, parameter in enumerate(circuit.parameters)}
    result = simulator.run(circuit, parameter_binds=[binds], shots=shots, seed_simulator=seed).result()
    counts = np.zeros((len(values), 4), dtype=np.int64)
    for row in range(len(values)):
        for bits, number in result.data(row)["counts"].items():
            counts[row, OUTCOME_OF_BITS[int(bits, 16)]] = number
    return counts


def _run_runtime_sampler(
    simulator: AerSimulator, circuit: QuantumCircuit, values: NDArray[np.float64], shots: int, seed: int
) -> NDArray[np.int64]:
    from qent_hw.hardware.ibm.sampler import counts_of_bits, make_sampler

    sampler = make_sampler(simulator)
    sampler.options.simulator.seed_simulator = seed
    data: Any = sampler.run([(circuit, values)], shots=shots).result()[0].data
    return counts_of_bits(data.c.array[..., 0])


def _portions(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(total, start + size))
