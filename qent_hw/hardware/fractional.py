"""Fractional gates or not: IBM's newer devices also run rx(θ) as one pulse, which the usual gates make of two sx.

A backend is opened either with them or without (`use_fractional_gates`), so the two are compared as two devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qent_hw.circuits.template import transpile_template
from qent_hw.hardware.device import cut_device
from qent_hw.hardware.faults import pair_fault
from qent_hw.hardware.infidelity import circuit_error

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2


@dataclass(frozen=True)
class FractionalChoice:
    """Whether to use fractional gates, why (one line), and the estimated error of a circuit without and with them."""

    use: bool
    reason: str
    error_usual: float
    error_fractional: float


def choose_fractional(usual: BackendV2, fractional: BackendV2, qubits: tuple[int, int]) -> FractionalChoice:
    """Whether the template does better with fractional gates: by its estimated error on `qubits`, either way.

    Parameters
    ----------
    usual, fractional
        the same backend, opened without and with fractional gates.

    Raises
    ------
    InputError
        if the qubits cannot be used with the usual gates.

    Notes
    -----
    Half the pulses is half the rotations' error only if an rx(θ) is as good as an sx, which its published error tells.
    At equal errors the usual gates are taken: twirling and dynamical decoupling know them alone.
    """
    plain = cut_device(usual, qubits).target
    isa = transpile_template(plain)
    error_usual = circuit_error(isa, plain)
    if "rx" not in fractional.target.operation_names:
        return FractionalChoice(False, f"{usual.name} has no fractional gates", error_usual, error_usual)
    fault = pair_fault(fractional, qubits)
    if fault is not None:
        return FractionalChoice(False, f"fractional gates not used: {fault}", error_usual, 1.0)
    shorter = cut_device(fractional, qubits).target
    isa_fractional = transpile_template(shorter)
    error_fractional = circuit_error(isa_fractional, shorter)
    use = error_fractional < error_usual
    reason = (
        f"fractional gates {'used' if use else 'not used'}: by published errors a circuit goes wrong with "
        f"{100 * error_fractional:.3g}% with them ({_pulses(isa_fractional)}) and {100 * error_usual:.3g}% without "
        f"({_pulses(isa)})"
    )
    return FractionalChoice(use, reason, error_usual, error_fractional)


def _pulses(isa: QuantumCircuit) -> str:
    counts = isa.count_ops()
    return ", ".join(f"{counts[name]} {name}" for name in ("sx", "x", "rx", "rzz", "cz", "cx", "ecr") if name in counts)
