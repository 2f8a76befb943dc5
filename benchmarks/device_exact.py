"""Exact outcome probabilities on a noisy device: our superoperators beside Aer's density matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks import Measurement
from benchmarks._device import Job, compare
from qent_hw.circuits.template import OUTCOME_OF_BITS


def run() -> Measurement:
    """`agree` is the largest difference of any probability; Aer drops errors below 1e-10, which add up to as much."""
    return compare(
        lambda probabilities: probabilities,
        peer,
        lambda ours, aers, _: float(np.abs(ours - aers).max()),
        "outcome probabilities, readout errors included,",
    )


def peer(job: Job) -> NDArray[np.float64]:
    """Aer's probabilities before readout, and then its readout errors."""
    simulator, circuit, binds, number = job
    unmeasured = circuit.remove_final_measurements(inplace=False)
    unmeasured.save_probabilities([0, 1])
    result = simulator.run(unmeasured, parameter_binds=binds).result()
    confusion = {
        error["gate_qubits"][0][0]: np.array(error["probabilities"]).T
        for error in simulator.options.noise_model.to_dict()["errors"]
        if error["type"] == "roerror"
    }
    exact = np.array([result.data(row)["probabilities"] for row in range(number)])
    return (exact @ np.kron(confusion[1], confusion[0]).T)[:, OUTCOME_OF_BITS]
