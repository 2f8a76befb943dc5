"""Device records: measuring what two qubits do (or taking what a backend publishes), keeping it, and using it."""

from __future__ import annotations
