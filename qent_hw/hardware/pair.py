"""Which two qubits: those on which this experiment goes wrong least, by what the device publishes of itself.

One circuit is a two-qubit gate, three rotations on each qubit and two readouts. What goes wrong adds up as independent
failures (see `infidelity`):

    E = 1 − (1 − e_gate) Π_q (1 − e_rotation,q)³ (1 − e_readout,q)

A rotation is two sx, or one rx or u3 where the device has it. `noise-model` and `twirl` take the pair of smallest E.

`idle` also waits, and the wait should dephase both qubits alike and do nothing else. How far it is from that, W, is put
together in the same way of

    relaxation   ½ (1 − e^(−τ/T1)) for each qubit, in the τ that dephases the pair by p = 0.5, ln 2 / mean(1/T2): what
                 is in |1⟩, half of the population on the average over states, decays towards |0⟩
    unevenness   the largest |p1 − p2| of any wait, which is r^(−1/(r−1)) (1 − 1/r) where the T2 have the ratio r > 1

As τ ≈ T2 ln 2, the first is small only if T2 ≪ 2·T1, that is if 1/T2 = 1/(2·T1) + 1/Tφ is nearly all 1/Tφ; at T2 = 2·T1
relaxation is all there is. Without the second, pairs win of which only one qubit dephases. Smallest is then
1 − (1 − E)² (1 − W). The weights are those of the shipped `bell8` networks, trained on ideal dephasing (special 4-basis
states, 4 × 4,096 shots): their accuracy falls by 0.3 to 0.4 of E, 0.3 to 0.7 of the relaxation and 0.2 to 0.3 of the
unevenness, but the error of their concurrence grows by 0.3 to 0.5 of E and only by 0.1 of the relaxation. Counting E
twice lies between the two.

Detuning and ZZ coupling act during a wait as well and are not published, and a published T2 is mostly that of an echo:
only a calibration of the chosen pair tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from qent_hw.errors import BackendError, InputError
from qent_hw.hardware.faults import coupled_pairs, faultless_pairs, pair_fault, two_qubit_gates
from qent_hw.hardware.infidelity import instruction_error, lifetimes, together

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target

ROTATIONS = 3
# (gate, how many make a rotation about any axis), in the order in which the transpiler prefers them
_ROTATION_GATES = (("rx", 1), ("u3", 1), ("sx", 2))
_SYMMETRIC_GATES = ("cz", "rzz")


@dataclass(frozen=True)
class PairFigures:
    """What a device says of two of its qubits, first qubit of the state first, and what follows for one circuit.

    Attributes
    ----------
    gate, gate_error
        the two-qubit gate between them and its error.
    rotation_error, readout_error
        of one rotation and of the readout, per qubit.
    T1, T2
        seconds, per qubit, T2 clipped to 2·T1.
    circuit_error
        E, the probability that a circuit goes wrong, without a wait.
    wait_s, wait_error
        the wait that dephases by p = 0.5, and W, how far waiting is from dephasing both qubits alike.
    """

    qubits: tuple[int, int]
    gate: str
    gate_error: float
    rotation_error: tuple[float, float]
    readout_error: tuple[float, float]
    T1: tuple[float, float]
    T2: tuple[float, float]
    circuit_error: float
    wait_s: float
    wait_error: float

    def score(self, injection: str) -> float:
        """What the choice makes as small as possible: E, or for an idle injection 1 − (1 − E)² (1 − W)."""
        parts = (
            [self.circuit_error] if injection != "idle" else [self.circuit_error, self.circuit_error, self.wait_error]
        )
        return together(parts)


@dataclass(frozen=True)
class PairChoice:
    """A pair of qubits, first qubit of the state first; `reason` says in one line why these."""

    qubits: tuple[int, int]
    reason: str
    figures: PairFigures


def choose_pair(backend: BackendV2, injection: str) -> PairChoice:
    """The faultless pair of `backend` with the smallest score for `injection`, in its gate's own direction.

    Where the gate is published in both directions, the better, then the shorter one; else the lower number first.

    Raises
    ------
    BackendError
        if no coupled pair is without a fault.
    """
    target, pairs = backend.target, coupled_pairs(backend.target)
    sound = [pair_figures(target, pair) for pair in faultless_pairs(backend)]
    if not sound:
        example = f"; {pairs[0][0]},{pairs[0][1]}: {pair_fault(backend, pairs[0])}" if pairs else ""
        raise BackendError(f"{backend.name}: none of its {len(pairs)} coupled pairs is fit for use{example}")
    best = min(sound, key=lambda one: one.score(injection))
    return PairChoice(best.qubits, _reason(best, injection, sound, len(pairs)), best)


def check_pair(backend: BackendV2, qubits: tuple[int, int]) -> None:
    """Refuse a pair that cannot be used.

    Raises
    ------
    InputError
        if the qubits do not exist, are the same, have no two-qubit gate between them, or if anything the experiment
        needs of them is faulty or has no calibration data.
    """
    first, second = qubits
    target, pairs = backend.target, coupled_pairs(backend.target)
    for qubit in qubits:
        if not 0 <= qubit < target.num_qubits:
            raise InputError(f"qubits = {first},{second}: {backend.name} has qubits 0 to {target.num_qubits - 1}")
    # before the coupling, as the target leaves out what is not operational
    fault = pair_fault(backend, qubits)
    if fault is not None:
        raise InputError(
            f"qubits = {first},{second}: on {backend.name} {fault}; leave qubits out to have a pair chosen"
        )
    if (min(qubits), max(qubits)) not in pairs:
        partners = sorted({other for pair in pairs for other in pair if first in pair} - {first})
        raise InputError(
            f"qubits = {first},{second}: no two-qubit gate between them on {backend.name}; "
            f"qubit {first} is coupled to {', '.join(map(str, partners)) or 'none'}"
        )


def pair_figures(target: Target, pair: tuple[int, int]) -> PairFigures:
    """The figures of a pair without faults, its qubits in the direction of the best gate between them."""
    gate_error, _, qubits, gate = min(
        (
            instruction_error(target, name, where),
            getattr(target[name][where], "duration", None) or 0.0,
            (min(where), max(where)) if name in _SYMMETRIC_GATES else where,
            name,
        )
        for name, where in two_qubit_gates(target)
        if set(where) == set(pair)
    )
    first, second = qubits
    rotation = _rotation_error(target, first), _rotation_error(target, second)
    readout = instruction_error(target, "measure", (first,)), instruction_error(target, "measure", (second,))
    times = [lifetimes(target, qubit) or (math.nan, math.nan) for qubit in qubits]
    T1, T2 = (times[0][0], times[1][0]), (min(times[0][1], 2 * times[0][0]), min(times[1][1], 2 * times[1][0]))
    wait = math.log(2) / ((1 / T2[0] + 1 / T2[1]) / 2)
    relaxed = [(1 - math.exp(-wait / time)) / 2 for time in T1]
    return PairFigures(
        qubits,
        gate,
        gate_error,
        rotation,
        readout,
        T1,
        T2,
        together([gate_error, *ROTATIONS * rotation, *readout]),
        wait,
        together([*relaxed, _unevenness(max(T2) / min(T2))]),
    )


def _unevenness(ratio: float) -> float:
    """The largest difference of two decays e^(−t) and e^(−t/ratio) at any t."""
    return 0.0 if ratio - 1 < 1e-9 else ratio ** (-1 / (ratio - 1)) * (1 - 1 / ratio)


def _rotation_error(target: Target, qubit: int) -> float:
    names = target.operation_names
    name, number = next((one for one in _ROTATION_GATES if one[0] in names), _ROTATION_GATES[-1])
    return together(number * [instruction_error(target, name, (qubit,))])


def _reason(best: PairFigures, injection: str, sound: list[PairFigures], n_pairs: int) -> str:
    """Why this pair, with its figures; the medians beside them show what the choice is worth."""
    aim, off = "err least", ""
    typical = _percent(median(one.circuit_error for one in sound))
    if injection == "idle":
        T1, T2 = ("/".join(f"{1e6 * time:.3g}" for time in times) for times in (best.T1, best.T2))
        aim = "dephase most alike with the least relaxation and error"
        off = f"waiting is {_percent(best.wait_error)} off (T1 = {T1} µs, T2 = {T2} µs), "
        typical = f"{_percent(median(one.wait_error for one in sound))} and {typical}"
    faulty = n_pairs - len(sound)
    return (
        f"qubits {best.qubits[0]},{best.qubits[1]} {aim} by published figures: {off}a circuit goes wrong with "
        f"{_percent(best.circuit_error)} ({best.gate} {_percent(best.gate_error)}, rotation "
        f"{_percent(*best.rotation_error)}, readout {_percent(*best.readout_error)}); the median of {len(sound)} pairs "
        f"is {typical}" + (f", leaving out {faulty} with faults" if faulty else "")
    )


def _percent(*errors: float) -> str:
    return "/".join(f"{100 * error:.2g}" for error in errors) + "%"
