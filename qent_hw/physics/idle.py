"""What two qubits do while they wait: relaxation, dephasing, and the phases of detuning and ZZ coupling, together.

A qubit's excited population decays as e^(−t/T1) and its coherence as

    f(t) = exp(−t/T2)                                         law "exponential": noise without memory
    f(t) = exp(−t/(2 T1) − (1 − T2/(2 T1)) (t/T2)²)           law "gaussian": noise slow against a single wait

so that T2 is the time at which the coherence has fallen to 1/e either way (what a Ramsey experiment calls T2*), and
T2 ≤ 2 T1. The strength of its dephasing, in the sense of Eq. 2, is p = 1 − f. Meanwhile a wait turns the qubit as
rz(2π · detuning · t) does, and as rz(2π (detuning + zz) t) with its neighbour in |1⟩. A neighbour that relaxes during
the wait leaves the qubit with a phase in between, which is why relaxation and ZZ must be treated together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qent_hw.errors import InvalidRelaxationError

Law = Literal["exponential", "gaussian"]
LAWS: tuple[Law, ...] = ("exponential", "gaussian")

_PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
# row 4·P + Q: the elements of P⊗Q
_PRODUCTS = np.einsum("pij,qkl->pqikjl", _PAULI, _PAULI).reshape(16, 16)
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class IdleChannel:
    """The wait of two qubits.

    Attributes
    ----------
    T1, T2
        (..., 2) seconds, qubit 1 then qubit 2; infinite for an ideal qubit. T2 as the module says.
    detuning
        (..., 2) Hz, of each qubit with its neighbour in |0⟩.
    zz
        (...) Hz, how much either detuning changes with the neighbour in |1⟩.
    law
        of the decay of coherence, see the module.

    Leading axes, where there are any, are one channel for each state of a batch.

    Raises
    ------
    InvalidRelaxationError
        for T1 or T2 that are not positive, T2 > 2·T1, or an unknown law.
    """

    T1: NDArray[np.float64]
    T2: NDArray[np.float64]
    detuning: NDArray[np.float64]
    zz: NDArray[np.float64]
    law: Law = "exponential"

    def __post_init__(self) -> None:
        for name in ("T1", "T2", "detuning", "zz"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.law not in LAWS:
            raise InvalidRelaxationError(f"law = {self.law!r}: use one of {', '.join(LAWS)}")
        for name, value in (("T1", self.T1), ("T2", self.T2)):
            if not np.all(value > 0):
                raise InvalidRelaxationError(f"{name} = {value[~(value > 0)].flat[0]:g} s: must be positive")
        longest = 2 * self.T1 * (1 + _SLACK)
        if np.any(longest < self.T2):
            place = np.unravel_index(np.argmax(self.T2 / longest), self.T2.shape)
            raise InvalidRelaxationError(
                f"T2 = {self.T2[place]:.4g} s of qubit {int(place[-1]) + 1} is above 2·T1 = {2 * self.T1[place]:.4g}: "
                "no qubit has that"
            )

    def __getitem__(self, rows: slice) -> IdleChannel:
        """The channels of some states of a batch; itself where there is one channel for all."""
        if self.T1.ndim == 1:
            return self
        return IdleChannel(self.T1[rows], self.T2[rows], self.detuning[rows], self.zz[rows], self.law)

    @property
    def turns(self) -> bool:
        """Whether waiting makes phases: a detuning or a coupling that is not zero."""
        return bool(np.any(self.detuning) or np.any(self.zz))

    def coherence(self, t: ArrayLike) -> NDArray[np.float64]:
        """f(t) of each qubit, (..., 2), for waits t (...) in seconds."""
        time = np.asarray(t, dtype=np.float64)[..., None]
        if self.law == "exponential":
            return np.exp(-time / self.T2)
        return np.exp(-time / (2 * self.T1) - self._pure * (time / self.T2) ** 2)

    def strengths(self, t: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The dephasing strengths (p1, p2) of waits t (...) in seconds."""
        p = 1 - self.coherence(t)
        return p[..., 0], p[..., 1]

    def wait_for(self, p: ArrayLike) -> NDArray[np.float64]:
        """The wait in seconds with (1−p1)(1−p2) = (1−p)², the decay of the two-qubit coherences ρ03 and ρ12.

        One wait gives p1 ≠ p2 where the qubits' decays differ (see `strengths`). Infinite for p = 1 and for qubits
        that do not dephase.
        """
        lost = -2 * np.log1p(-np.asarray(p, dtype=np.float64))
        if self.law == "exponential":
            linear, square = (1 / self.T2).sum(-1), np.zeros(self.T2.shape[:-1])
        else:
            linear, square = (0.5 / self.T1).sum(-1), (self._pure / self.T2**2).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            wait = 2 * lost / (linear + np.sqrt(linear**2 + 4 * square * lost))
        return np.where(lost == 0, 0.0, wait)

    @property
    def _pure(self) -> NDArray[np.float64]:
        """1 − T2/(2 T1), the share of the decay that is not relaxation; 0 for infinite times."""
        with np.errstate(invalid="ignore"):
            share = 1 - self.T2 / (2 * self.T1)
        return np.where(np.isinf(self.T2), 0.0, np.maximum(share, 0.0))


def idle_channel(T1: ArrayLike = math.inf, T2: ArrayLike | None = None) -> IdleChannel:
    """Relaxation and dephasing alone: T1 and T2 in seconds, one for both qubits or (qubit 1, qubit 2).

    T2 is that of T1 where not given. Raises `InvalidRelaxationError` as the class does.
    """
    t1 = np.broadcast_to(np.asarray(T1, dtype=np.float64), (2,))
    t2 = 2 * t1 if T2 is None else np.broadcast_to(np.asarray(T2, dtype=np.float64), (2,))
    return IdleChannel(t1, t2, np.zeros(2), np.zeros(()))


def wait(components: NDArray[np.float64], t: ArrayLike, channel: IdleChannel) -> NDArray[np.float64]:
    """States in the Pauli basis, (16, n) as tr(ρ P⊗Q) with P, Q = 1, x, y, z and index 4·P + Q, after waits t.

    t in seconds, one for all or (n,); one state may wait many times, or each of many in a channel of its own. The input
    is left as it is.
    """
    time = np.asarray(t, dtype=np.float64)
    coherence = channel.coherence(time)
    (n,) = np.broadcast_shapes(components.shape[1:], coherence.shape[:-1], (1,))
    before = np.broadcast_to(components, (16, n)).reshape(4, 4, n)
    state = before.copy()
    for qubit, view in enumerate((state, state.swapaxes(0, 1))):
        decayed = -np.expm1(-time / channel.T1[..., qubit])
        view[1:3] *= coherence[..., qubit]
        view[3] += decayed * (view[0] - view[3])
    if channel.turns:
        _turn(state, before, coherence, time, channel)
    return state.reshape(16, -1)


def idled(rho: NDArray[np.complex128], t: ArrayLike, channel: IdleChannel) -> NDArray[np.complex128]:
    """Density matrices (n, 4, 4) after waits t in seconds, one for all or (n,)."""
    after = wait(components_of(rho), t, channel)
    return (after.T @ _PRODUCTS).reshape(-1, 4, 4) / 4


def components_of(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    """tr(ρ P⊗Q) of density matrices (n, 4, 4): (16, n), index 4·P + Q."""
    return np.ascontiguousarray((rho.reshape(-1, 16) @ _PRODUCTS.conj().T).real.T)


def _turn(
    state: NDArray[np.float64],
    before: NDArray[np.float64],
    coherence: NDArray[np.float64],
    t: NDArray[np.float64],
    channel: IdleChannel,
) -> None:
    """Put the components with an x or y in, (4, 4, n), decayed and turned, from those `before` the wait.

    With c_j the coherence of a qubit beside a neighbour in |j⟩, ω its detuning, ζ the coupling (both angular) and 1/T
    the neighbour's relaxation: d c_1/dt = (i(ω + ζ) − 1/T) c_1 and d c_0/dt = iω c_0 + c_1/T, beside the qubit's own
    decay. The coherences of both qubits at once, ρ03 and ρ12, are fed by nothing.
    """
    coupling = 2 * np.pi * channel.zz
    omega = 2 * np.pi * channel.detuning
    for qubit, (view, old) in enumerate(((state, before), (state.swapaxes(0, 1), before.swapaxes(0, 1)))):
        rate = 1 / channel.T1[..., 1 - qubit]
        plain, signed = (old[1, other] + 1j * old[2, other] for other in (0, 3))
        zero, one = (plain + signed) / 2, (plain - signed) / 2
        exponent = 1j * coupling - rate
        kept = np.exp(exponent * t)
        with np.errstate(invalid="ignore", divide="ignore"):
            fed = rate * np.where(exponent == 0, t, (kept - 1) / exponent)
        own = coherence[..., qubit] * np.exp(1j * omega[..., qubit] * t)
        zero, one = own * (zero + fed * one), own * kept * one
        for other, value in ((0, zero + one), (3, zero - one)):
            view[1, other], view[2, other] = value.real, value.imag
    decay = coherence[..., 0] * coherence[..., 1]
    even = (before[1, 1] - before[2, 2]) + 1j * (before[1, 2] + before[2, 1])
    odd = (before[1, 1] + before[2, 2]) + 1j * (before[2, 1] - before[1, 2])
    even = even * decay * np.exp(1j * (omega[..., 0] + omega[..., 1] + coupling) * t)
    odd = odd * decay * np.exp(1j * (omega[..., 0] - omega[..., 1]) * t)
    state[1, 1], state[2, 2] = (even + odd).real / 2, (odd - even).real / 2
    state[1, 2], state[2, 1] = (even - odd).imag / 2, (even + odd).imag / 2
