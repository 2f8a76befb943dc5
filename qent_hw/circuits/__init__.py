"""State preparations read from `circuits/*.qasm`, and the broadcast circuits that measure them.

`Family` and its loader are light; what builds circuits imports Qiskit and is loaded when first used.
"""

from __future__ import annotations

from qent_hw.circuits.family import Family, Parameter, load_family, shipped_families

__all__ = ["Family", "Parameter", "load_family", "shipped_families"]
