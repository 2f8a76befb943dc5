"""Making a labelled training set: dephased special 4-basis states, their 15 features, PPT label and concurrence."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
from numpy.typing import NDArray
from qiskit import quantum_info
from threadpoolctl import threadpool_limits

from benchmarks import Measurement
from qent_hw.estimators.data import drawn_parameters, stream_labelled_states
from qent_hw.physics import FEATURES

STATES = 1_000_000
SAMPLE = 400
REPEATS = 3
SEED = 20241021

_PAULI = {label: quantum_info.Operator.from_label(label).data for label in "IXYZ"}
_AXES = {
    "1": _PAULI["I"],
    "x": _PAULI["X"],
    "y": _PAULI["Y"],
    "z": _PAULI["Z"],
    "a": (_PAULI["X"] + _PAULI["Y"]) / np.sqrt(2),
    "b": (_PAULI["Y"] - _PAULI["X"]) / np.sqrt(2),
}
# Table I of arXiv:2410.21504v2
_FEATURES = ["xa", "xb", "ya", "yb", "xz", "yz", "za", "zb", "zz", "x1", "y1", "z1", "1a", "1b", "1z"]
_OBSERVABLES = [quantum_info.Operator(np.kron(_AXES[first], _AXES[second])) for first, second in _FEATURES]


def ours(n: int) -> NDArray[np.float64]:
    """A training set as `qent-hw train` draws it: parameters from the seed, states from the family's own circuit."""
    found, start = np.empty((n, 17)), 0
    for (part,) in stream_labelled_states("special_four_basis", "dephasing", FEATURES, n, SEED):
        rows = slice(start, start + len(part))
        found[rows, :15], found[rows, 15], found[rows, 16] = part.features, part.entangled, part.concurrence
        start = rows.stop
    return found


def peer(theta: float, phi: float, p: float) -> NDArray[np.float64]:
    """The same 17 numbers for one state, by qiskit.quantum_info; its left tensor factor is our first qubit."""
    upper = np.cos(theta / 2) * np.array([np.exp(-1j * phi), 1]) / np.sqrt(2)
    lower = np.sin(theta / 2) * np.array([np.exp(1j * phi), 1]) / np.sqrt(2)
    one_qubit = [np.sqrt(1 - p) * np.eye(2), np.sqrt(p) * np.diag([1, 0]), np.sqrt(p) * np.diag([0, 1])]
    channel = quantum_info.Kraus([np.kron(first, second) for first, second in product(one_qubit, repeat=2)])
    rho = quantum_info.DensityMatrix(np.concatenate([upper, lower])).evolve(channel)
    features = [rho.expectation_value(observable).real for observable in _OBSERVABLES]
    entangled = np.linalg.eigvalsh(rho.partial_transpose([0]).data)[0] < 0
    return np.array([*features, entangled, quantum_info.concurrence(rho)])


def run() -> Measurement:
    """Time both on one core; the peer's loop runs over a sample of the same states, its time is scaled to all."""
    drawn = drawn_parameters("special_four_basis", "dephasing", STATES, SEED)
    ours(SAMPLE)
    sample = np.random.default_rng(SEED).choice(STATES, SAMPLE, replace=False)
    peer(0.3, 0.4, 0.5)
    ours_s, peer_s, expected = [], [], []
    with threadpool_limits(1):
        # in turn, so that a change of the machine's speed meets both
        for part in np.array_split(sample, REPEATS):
            start = time.perf_counter()
            found = ours(STATES)
            ours_s.append(time.perf_counter() - start)
            for state in part:
                values = (drawn["theta"][state], drawn["phi"][state], drawn["p"][state])
                start = time.perf_counter()
                expected.append(peer(*values))
                peer_s.append(time.perf_counter() - start)
    return {
        "ours_s": float(np.mean(ours_s)),
        "ours_se_s": float(np.std(ours_s, ddof=1) / np.sqrt(REPEATS)),
        "peer_s": float(np.mean(peer_s) * STATES),
        "peer_se_s": float(np.std(peer_s, ddof=1) / np.sqrt(SAMPLE) * STATES),
        "peer": "a plain loop over qiskit.quantum_info",
        "work": f"{STATES:,} dephased special 4-basis states: 15 features, PPT label, concurrence, one core "
        f"(ours: mean of {REPEATS} passes; peer: {SAMPLE} of the same states timed, scaled ×{STATES // SAMPLE})",
        "agree": float(np.abs(found[sample] - np.array(expected)).max()),
    }
