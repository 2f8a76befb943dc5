"""The standard experiments on a pair, by qiskit-experiments: relaxation, Ramsey, Hahn echo, and readout.

Relaxation is measured on both qubits at once. Ramsey and echo take one qubit at a time, its neighbour in |0⟩: of two
coupled qubits in superposition each would beat with the other's phase, and an echo of both at once does not undo it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_experiments.framework import BaseExperiment, BatchExperiment, ParallelExperiment
from qiskit_experiments.library import T1 as T1Experiment
from qiskit_experiments.library import CorrelatedReadoutError, LocalReadoutError, T2Hahn, T2Ramsey

from qent_hw.calibration.decays import HAHN, RAMSEY, RELAXATION
from qent_hw.calibration.joint import outcome_counts
from qent_hw.calibration.record import Fit, Readout
from qent_hw.calibration.standard_fit import analyse_quietly, decay_fit
from qent_hw.calibration.standard_readout import CORRELATED, LOCAL, correlated_readout, local_readout, readout_fit
from qent_hw.circuits.template import timing_grid
from qent_hw.hardware.device import Device, PairBackend

# Points, and the longest wait in units of the time expected. An echo's T2 lies between that of a free wait and 2·T1:
# its unit is their geometric mean, and its waits are denser at the start.
_T1_POINTS, _T1_SPAN = 20, 5.0
_RAMSEY_POINTS, _RAMSEY_SPAN = 32, 2.0
_HAHN_POINTS, _HAHN_SPAN, _HAHN_POWER = 24, 4.0, 1.5
# turns of the artificial detuning within the longest wait of a Ramsey experiment
_RAMSEY_TURNS = 5
_NAMES = {
    "T1": RELAXATION,
    "T2Ramsey": RAMSEY,
    "T2Hahn": HAHN,
    "LocalReadoutError": LOCAL,
    "CorrelatedReadoutError": CORRELATED,
}


@dataclass(frozen=True)
class StandardResult:
    """What the experiments say.

    Attributes
    ----------
    fits
        one for each decay and qubit, and one for each readout.
    readout, tensored
        the assignment matrix with all four states prepared, and the product of each qubit's own.
    T1_guess
        seconds, of each qubit: as fitted, or as expected where that fit is bad.
    counts
        what was measured, a row for each circuit: `experiment`; `qubits`, the device's numbers; `delay_s` of each of
        them, or what was `prepared`, first qubit left; `counts` of + and −, or of ++, +−, −+, −−.
    """

    fits: list[Fit]
    readout: Readout
    tensored: Readout
    T1_guess: tuple[float, float]
    counts: list[dict[str, object]]


@dataclass(frozen=True, eq=False)
class StandardPlan:
    """The circuits, and what is needed to understand their counts.

    Attributes
    ----------
    circuits
        on qubits 0 and 1 in the instructions of the pair's target, with a classical bit for each qubit that is
        measured, the lower qubit's first.
    experiments
        that made them, and whose analyses fit them.
    T1
        seconds, as expected of each qubit.
    oscillation_hz
        the artificial detuning of each qubit's Ramsey experiment.
    """

    circuits: tuple[QuantumCircuit, ...]
    experiments: BatchExperiment
    T1: tuple[float, float]
    oscillation_hz: tuple[float, float]

    def analyse(self, counts: Sequence[Mapping[str, int]], qubits: tuple[int, int]) -> StandardResult:
        """What was counted, a mapping from bit strings to numbers for each circuit; `qubits` are the device's numbers.

        Raises
        ------
        BackendError
            where a qubit is read so badly that its outcomes tell nothing of its state.
        """
        data = [
            {"counts": dict(one), "metadata": circuit.metadata, "shots": sum(one.values())}
            for circuit, one in zip(self.circuits, counts, strict=True)
        ]
        found = analyse_quietly(self.experiments, data)
        fits = [
            decay_fit(name, found.decays.get((name, qubit)), qubits[qubit], self.oscillation_hz[qubit])
            for name in (RELAXATION, RAMSEY, HAHN)
            for qubit in (0, 1)
        ]
        shots = int(data[-1]["shots"])
        tensored, readout = (
            local_readout(found.local, shots, qubits),
            correlated_readout(found.correlated, shots, qubits),
        )
        fits += [readout_fit(LOCAL, tensored, qubits), readout_fit(CORRELATED, readout, qubits)]
        T1 = [fit.figures["T1_s"].value if fit.good else t for fit, t in zip(fits[:2], self.T1, strict=True)]
        return StandardResult(fits, readout, tensored, (T1[0], T1[1]), self._told(counts, qubits))

    def _told(self, counts: Sequence[Mapping[str, int]], qubits: tuple[int, int]) -> list[dict[str, object]]:
        rows = []
        for circuit, one in zip(self.circuits, counts, strict=True):
            experiment = self.experiments.component_experiment(circuit.metadata["composite_index"][0])
            (inner,) = circuit.metadata["composite_metadata"]
            numbers = [qubits[place] for place in experiment.physical_qubits]
            row: dict[str, object]
            if isinstance(experiment, ParallelExperiment):
                name = _NAMES[experiment.component_experiment(0).experiment_type]
                waits = [each["xval"] for each in inner["composite_metadata"]]
                row = {"experiment": name, "qubits": numbers, "delay_s": waits}
            else:
                # Qiskit writes its qubit 0 on the right
                state = inner["state_label"][::-1]
                row = {"experiment": _NAMES[experiment.experiment_type], "qubits": numbers, "prepared": state}
            both = circuit.num_clbits == 2
            row["counts"] = outcome_counts(one).tolist() if both else [one.get("0", 0), one.get("1", 0)]
            rows.append(row)
        return rows


def standard_plan(device: Device, T1: NDArray[np.float64], T2: NDArray[np.float64]) -> StandardPlan:
    """The circuits for a pair whose T1 and T2 (without an echo) are about so many seconds, (2,) each.

    A detuning is found within −2.5/T2 and 5.5/T2 and taken for another outside, as a Ramsey experiment cannot tell:
    its frequency is |oscillation + detuning|, sampled at even waits.
    """
    oscillation = _RAMSEY_TURNS / (_RAMSEY_SPAN * T2)
    experiments = standard_experiments(device, T1, T2, oscillation)
    manager = generate_preset_pass_manager(optimization_level=1, target=device.target, initial_layout=[0, 1])
    circuits = tuple(_in_one_register(manager.run(circuit)) for circuit in experiments.circuits())
    return StandardPlan(circuits, experiments, _pair(T1), _pair(oscillation))


def standard_experiments(
    device: Device, T1_s: NDArray[np.float64], T2_s: NDArray[np.float64], oscillation_hz: NDArray[np.float64]
) -> BatchExperiment:
    """All experiments on qubits 0 and 1 of the pair in one batch; T1_s, T2_s, oscillation_hz (2,) as expected of each.

    Every wait is on the timing grid, and so is each half of an echo's.
    """
    backend, grid = PairBackend(device), timing_grid(device.target) * device.target.dt

    def one_by_one(experiments: list[BaseExperiment]) -> list[ParallelExperiment]:
        return [ParallelExperiment([one], backend) for one in experiments]

    relaxation = [T1Experiment((q,), _waits(_T1_SPAN * T1_s[q], _T1_POINTS, grid), backend) for q in (0, 1)]
    ramsey = [
        T2Ramsey((q,), _waits(_RAMSEY_SPAN * T2_s[q], _RAMSEY_POINTS, grid), backend, oscillation_hz[q]) for q in (0, 1)
    ]
    for experiment, T2 in zip(ramsey, T2_s, strict=True):
        # a frequency higher than this looks like a lower one at even waits, and is found now and then
        experiment.analysis.set_options(bounds={"freq": (0.0, (_RAMSEY_POINTS - 1) / (2 * _RAMSEY_SPAN * T2))})
    echo_s = np.sqrt(2 * T1_s * T2_s)
    hahn = [
        T2Hahn((q,), _waits(_HAHN_SPAN * echo_s[q], _HAHN_POINTS, 2 * grid, _HAHN_POWER), backend=backend)
        for q in (0, 1)
    ]
    batch = BatchExperiment(
        [
            ParallelExperiment(relaxation, backend),
            *one_by_one(ramsey),
            *one_by_one(hahn),
            LocalReadoutError((0, 1), backend),
            CorrelatedReadoutError((0, 1), backend),
        ],
        backend,
    )
    # in this process: for so few gates others take longer to start than to work
    batch.set_transpile_options(num_processes=1)
    batch.analysis.set_options(plot=False, broadcast=True)
    return batch


def _waits(longest: float, points: int, grid: float, power: float = 1.0) -> NDArray[np.float64]:
    """Seconds from 0 to about the longest, rounded to multiples of `grid`."""
    return np.rint(longest * np.linspace(0, 1, points) ** power / grid) * grid


def _in_one_register(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with all its classical bits in one register, c, so that counts are by plain bit strings."""
    plain = QuantumCircuit(2, circuit.num_clbits, name=circuit.name, metadata=circuit.metadata)
    for one in circuit.data:
        qubits = [circuit.find_bit(bit).index for bit in one.qubits]
        plain.append(one.operation, qubits, [circuit.find_bit(bit).index for bit in one.clbits])
    return plain


def _pair(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
