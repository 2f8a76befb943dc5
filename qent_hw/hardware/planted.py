"""A simulated pair with what IBM's fake devices cannot show (field-notes 16): detuning, ZZ coupling, a coherence that
an echo brings back, asymmetric and correlated readout. Whatever is measured of it can be held against what was planted.

Beside relaxation (T1) and the noise without memory that leaves an echo e^(−t/T2_echo), each qubit's detuning is new in
every shot and constant during it: normal around its mean with standard deviation `slow_hz`. Without an echo the
coherence is then

    e^(−t/T2_echo) · e^(−(2π slow_hz t)²/2)

which an echo of any length brings back to the first factor. T2 stands for the time of a wait without an echo after
which 1/e is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.circuit import Delay, Instruction, Measure, Parameter
from qiskit.circuit.library import CZGate, IGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from qent_hw.errors import InputError, InvalidRelaxationError
from qent_hw.hardware.device import Device
from qent_hw.physics import IdleChannel

_DT, _GRANULARITY = 1e-9, 8
# seconds: a pulse on one qubit, a cz, a readout
_PULSE, _CZ, _READOUT = 32e-9, 240e-9, 1.2e-6
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class PlantedPair:
    """What is planted.

    Attributes
    ----------
    T1, T2_echo
        (2,) seconds, qubit 0 then qubit 1; T2_echo ≤ 2·T1.
    slow_hz
        (2,) standard deviation from shot to shot of the detuning.
    detuning, zz
        (2,) and () Hz, the mean detuning and the coupling as in `physics.IdleChannel`.
    readout
        (4, 4) A[measured, prepared] of the outcomes ++, +−, −+, −− (first sign: qubit 0); columns sum to one.
    pulse_error, cz_error
        of each sx and x, and of a cz.

    Raises
    ------
    InvalidRelaxationError
        for times that no qubit has.
    InputError
        for a spread below zero, and a readout whose columns are no probabilities.
    """

    T1: NDArray[np.float64]
    T2_echo: NDArray[np.float64]
    slow_hz: NDArray[np.float64]
    detuning: NDArray[np.float64]
    zz: float
    readout: NDArray[np.float64]
    pulse_error: float = 3e-4
    cz_error: float = 8e-3

    def __post_init__(self) -> None:
        for name in ("T1", "T2_echo", "slow_hz", "detuning"):
            object.__setattr__(self, name, np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), (2,)))
        IdleChannel(self.T1, self.T2_echo, self.detuning, np.array(self.zz))
        if not np.all(self.slow_hz >= 0):
            raise InputError(f"slow_hz = {self.slow_hz.tolist()}: must be 0 or more")
        readout = np.asarray(self.readout, dtype=np.float64)
        if readout.shape != (4, 4) or np.any(readout < 0) or not np.allclose(readout.sum(axis=0), 1, atol=1e-9):
            raise InputError("readout: must be 4 by 4 probabilities, A[measured, prepared], whose columns sum to one")
        object.__setattr__(self, "readout", readout)

    @property
    def T2(self) -> NDArray[np.float64]:
        """(2,) seconds: the time of a wait without an echo after which 1/e of the coherence is left."""
        rate = 1 / self.T2_echo
        return 2 / (rate + np.sqrt(rate**2 + 2 * (2 * math.pi * self.slow_hz) ** 2))

    @property
    def idle(self) -> IdleChannel | None:
        """What a wait without an echo does, where that is exactly one of the two laws.

        "exponential" if nothing is slow, "gaussian" if all that is not relaxation is (T2_echo = 2·T1); else None.
        """
        if not np.any(self.slow_hz):
            return IdleChannel(self.T1, self.T2_echo, self.detuning, np.array(self.zz))
        if np.allclose(self.T2_echo, 2 * self.T1, rtol=_SLACK, atol=0):
            return IdleChannel(self.T1, self.T2, self.detuning, np.array(self.zz), "gaussian")
        return None

    def idle_of_shots(self, shots: int, rng: np.random.Generator) -> IdleChannel:
        """What waiting does in each of so many shots, their detunings drawn anew; one channel where nothing is slow."""
        zz = np.array(self.zz)
        if not np.any(self.slow_hz):
            return IdleChannel(self.T1, self.T2_echo, self.detuning, zz)
        each = (shots, 2)
        return IdleChannel(
            np.broadcast_to(self.T1, each),
            np.broadcast_to(self.T2_echo, each),
            self.detuning + self.slow_hz * rng.standard_normal(each),
            np.broadcast_to(zz, shots),
        )


def planted_pair(
    T1: ArrayLike,
    T2: ArrayLike,
    T2_echo: ArrayLike | None = None,
    *,
    detuning: ArrayLike = 0.0,
    zz: float = 0.0,
    readout: NDArray[np.float64] | None = None,
) -> PlantedPair:
    """A pair by its 1/e times in seconds, T2 without and T2_echo with an echo (2·T1 where not given).

    From T2/T2_echo + (2π slow_hz T2)²/2 = 1. Times and detunings are one for both qubits or (qubit 0, qubit 1); without
    `readout` the pair is read perfectly.

    Raises
    ------
    InvalidRelaxationError
        for T2 > T2_echo, and as `PlantedPair` does.
    """
    t1, t2 = (np.broadcast_to(np.asarray(times, dtype=np.float64), (2,)) for times in (T1, T2))
    echo = 2 * t1 if T2_echo is None else np.broadcast_to(np.asarray(T2_echo, dtype=np.float64), (2,))
    for qubit in (0, 1):
        if not 0 < t2[qubit] <= echo[qubit] * (1 + _SLACK):
            raise InvalidRelaxationError(
                f"T2 = {t2[qubit]:.4g} s of qubit {qubit + 1}: must be positive and at most that with an echo, "
                f"{echo[qubit]:.4g}"
            )
    share = 1 - t2 / echo
    # equal but for rounding errors: nothing slow
    slow = np.sqrt(2 * np.where(share < _SLACK, 0.0, share)) / (2 * math.pi * t2)
    return PlantedPair(
        t1, echo, slow, np.asarray(detuning, dtype=np.float64), zz, np.eye(4) if readout is None else readout
    )


def shipped_pair() -> PlantedPair:
    """The pair of the backend ``simulated``: unequal qubits whose free waits decay by the gaussian law."""
    return planted_pair(
        (120e-6, 70e-6),
        (60e-6, 40e-6),
        detuning=(3.0e3, -1.8e3),
        zz=-4.0e3,
        readout=misread(minus_for_plus=(0.015, 0.025), plus_for_minus=(0.04, 0.06)),
    )


def misread(minus_for_plus: tuple[float, float], plus_for_minus: tuple[float, float]) -> NDArray[np.float64]:
    """(4, 4) A[measured, prepared] of two qubits that are misread independently, by each one's two probabilities."""
    first, second = (
        np.array([[1 - minus, plus], [minus, 1 - plus]])
        for minus, plus in zip(minus_for_plus, plus_for_minus, strict=True)
    )
    return np.kron(first, second).astype(np.float64, copy=False)


def planted_device(name: str, pair: PlantedPair) -> Device:
    """The pair as a device, which publishes what real ones do: T1, the T2 of an echo, errors of gates and readout.

    Its `idle` is what really happens in a wait. Where neither law is exactly that, it is the exponential one with the
    right 1/e times, which its facts say.
    """
    facts: dict[str, object] = {"T2_echo_s": pair.T2_echo.tolist(), "slow_hz": pair.slow_hz.tolist()}
    idle = pair.idle
    if idle is None:
        idle = IdleChannel(pair.T1, pair.T2, pair.detuning, np.array(pair.zz))
        facts["decay_is"] = "neither exponential nor gaussian"
    return Device(name, (0, 1), _target(pair), idle, facts)


def _target(pair: PlantedPair) -> Target:
    lifetimes = zip(pair.T1.tolist(), pair.T2_echo.tolist(), strict=True)
    target = Target(
        num_qubits=2,
        dt=_DT,
        granularity=_GRANULARITY,
        qubit_properties=[QubitProperties(t1=t1, t2=t2) for t1, t2 in lifetimes],
    )

    def add(gate: Instruction, properties: InstructionProperties | None) -> None:
        target.add_instruction(gate, {(0,): properties, (1,): properties})

    pulse = InstructionProperties(_PULSE, pair.pulse_error)
    for gate in (SXGate(), XGate(), IGate()):
        add(gate, pulse)
    add(RZGate(Parameter("λ")), InstructionProperties(0.0, 0.0))
    add(Delay(Parameter("t")), None)
    cz = InstructionProperties(_CZ, pair.cz_error)
    target.add_instruction(CZGate(), {(0, 1): cz, (1, 0): cz})
    target.add_instruction(Measure(), {(qubit,): _readout_properties(pair, qubit) for qubit in (0, 1)})
    return target


def _readout_properties(pair: PlantedPair, qubit: int) -> InstructionProperties:
    """What is published of one qubit's readout: both its errors, whatever its neighbour's state."""
    # measured, measured of the neighbour, prepared, prepared of the neighbour
    both = pair.readout.reshape(2, 2, 2, 2)
    alone = both.sum(axis=1 - qubit).mean(axis=2 - qubit)
    properties = InstructionProperties(_READOUT, float(alone[1, 0] + alone[0, 1]) / 2)
    # under these names, Qiskit Aer looks for them there
    properties.prob_meas1_prep0, properties.prob_meas0_prep1 = float(alone[1, 0]), float(alone[0, 1])
    return properties
