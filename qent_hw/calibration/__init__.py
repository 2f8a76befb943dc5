"""Device records: what was measured of a backend's qubits. Nothing is measured here yet; runs use published values."""
