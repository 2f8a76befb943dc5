"""How a pair is misread, from the mitigators that qiskit-experiments makes of its readout experiments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.calibration.record import Figure, Fit, Readout
from qent_hw.circuits.template import OUTCOME_OF_BITS
from qent_hw.errors import BackendError

LOCAL = "local readout"
CORRELATED = "correlated readout"
# Of a state's outcomes at least so many must be right: less than half could as well be guessed.
WORST_SHARE_RIGHT = 0.5
_OUTCOMES = ("++", "+-", "-+", "--")


def correlated_readout(mitigator: Any, shots: int, qubits: tuple[int, int]) -> Readout:
    """The assignment matrix of both qubits together, each of the four states prepared with so many shots."""
    # Qiskit's places are bit patterns with its qubit 0, our first, on the right
    places = np.argsort(OUTCOME_OF_BITS)
    matrix = np.asarray(mitigator.assignment_matrix())[np.ix_(places, places)]
    return _readout("correlated", matrix, _spread(matrix, shots), shots, qubits)


def local_readout(mitigator: Any, shots: int, qubits: tuple[int, int]) -> Readout:
    """The assignment matrix as the product of each qubit's own, from so many shots of 00 and of 11."""
    first, second = (np.asarray(mitigator.assignment_matrix([qubit])) for qubit in (0, 1))
    a, b = _spread(first, shots), _spread(second, shots)
    variance = np.kron(a**2, second**2) + np.kron(first**2, b**2)
    return _readout("tensored", np.kron(first, second), np.sqrt(variance), shots, qubits)


def readout_fit(name: str, readout: Readout, qubits: tuple[int, int]) -> Fit:
    """How good a readout is: for each state the share of its outcomes that are right, at least `WORST_SHARE_RIGHT`."""
    errors = readout.errors or []
    right = {
        f"right_{state}": Figure(value=readout.assignment[place][place], error=errors[place][place])
        for place, state in enumerate(_OUTCOMES)
    }
    worst = min(right, key=lambda state: right[state].value)
    share, state = right[worst].value, worst.removeprefix("right_")
    remark = "" if share > WORST_SHARE_RIGHT else f"only {share:.0%} of the outcomes of {state} are right"
    return Fit(name=name, qubits=list(qubits), good=not remark, figures=right, remark=remark)


def _readout(
    kind: Any, matrix: NDArray[np.float64], errors: NDArray[np.float64], shots: int, qubits: tuple[int, int]
) -> Readout:
    if abs(np.linalg.det(matrix)) < 1e-3:
        first, second = qubits
        raise BackendError(f"qubits {first},{second}: their outcomes tell nothing of their states; take another pair")
    return Readout(kind=kind, assignment=matrix.tolist(), errors=errors.tolist(), shots=shots)


def _spread(shares: NDArray[np.float64], shots: int) -> NDArray[np.float64]:
    """One standard error of shares of so many shots: that of Jeffreys' posterior, which is not zero for none or all."""
    mean = (shares * shots + 0.5) / (shots + 1)
    return np.sqrt(mean * (1 - mean) / (shots + 2))
