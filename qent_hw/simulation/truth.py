"""Ground truth: the exact two-qubit states that an experiment injects its noise into, and what comes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw.physics import IdleChannel, density, dephase, depolarize, idled


def noisy_states(psi: NDArray[np.complex128], channel: str, p: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The prepared states after `channel` ("dephasing", Eq. 4–6, or "depolarizing", Eq. 13) of strength p.

    Parameters
    ----------
    psi
        (n, 4) amplitudes, big-endian.
    p
        (n,) strengths in [0, 1], the same on both qubits.

    Returns
    -------
    (n, 4, 4) density matrices.
    """
    act = dephase if channel == "dephasing" else depolarize
    return act(density(psi), p)


def idled_states(psi: NDArray[np.complex128], tau_s: NDArray[np.float64], idle: IdleChannel) -> NDArray[np.complex128]:
    """The prepared states after both qubits waited τ: relaxation, dephasing and phases together.

    A wait is never pure dephasing (field-notes 1), so the truth of an idle run has all of them.

    Parameters
    ----------
    psi
        (n, 4) amplitudes, big-endian.
    tau_s
        (n,) waits in seconds.
    idle
        what the qubits do meanwhile.

    Returns
    -------
    (n, 4, 4) density matrices.
    """
    return idled(density(psi), tau_s, idle)
