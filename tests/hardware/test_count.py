"""Counting plain circuits on any backend: the order of bits, and random numbers of their own for equal circuits.

The tests have a false-alarm rate of 1e-6 a case; seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager
from scipy import stats

from qent_hw.hardware import resolve_backend

FALSE_ALARM = 1e-6
BACKENDS = ("aer", "aer:fake_manila", "fake_manila", "simulated")


def ready(backend, circuit):
    return generate_preset_pass_manager(1, target=backend.device.target, initial_layout=[0, 1]).run(circuit)


@pytest.mark.parametrize("name", BACKENDS)
def test_bit_0_is_on_the_right(name):
    backend = resolve_backend(name)
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    (counts,) = backend.count([ready(backend, circuit)], 400, np.random.SeedSequence(1))
    assert sum(counts.values()) == 400
    assert max(counts, key=counts.get) == "01"


@pytest.mark.parametrize("name", BACKENDS)
def test_equal_circuits_scatter_as_binomials(name):
    """300 equal circuits in one call: shared seeds would give too little variance."""
    backend, repeats, shots = resolve_backend(name), 300, 400
    circuit = QuantumCircuit(2, 2)
    circuit.ry(np.pi / 2, 0)
    circuit.delay(16_000, 0)
    circuit.measure([0, 1], [0, 1])
    seed = np.random.SeedSequence(2)
    found = backend.count([ready(backend, circuit)] * repeats, shots, seed)
    ones = np.array([one.get("01", 0) + one.get("11", 0) for one in found])
    p = ones.mean() / shots
    assert 0.3 < p < 0.6
    chi2 = np.sum((ones - ones.mean()) ** 2) / (shots * p * (1 - p))
    assert FALSE_ALARM / 2 < stats.chi2.sf(chi2, repeats - 1) < 1 - FALSE_ALARM / 2
    # nor does one circuit know of the one before it
    assert abs(np.corrcoef(ones[1:], ones[:-1])[0, 1]) < stats.norm.isf(FALSE_ALARM / 2) / np.sqrt(repeats - 1)


@pytest.mark.parametrize("name", BACKENDS)
def test_same_seed_same_counts_and_other_seed_other_counts(name):
    backend, circuit = resolve_backend(name), QuantumCircuit(2, 2)
    circuit.ry(np.pi / 2, 0)
    circuit.measure([0, 1], [0, 1])
    circuits = [ready(backend, circuit)] * 5
    first, again, other = (backend.count(circuits, 1000, np.random.SeedSequence(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
