"""States that several test modules share. Qubit 1, the left factor, is Qiskit's qubit 1 (and qubit 2 its qubit 0)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qent_hw.physics import density, dephase, dirichlet_spectrum, general_four_basis, random_mixed, special_four_basis

Array = NDArray[np.complex128]


@pytest.fixture(scope="session")
def mixed() -> Array:
    """300 random mixed states of full rank, broad and narrow spectra, and 100 of rank three and two."""
    return np.concatenate(
        [
            random_mixed(200, dirichlet_spectrum(0.88), 1),
            random_mixed(100, dirichlet_spectrum(0.3), 2),
            random_mixed(50, [0.7, 0.2, 0.1, 0.0], 3),
            random_mixed(50, [0.8, 0.2, 0.0, 0.0], 4),
        ]
    )


@pytest.fixture(scope="session")
def special() -> Array:
    """300 special 4-basis states dephased by uniform strengths."""
    rng = np.random.default_rng(5)
    theta, phi = rng.uniform(0, 2 * np.pi, (2, 300))
    return dephase(density(special_four_basis(theta, phi)), rng.uniform(size=300))


@pytest.fixture(scope="session")
def pure() -> Array:
    """Amplitudes (300, 4) of general 4-basis states."""
    return general_four_basis(*np.random.default_rng(6).uniform(0, 2 * np.pi, (6, 300)))
