"""Amplitudes of a parametrised two-qubit circuit for many parameter values at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import ParameterExpression
from qiskit.transpiler.exceptions import TranspilerError

from qent_hw.errors import InputError

Angle: TypeAlias = ParameterExpression | float

_BASIS = ["u", "rz", "ry", "cz"]


def elementary(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit in rotations of one qubit and CZ gates, the form that `amplitudes` takes.

    Raises
    ------
    InputError
        if it holds anything but unitary gates.
    """
    try:
        basic = transpile(circuit, basis_gates=_BASIS, optimization_level=1)
    except TranspilerError as error:
        raise InputError(f"circuit {circuit.name!r}: {' '.join(str(error).split())}") from None
    odd = [one.operation.name for one in basic.data if one.operation.name not in (*_BASIS, "barrier")]
    if odd:
        raise InputError(f"circuit {circuit.name!r}: {odd[0]!r} is no unitary gate; a preparation has gates only")
    return basic


def amplitudes(circuit: QuantumCircuit, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.complex128]:
    """The states that an `elementary` circuit makes from |00⟩.

    Parameters
    ----------
    circuit
        two qubits; circuit qubit 0 is the first (left) qubit.
    values
        one (n,) array for each of the circuit's parameters, by name.

    Returns
    -------
    (n, 4) complex128, big-endian (|00⟩ |01⟩ |10⟩ |11⟩), up to a global phase.
    """
    n = np.broadcast_shapes(*(np.shape(value) for value in values.values()), (1,))[0]
    # (first qubit, second qubit, n): each rotation then runs along contiguous rows
    psi = np.zeros((2, 2, n), dtype=np.complex128)
    psi[0, 0] = 1
    for instruction in circuit.data:
        name = instruction.operation.name
        if name == "barrier":
            continue
        if name == "cz":
            psi[1, 1] *= -1
            continue
        zero, one = psi if circuit.find_bit(instruction.qubits[0]).index == 0 else psi.swapaxes(0, 1)
        angles = instruction.operation.params
        # u(θ, φ, λ) is rz(λ), ry(θ), rz(φ) up to a phase
        turns = [("rz", angles[2]), ("ry", angles[0]), ("rz", angles[1])] if name == "u" else [(name, angles[0])]
        for axis, angle in turns:
            if axis == "rz":
                _turn_z(one, angle, values)
            else:
                _turn_y(zero, one, angle, values)
    return np.ascontiguousarray(psi.reshape(4, n).T)


def _turn_z(one: NDArray[np.complex128], angle: Angle, values: Mapping[str, NDArray[np.float64]]) -> None:
    phase = evaluate(angle, values, one.shape[-1])
    if phase.any():
        one *= np.exp(1j * phase)


def _turn_y(
    zero: NDArray[np.complex128],
    one: NDArray[np.complex128],
    angle: Angle,
    values: Mapping[str, NDArray[np.float64]],
) -> None:
    half = evaluate(angle, values, one.shape[-1]) / 2
    cosine, sine = np.cos(half), np.sin(half)
    zero[...], one[...] = cosine * zero - sine * one, sine * zero + cosine * one


def evaluate(expression: Angle, values: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
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
