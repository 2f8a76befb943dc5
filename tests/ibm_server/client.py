"""The small jobs that the stand-in's own tests submit."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.executor_sampler import Sampler

SAMPLERS = {"executor": Sampler, "sampler": SamplerV2}
VALUES = np.linspace(0, 3, 6).reshape(3, 2, 1)
SHOTS = 40


def circuit():
    """Two qubits in the basis of `ibm_loopback`, one parameter."""
    small = QuantumCircuit(5, 2)
    small.sx(0)
    small.rz(Parameter("a"), 0)
    small.sx(0)
    small.cx(0, 1)
    small.measure([0, 1], [0, 1])
    return small


def submit(machine, tag, program="executor", pubs=1, mode=None):
    """A job of equal PUBs of shape (3, 2)."""
    sampler = SAMPLERS[program](mode=mode or machine)
    sampler.options.environment.job_tags = [tag]
    return sampler.run([(circuit(), VALUES)] * pubs, shots=SHOTS)


def result_of(service, job):
    """The result as a client that only knows the id gets it."""
    return service.job(job.job_id()).result(timeout=30, poll_interval=0.1)
