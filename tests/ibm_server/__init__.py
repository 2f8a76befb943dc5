"""A stand-in for IBM Quantum on the loopback, spoken to by the real, unmodified `qiskit_ibm_runtime` client.

`serve` runs it in this process, `spawn` as a process of its own (``python -m tests.ibm_server``); both give a `Handle`,
through which a test arranges faults, looks at what was stored and run, and gets the client's environment.
"""

from tests.ibm_server.handle import Handle, environment, serve, spawn
from tests.ibm_server.routes import INSTANCE, TOKEN

__all__ = ["INSTANCE", "TOKEN", "Handle", "environment", "serve", "spawn"]
