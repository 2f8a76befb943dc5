"""The machines of the stand-in: IBM's fake devices under names of their own, and Aer simulators with their noise.

What the API hands out is the fakes' own JSON; what runs the jobs is a simulator of the qubits a circuit uses, with the
noise of the fake, cut out here independently of the package under test.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from functools import cache
from pathlib import Path

# name on the platform → (the fakes' folder, their class)
DEVICES = {
    "ibm_loopback": ("manila", "FakeManilaV2"),
    "ibm_torino_like": ("torino", "FakeTorino"),
    "ibm_sherbrooke_like": ("sherbrooke", "FakeSherbrooke"),
    # by the names that the documentation's examples use
    "ibm_torino": ("torino", "FakeTorino"),
    "ibm_fez": ("fez", "FakeFez"),
}
OFFERED = ("ibm_loopback", "ibm_torino_like", "ibm_sherbrooke_like")
"""What the account has, unless its settings say otherwise."""


@cache
def configuration(name: str) -> dict:
    """The configuration the API gives for `name`."""
    return _document(name, "conf") | {"backend_name": name, "simulator": False, "local": False}


@cache
def properties(name: str) -> dict:
    """The properties the API gives for `name`."""
    return _document(name, "props") | {"backend_name": name}


@cache
def whole_target(name: str):
    """The `Target` of the whole device."""
    from qiskit_ibm_runtime import fake_provider

    return getattr(fake_provider, DEVICES[name][1])().target


@cache
def simulator(name: str, qubits: tuple[int, ...]):
    """An `AerSimulator` of some qubits of `name`, numbered 0, 1, … in the order given, with the device's noise."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    with warnings.catch_warnings():
        # several fakes publish T2 above 2·T1, which Aer clips
        warnings.filterwarnings("ignore", module="qiskit_aer.noise")
        noise_model = NoiseModel.from_backend(_described(_cut(whole_target(name), qubits)))
    return AerSimulator(
        noise_model=noise_model,
        method="density_matrix",
        # circuits of a few qubits: threads and fusion cost six times what they save
        max_parallel_threads=1,
        fusion_enable=False,
    )


def _document(name: str, kind: str) -> dict:
    # found, not imported: the server answers before the runtime package is loaded
    package = Path(importlib.util.find_spec("qiskit_ibm_runtime").origin).parent
    folder = DEVICES[name][0]
    return json.loads((package / "fake_provider" / "backends" / folder / f"{kind}_{folder}.json").read_text())


def _cut(whole, qubits):
    from qiskit.transpiler import Target

    place = {qubit: index for index, qubit in enumerate(qubits)}
    target = Target(
        num_qubits=len(qubits),
        dt=whole.dt,
        granularity=whole.granularity,
        qubit_properties=[whole.qubit_properties[qubit] for qubit in qubits],
    )
    for operation in whole.operation_names:
        where = {
            tuple(place[qubit] for qubit in ordered): facts
            for ordered, facts in (whole[operation] or {}).items()
            if ordered is not None and set(ordered) <= set(qubits)
        }
        if where:
            target.add_instruction(whole.operation_from_name(operation), where, name=operation)
    return target


def _described(target):
    """`target` as a backend object, from which Aer takes the noise."""
    from qiskit.providers import BackendV2, Options

    class Described(BackendV2):
        target = property(lambda self: target)
        max_circuits = None

        @classmethod
        def _default_options(cls):
            return Options()

        def run(self, run_input, **options):
            raise NotImplementedError

    return Described(name="cut")
