"""qiskit-experiments' own state tomography, given our counts.

The steps are those of its `StateTomographyAnalysis` with its default fitter: `tomography_fitter_data`,
`linear_inversion` and `postprocess_fitter`, without the threads and tables around them, which take some five times as
long. Even so a state takes 3 ms of one core, two hundred times as long as `tomography_linear`, whose states it gives to
rounding where all settings have equally many shots: both are least squares and then the closest state. (Its least
squares are not weighted by shots.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw import physics
from qent_hw.estimators.estimates import Estimates
from qent_hw.estimators.needed import needed
from qent_hw.estimators.tomography_born import Reconstruction, outcome_chances
from qent_hw.estimators.tomography_errors import ppt_estimates
from qent_hw.estimators.tomography_linear import linear_states
from qent_hw.physics.counts import Counts
from qent_hw.physics.settings import ALL_SETTINGS, AXES, QUBIT_1_AXES, QUBIT_2_AXES

# Our first qubit is its qubit 0 and so the last bit of its bit strings: +− is read "10".
_BITS = ("00", "10", "01", "11")
_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


@dataclass(frozen=True, eq=False)
class QiskitTomographyEstimator:
    """Estimates from the states that qiskit-experiments' linear inversion makes of the counts of all nine settings.

    assignment: (4, 4) A[measured, prepared] of ++, +−, −+, −−. Its fitter knows misreadings of each qubit alone, as its
    LocalReadoutError measures them: what of an assignment is correlated is lost.
    """

    assignment: NDArray[np.float64] | None = None
    name: str = "tomography_qiskit"

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it needs: all nine."""
        return ALL_SETTINGS

    @property
    def card(self) -> Mapping[str, Any]:
        """What it assumes, as a model card says it."""
        readout = "no misreadings" if self.assignment is None else "misreadings as given, of each qubit by itself"
        return {
            "title": "State tomography of qiskit-experiments (linear inversion)",
            "assumes": f"Any two-qubit state, the same in every shot; {readout}. At few shots it is biased towards "
            "entangled: a verdict is no proof.",
        }

    def reconstruct(self, counts: Counts) -> Reconstruction:
        """Its density matrices, with the covariance of our own least squares. Raises InputError where a setting is
        missing."""
        values = needed(counts, self.settings, self.name).values
        readout = None if self.assignment is None else np.kron(*each_qubit(self.assignment)).astype(np.float64)
        covariance = linear_states(values, outcome_chances(readout)).covariance
        return Reconstruction(physics.features(self._states(values), validate=False), covariance)

    def estimate(self, counts: Counts, seed: int | np.random.SeedSequence) -> Estimates:
        """Estimates for all states of `counts`; see `Estimates`, and `ppt_estimates` for verdict and errors.

        Raises
        ------
        InputError
            where a setting is missing.
        """
        return ppt_estimates(self.reconstruct(counts), seed)

    def _states(self, values: NDArray[np.int64]) -> NDArray[np.complex128]:
        from qiskit_experiments.library.tomography.fitters import (
            linear_inversion,
            postprocess_fitter,
            tomography_fitter_data,
        )

        basis = measurement_basis(self.assignment)
        states = np.empty((len(values), 4, 4), dtype=np.complex128)
        for k, one in enumerate(values):
            data = tomography_fitter_data(fitter_input(one), outcome_shape=basis.outcome_shape((0, 1)))
            fit, metadata = linear_inversion(*data, measurement_basis=basis, measurement_qubits=(0, 1))
            (state,), _ = postprocess_fitter(fit, metadata, make_positive=True, qpt=False)
            states[k] = state.reverse_qargs().data
        return states


def fitter_input(counts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """One state's counts (9, 4) of ALL_SETTINGS as qiskit-experiments has them in its `ExperimentData`."""
    return [
        {
            "counts": {bits: int(seen) for bits, seen in zip(_BITS, outcomes, strict=True)},
            "metadata": {
                "m_idx": [QUBIT_1_AXES.index(setting[0]), QUBIT_2_AXES.index(setting[1])],
                "clbits": [0, 1],
                "cond_clbits": None,
            },
        }
        for setting, outcomes in zip(ALL_SETTINGS, counts, strict=True)
    ]


def measurement_basis(assignment: NDArray[np.float64] | None) -> Any:
    """Its `LocalMeasurementBasis` of our axes: x, y, z on its qubit 0, our first, and a, b, z on qubit 1."""
    from qiskit.quantum_info import DensityMatrix
    from qiskit_experiments.library.tomography.basis import LocalMeasurementBasis

    readouts = (np.eye(2), np.eye(2)) if assignment is None else each_qubit(assignment)
    effects = {}
    for qubit, (axes, readout) in enumerate(zip((QUBIT_1_AXES, QUBIT_2_AXES), readouts, strict=True)):
        along = np.tensordot([AXES[axis] for axis in axes], _PAULI, axes=1)
        ideal = np.stack([np.eye(2) + along, np.eye(2) - along], axis=1) / 2
        effects[(qubit,)] = [
            [DensityMatrix(one) for one in axis] for axis in np.einsum("mo,aoij->amij", readout, ideal)
        ]
    # Bases of one name are equal to it (0.14.2), whatever they measure, and its cache would mix up their inversions.
    name = f"xyz-abz {np.stack(readouts).tolist()}"
    # the default only tells it how many axes there are
    return LocalMeasurementBasis(name, default_povms=effects[(0,)], qubit_povms=effects)


def each_qubit(assignment: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A[measured, prepared] (2, 2) of +, − of either qubit alone, with the other prepared in + and − equally often."""
    joint = np.asarray(assignment, dtype=np.float64).reshape(2, 2, 2, 2)
    return joint.sum(axis=1).mean(axis=2), joint.sum(axis=0).mean(axis=1)
