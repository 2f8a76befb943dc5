"""State families: OpenQASM 3 files whose header says what a person must know of them.

The circuit in `circuits/NAME.qasm` is the single source of the prepared state; the closed forms in `qent_hw.physics`
are an independent check of it. The header is made of comment lines::

    // family: special_four_basis
    // title: special 4-basis
    // state: cos(θ/2)|0⟩(…)
    // citation: arXiv:2410.21504v2, Eq. 14
    // parameter theta in [0, 2*pi]: mixing angle
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qent_hw import bench
from qent_hw.angles import angle
from qent_hw.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_FIELD = re.compile(r"//\s*(family|title|state|citation)\s*:\s*(.+)")
_PARAMETER = re.compile(r"//\s*parameter\s+(\w+)\s+in\s+\[([^,\]]+),([^\]]+)\]\s*:?\s*(.*)")
_INPUT = re.compile(r"^\s*input\s+\w+(?:\[\d+\])?\s+(\w+)\s*;", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family, drawn uniformly from [low, high] (radians) where states are random."""

    name: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Family:
    """A family of two-qubit pure states, prepared by one parametrised circuit."""

    name: str
    title: str
    state: str
    citation: str
    parameters: tuple[Parameter, ...]
    source: str

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The circuit as written, with Qiskit `Parameter`s; circuit qubit 0 is the first (left) qubit.

        Raises
        ------
        InputError
            if the text is not OpenQASM 3, or no unitary circuit of two qubits.
        """
        # a second's worth of parser, so only when a circuit is wanted (field-notes 8)
        from qiskit import qasm3

        try:
            circuit = qasm3.loads(self.source)
        except Exception as error:  # the parser lets antlr's, Python's and its own errors through
            raise InputError(f"family {self.name!r}: not readable as OpenQASM 3: {_one_line(error)}") from None
        if circuit.num_qubits != 2 or circuit.num_clbits:
            raise InputError(
                f"family {self.name!r}: {circuit.num_qubits} qubits and {circuit.num_clbits} bits; "
                "a preparation has two qubits and measures nothing"
            )
        return circuit

    def amplitudes(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.complex128]:
        """The prepared states, (n, 4) amplitudes of |00⟩ |01⟩ |10⟩ |11⟩, first qubit left, up to a global phase.

        Parameters
        ----------
        values
            one (n,) array in radians for each parameter of the family.
        """
        from qent_hw.circuits.statevector import amplitudes

        return amplitudes(self._elementary, values)

    @cached_property
    def _elementary(self) -> QuantumCircuit:
        from qent_hw.circuits.statevector import elementary

        return elementary(self.circuit)

    def draw(self, n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Parameters of `n` random states: each uniform on its range."""
        return {parameter.name: rng.uniform(parameter.low, parameter.high, n) for parameter in self.parameters}


def load_family(name: str) -> Family:
    """The family of that name in `circuits/`, or in the .qasm file at that path.

    Raises
    ------
    InputError
        if there is none, or its header lacks a field or disagrees with the circuit's `input` declarations.
    """
    path = bench.find("circuits", name, ".qasm")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"family {name!r}: {path} cannot be read: {_one_line(error)}") from None
    return _parse(source, path)


def shipped_families() -> tuple[str, ...]:
    """Names of the families in `circuits/`."""
    return tuple(sorted(path.stem for path in bench.folder("circuits").glob("*.qasm")))


def _parse(source: str, path: Path) -> Family:
    fields: dict[str, str] = {}
    parameters: list[Parameter] = []
    for line in source.splitlines():
        if found := _FIELD.match(line.strip()):
            fields[found[1]] = found[2].strip()
        elif found := _PARAMETER.match(line.strip()):
            low, high = angle(found[2].strip()), angle(found[3].strip())
            if not low < high:
                raise InputError(
                    f"{path}: parameter {found[1]}: range [{low:g}, {high:g}] is empty; low must be below high"
                )
            parameters.append(Parameter(found[1], low, high, found[4].strip()))
    fields.setdefault("family", path.stem)
    missing = [key for key in ("title", "state", "citation") if key not in fields]
    if missing:
        raise InputError(f"{path}: header line '// {missing[0]}: …' is missing")
    declared, described = set(_INPUT.findall(source)), {parameter.name for parameter in parameters}
    if declared != described:
        odd = sorted(declared ^ described)[0]
        where = "an input but has no '// parameter' line" if odd in declared else "a '// parameter' line but no input"
        raise InputError(
            f"{path}: {odd!r} is {where}; write '// parameter {odd} in [low, high]: meaning' for each input"
        )
    return Family(fields["family"], fields["title"], fields["state"], fields["citation"], tuple(parameters), source)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
