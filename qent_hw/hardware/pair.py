"""Which two qubits: those on which this experiment goes wrong least, by what the device publishes of itself.

One circuit is a two-qubit gate, three rotations on each qubit and two readouts. What goes wrong adds up as independent
failures (see `infidelity`):

    E = 1 − (1 − e_gate) Π_q (1 − e_rotation,q)³ (1 − e_readout,q)

A rotation is two sx, or one rx or u3 where the device has it. `noise-model` and `twirl` take the pair of smallest E.

`idle` also waits, and the wait should dephase and do nothing else. It dephases the pair by p = 0.5, the middle of the
range, after τ = ln 2 / mean(1/T2). For each qubit two more failures enter the product, each the trace distance from
dephasing by p alone, on the average over pure states:

    relaxation   ½ (1 − e^(−τ/T1)): whatever is in |1⟩, half of the population, decays towards |0⟩
    unevenness   (π/8) |e^(−τ/T2) − ½|: where the two T2 differ, the coherence left is not the one asked for

As τ ≈ T2 ln 2, the first is small only if T2 ≪ 2·T1, that is if 1/T2 = 1/(2·T1) + 1/Tφ is nearly all 1/Tφ; at T2 = 2·T1
relaxation is all there is. Detuning and ZZ coupling act during a wait as well and are not published, and a published
T2 is mostly that of an echo: only a calibration of the chosen pair tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from qiskit.circuit import Gate

from qent_hw.errors import BackendError, InputError
from qent_hw.hardware.infidelity import VIRTUAL, instruction_error, lifetimes, together

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
        the wait that dephases by p = 0.5, and the probability of what it does besides.
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
        """What the choice makes as small as possible: `circuit_error`, for an idle injection with `wait_error`."""
        return together([self.circuit_error, self.wait_error]) if injection == "idle" else self.circuit_error


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
    target, pairs, declared = backend.target, coupled_pairs(backend.target), _declared_faults(backend)
    faults = {pair: _fault(target, pair, declared) for pair in pairs}
    sound = [pair_figures(target, pair) for pair in pairs if faults[pair] is None]
    if not sound:
        example = f"; {pairs[0][0]},{pairs[0][1]}: {faults[pairs[0]]}" if pairs else ""
        raise BackendError(f"{backend.name}: none of its {len(pairs)} coupled pairs is fit for use{example}")
    scores = [one.score(injection) for one in sound]
    best = sound[scores.index(min(scores))]
    return PairChoice(best.qubits, _reason(best, injection, scores, len(pairs)), best)


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
    if (min(qubits), max(qubits)) not in pairs:
        partners = sorted({other for pair in pairs for other in pair if first in pair} - {first})
        raise InputError(
            f"qubits = {first},{second}: no two-qubit gate between them on {backend.name}; "
            f"qubit {first} is coupled to {', '.join(map(str, partners)) or 'none'}"
        )
    fault = _fault(target, qubits, _declared_faults(backend))
    if fault is not None:
        raise InputError(
            f"qubits = {first},{second}: on {backend.name} {fault}; leave qubits out to have a pair chosen"
        )


def coupled_pairs(target: Target) -> list[tuple[int, int]]:
    """Pairs with a two-qubit gate between them, each once, lower number first."""
    return sorted({(min(where), max(where)) for _, where in _two_qubit_gates(target)})


def pair_figures(target: Target, pair: tuple[int, int]) -> PairFigures:
    """The figures of a pair without faults, its qubits in the direction of the best gate between them."""
    gate_error, _, qubits, gate = min(
        (
            instruction_error(target, name, where),
            getattr(target[name][where], "duration", None) or 0.0,
            (min(where), max(where)) if name in _SYMMETRIC_GATES else where,
            name,
        )
        for name, where in _two_qubit_gates(target)
        if set(where) == set(pair)
    )
    first, second = qubits
    rotation = _rotation_error(target, first), _rotation_error(target, second)
    readout = instruction_error(target, "measure", (first,)), instruction_error(target, "measure", (second,))
    times = [lifetimes(target, qubit) or (math.nan, math.nan) for qubit in qubits]
    T1, T2 = (times[0][0], times[1][0]), (min(times[0][1], 2 * times[0][0]), min(times[1][1], 2 * times[1][0]))
    wait = math.log(2) / ((1 / T2[0] + 1 / T2[1]) / 2)
    relaxed = [(1 - math.exp(-wait / time)) / 2 for time in T1]
    uneven = [math.pi / 8 * abs(math.exp(-wait / time) - 0.5) for time in T2]
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
        together([*relaxed, *uneven]),
    )


def _two_qubit_gates(target: Target) -> list[tuple[str, tuple[int, int]]]:
    return [
        (name, (where[0], where[1]))
        for name in target.operation_names
        for where in (target[name] or {})
        if where is not None and len(where) == 2
    ]


def _rotation_gates(target: Target) -> list[str]:
    """The pulsed one-qubit gates that the transpiler may use."""
    return [
        name
        for name in target.operation_names
        if name not in (*VIRTUAL, "id")
        and isinstance(operation := target.operation_from_name(name), Gate)
        and operation.num_qubits == 1
    ]


def _rotation_error(target: Target, qubit: int) -> float:
    names = target.operation_names
    name, number = next((one for one in _ROTATION_GATES if one[0] in names), _ROTATION_GATES[-1])
    return together(number * [instruction_error(target, name, (qubit,))])


def _declared_faults(backend: BackendV2) -> set[tuple[str, tuple[int, ...]]]:
    """(instruction, qubits) that the properties call not operational; with instruction "" for a whole qubit."""
    properties = getattr(backend, "properties", lambda: None)()
    if properties is None:
        return set()
    return {("", (qubit,)) for qubit in properties.faulty_qubits()} | {
        (gate.gate, tuple(gate.qubits)) for gate in properties.faulty_gates()
    }


def _fault(target: Target, pair: tuple[int, int], declared: set[tuple[str, tuple[int, ...]]]) -> str | None:
    """What is wrong with a coupled pair, if anything; every gate on it must work, as the transpiler may take any."""
    for qubit in pair:
        if ("", (qubit,)) in declared:
            return f"qubit {qubit} is reported as not operational"
        if lifetimes(target, qubit) is None:
            return f"qubit {qubit} has no valid T1 and T2"
    needed: list[tuple[str, tuple[int, ...]]] = []
    needed += [(name, where) for name, where in _two_qubit_gates(target) if set(where) == set(pair)]
    needed += [(name, (qubit,)) for name in ("measure", *_rotation_gates(target)) for qubit in pair]
    needed += [(name, where) for name, where in declared if set(where) == set(pair)]
    for name, where in needed:
        place = f"{name} on {','.join(map(str, where))}"
        if (name, where) in declared:
            return f"{place} is reported as not operational"
        if instruction_error(target, name, where) == 1:
            published = getattr((target[name] or {}).get(where), "error", None)
            marked = (
                "has no error published" if published is None else f"has the error {published:g}, as broken ones do"
            )
            return f"{place} {marked if where in (target[name] or {}) else 'is missing'}"
    return None


def _reason(best: PairFigures, injection: str, scores: list[float], n_pairs: int) -> str:
    """Why this pair, with its figures; the median beside them shows what the choice is worth."""
    cause = (
        f"{best.gate} {_percent(best.gate_error)}, "
        f"rotation {_percent(*best.rotation_error)}, readout {_percent(*best.readout_error)}"
    )
    aim = "have the smallest error of a circuit"
    if injection == "idle":
        T1, T2 = ("/".join(f"{1e6 * time:.3g}" for time in times) for times in (best.T1, best.T2))
        aim = "come nearest to a wait that only dephases"
        cause = (
            f"{_percent(best.wait_error)} from {1e6 * best.wait_s:.3g} µs of waiting for p = 0.5, "
            f"as T1 = {T1} µs and T2 = {T2} µs; {cause}"
        )
    faulty = n_pairs - len(scores)
    others = f"the median of {len(scores)} pairs is {_percent(median(scores))}" + (
        f", {faulty} are faulty" * bool(faulty)
    )
    return (
        f"qubits {best.qubits[0]},{best.qubits[1]} {aim} by published figures, "
        f"{_percent(best.score(injection))} ({cause}); {others}"
    )


def _percent(*errors: float) -> str:
    return "/".join(f"{100 * error:.2g}" for error in errors) + "%"
