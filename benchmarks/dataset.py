"""Making a labelled training set: dephased special 4-basis states, their 15 features, PPT label and concurrence."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
from numpy.typing import NDArray
from qiskit import quantum_info

from benchmarks import Measurement
from qent_hw import physics

STATES = 100_000
SAMPLE = 200
REPEATS = 5

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


def ours(theta: NDArray[np.float64], phi: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features, label and concurrence of n states at once, shape (n, 17)."""
    rho = physics.dephase(physics.density(physics.special_four_basis(theta, phi)), p)
    return np.column_stack([physics.features(rho), physics.is_entangled(rho), physics.concurrence(rho)])


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
    """Time both; the peer's loop runs over a sample of the same states, and its time is scaled to all of them."""
    rng = np.random.default_rng(20241021)
    theta, phi = rng.uniform(0, 2 * np.pi, (2, STATES))
    p = rng.uniform(0, 1, STATES)

    ours(theta[:SAMPLE], phi[:SAMPLE], p[:SAMPLE])
    peer(theta[0], phi[0], p[0])
    ours_s = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = ours(theta, phi, p)
        ours_s.append(time.perf_counter() - start)
    peer_s, expected = [], []
    for state in range(SAMPLE):
        start = time.perf_counter()
        expected.append(peer(theta[state], phi[state], p[state]))
        peer_s.append(time.perf_counter() - start)
    return {
        "ours_s": float(np.mean(ours_s)),
        "ours_se_s": float(np.std(ours_s, ddof=1) / np.sqrt(REPEATS)),
        "peer_s": float(np.mean(peer_s) * STATES),
        "peer_se_s": float(np.std(peer_s, ddof=1) / np.sqrt(SAMPLE) * STATES),
        "peer": "a plain loop over qiskit.quantum_info",
        "work": f"{STATES:,} dephased special 4-basis states: 15 features, PPT label, concurrence "
        f"(ours: mean of {REPEATS} passes; peer: {SAMPLE} of the same states timed, scaled ×{STATES // SAMPLE})",
        "agree": float(np.abs(found[:SAMPLE] - np.array(expected)).max()),
    }
