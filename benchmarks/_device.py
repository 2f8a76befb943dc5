"""What the two device benchmarks share: the same states in the same settings on a noisy pair, by us and by Aer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from threadpoolctl import threadpool_limits

from benchmarks import Measurement
from qent_hw.circuits import load_family
from qent_hw.circuits.injection import delay_for
from qent_hw.circuits.pubs import build_pubs
from qent_hw.circuits.template import ANGLES, timing_grid, transpile_template
from qent_hw.hardware import resolve_backend
from qent_hw.physics import ALL_SETTINGS
from qent_hw.simulation.device import DeviceTemplate, device_probabilities, device_template
from qent_hw.simulation.errors import device_errors

DEVICES = ("fake_manila", "fake_torino")
STATES = 100_000
SAMPLE = 150
REPEATS = 3
SEED = 20241021

Job = tuple[AerSimulator, QuantumCircuit, list[dict[Any, NDArray[np.float64]]], int]
"""What Aer runs: simulator, circuit, `parameter_binds`, number of circuits that these make."""

Check = Callable[[NDArray[Any], NDArray[Any], NDArray[np.float64]], float]
"""From ours, the peer's and the exact probabilities, each (n_circuits, 4), to `agree`."""


@dataclass(frozen=True)
class Pair:
    """The default pair of a fake device; every state waits the same time, so that Aer needs one broadcast job."""

    name: str
    isa: QuantumCircuit
    template: DeviceTemplate
    delay_dt: int
    simulator: AerSimulator

    def exact(self, psi: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Probabilities (n, n_settings, 4)."""
        delays = np.full(len(psi), self.delay_dt)
        return device_probabilities(self.template, psi, ALL_SETTINGS, "idle", delay_dt=delays)[:, :, 0]

    def job(self, psi: NDArray[np.complex128]) -> Job:
        """The same for Aer."""
        (pub,) = build_pubs(self.isa, psi, ALL_SETTINGS, 1, "idle", delay_dt=np.full(len(psi), self.delay_dt))
        flat = pub.values.reshape(-1, len(ANGLES))
        binds = {one: flat[:, ANGLES.index(one.name)] for one in pub.circuit.parameters}
        return self.simulator, pub.circuit, [binds], len(flat)


def pair_of(name: str) -> Pair:
    """The pair that a run would take, with a wait that dephases it by 0.4."""
    backend = resolve_backend(f"aer:{name}", injection="idle")
    device = backend.device
    isa = transpile_template(device.target)
    (delay_dt,) = delay_for(np.array([0.4]), device.idle, device.target.dt, timing_grid(device.target))
    simulator = AerSimulator(noise_model=backend.noise_model, method="density_matrix", max_parallel_threads=1)
    told = f"{name} (qubits {device.qubits[0]} and {device.qubits[1]})"
    return Pair(told, isa, device_template(isa, device_errors(device.target)), int(delay_dt), simulator)


def compare(
    ours: Callable[[NDArray[np.float64]], NDArray[Any]], peer: Callable[[Job], NDArray[Any]], check: Check, what: str
) -> Measurement:
    """Time both on one core, from prepared amplitudes to the result, transpiling left out.

    `ours` makes the result of our exact probabilities. The peer runs a sample of the states, its time is scaled to all.
    """
    family = load_family("general_four_basis")
    psi = family.amplitudes(family.draw(STATES, np.random.default_rng(SEED)))
    samples = np.random.default_rng(SEED).choice(STATES, (REPEATS, SAMPLE), replace=False)
    pairs = [pair_of(name) for name in DEVICES]
    ours_s, peer_s = np.empty((2, len(pairs), REPEATS))
    results = []
    with threadpool_limits(1):
        for device, pair in enumerate(pairs):
            ours(pair.exact(psi[:SAMPLE]))
            peer(pair.job(psi[:2]))
            # in turn, so that a change of the machine's speed meets both
            for turn, sample in enumerate(samples):
                start = time.perf_counter()
                found = ours(pair.exact(psi))
                ours_s[device, turn] = time.perf_counter() - start
                start = time.perf_counter()
                expected = peer(pair.job(psi[sample]))
                peer_s[device, turn] = (time.perf_counter() - start) * STATES / SAMPLE
                results.append((found[sample].reshape(-1, 4), expected, pair.exact(psi[sample]).reshape(-1, 4)))
    ratios = peer_s.mean(axis=1) / ours_s.mean(axis=1)
    told = " and ".join(f"{pair.name}, ratio {ratio:.0f}," for pair, ratio in zip(pairs, ratios, strict=True))
    ours_each, peer_each = ours_s.sum(axis=0), peer_s.sum(axis=0)
    return {
        "ours_s": float(ours_each.mean()),
        "ours_se_s": float(ours_each.std(ddof=1) / np.sqrt(REPEATS)),
        "peer_s": float(peer_each.mean()),
        "peer_se_s": float(peer_each.std(ddof=1) / np.sqrt(REPEATS)),
        "peer": "AerSimulator's density matrix, one broadcast circuit, the noise model cut to the pair",
        "work": f"{what} of {STATES:,} general 4-basis states in {len(ALL_SETTINGS)} settings after a wait, on {told} "
        f"one core (ours: mean of {REPEATS} passes; peer: {REPEATS} × {SAMPLE} of the same states timed, scaled "
        f"×{STATES / SAMPLE:.0f})",
        "agree": check(*(np.concatenate(side) for side in zip(*results, strict=True))),
    }
