"""Amplitudes of a parametrised two-qubit circuit for many parameter values at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import ParameterExpression
from qiskit.transpiler.exceptions import TranspilerError

from qent_hw.errors import InputError

_BASIS = ["rz", "sx", "x", "cz"]
_FIXED = {
    "sx": np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
}


def amplitudes(circuit: QuantumCircuit, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.complex128]:
    """The states that `circuit` makes from |00⟩.

    Parameters
    ----------
    circuit
        two qubits, unitary gates only; circuit qubit 0 is the first (left) qubit.
    values
        one (n,) array for each of the circuit's parameters, by name.

    Returns
    -------
    (n, 4) complex128, big-endian (|00⟩ |01⟩ |10⟩ |11⟩), up to a global phase.
    """
    n = np.broadcast_shapes(*(np.shape(value) for value in values.values()), (1,))[0]
    try:
        basic = transpile(circuit, basis_gates=_BASIS, optimization_level=1)
    except TranspilerError as error:
        raise InputError(f"circuit {circuit.name!r}: {' '.join(str(error).split())}") from None
    psi = np.zeros((n, 2, 2), dtype=np.complex128)
    psi[:, 0, 0] = 1
    for instruction in basic.data:
        name = instruction.operation.name
        wires = [basic.find_bit(qubit).index for qubit in instruction.qubits]
        if name == "rz":
            half = evaluate(instruction.operation.params[0], values, n) / 2
            phases = np.exp(1j * np.stack([-half, half], axis=-1))
            psi *= phases[:, :, None] if wires[0] == 0 else phases[:, None, :]
        elif name == "cz":
            psi[:, 1, 1] *= -1
        elif name in _FIXED:
            psi = np.einsum("ij,njk->nik" if wires[0] == 0 else "ij,nkj->nki", _FIXED[name], psi)
        elif name != "barrier":
            raise InputError(f"circuit {circuit.name!r}: {name!r} is no unitary gate; a preparation has gates only")
    return psi.reshape(n, 4)


def evaluate(
    expression: ParameterExpression | float, values: Mapping[str, NDArray[np.float64]], n: int
) -> NDArray[np.float64]:
    """An angle of the circuit for each of `n` sets of parameter values, (n,) in radians."""
    if not isinstance(expression, ParameterExpression):
        return np.full(n, float(expression))
    parameters = list(expression.parameters)
    slopes = [expression.gradient(parameter) for parameter in parameters]
    if any(isinstance(slope, ParameterExpression) and slope.parameters for slope in slopes):
        columns = zip(*(np.broadcast_to(values[parameter.name], n) for parameter in parameters), strict=True)
        return np.array(
            [expression.bind(dict(zip(parameters, map(float, row), strict=True))).numeric() for row in columns]
        )
    # angles are affine in the parameters nearly always: a product instead of a binding per state
    total = np.full(n, float(expression.bind(dict.fromkeys(parameters, 0.0)).numeric()))
    for parameter, slope in zip(parameters, slopes, strict=True):
        total += float(slope.numeric() if isinstance(slope, ParameterExpression) else slope) * values[parameter.name]
    return total
