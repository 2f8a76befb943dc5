"""The plan of an experiment: its states, what is injected into each, and the exact state that results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qent_hw.circuits import Family, load_family
from qent_hw.circuits.injection import delay_for
from qent_hw.circuits.template import timing_grid
from qent_hw.errors import InputError
from qent_hw.experiments.runcard import Points, Runcard
from qent_hw.hardware.device import Device
from qent_hw.simulation import idled_states, noisy_states


@dataclass(frozen=True)
class Plan:
    """What is to be prepared and injected, state by state (n of them).

    Attributes
    ----------
    parameters
        the family's parameters, (n,) radians each.
    psi
        (n, 4) prepared amplitudes, big-endian.
    p
        (n,) strengths asked for; None where waits were given in seconds.
    delay_dt, tau_s
        (n,) waits of an idle injection, on the device's timing grid and in seconds; otherwise None.
    p1, p2
        (n,) dephasing strength of each qubit that really results.
    truth
        (n, 4, 4) exact states after what was injected; device gate and readout errors are not part of it.
    """

    family: Family
    parameters: dict[str, NDArray[np.float64]]
    psi: NDArray[np.complex128]
    p: NDArray[np.float64] | None
    delay_dt: NDArray[np.int64] | None
    tau_s: NDArray[np.float64] | None
    p1: NDArray[np.float64]
    p2: NDArray[np.float64]
    truth: NDArray[np.complex128]

    @property
    def strength_columns(self) -> dict[str, NDArray[np.float64]]:
        """What was injected, as columns: `p`, or `tau_s` with the resulting `p1` and `p2`."""
        if self.tau_s is not None:
            return {"tau_s": self.tau_s, "p1": self.p1, "p2": self.p2}
        return {"p": self.p1}


def make_plan(runcard: Runcard, device: Device, seed: np.random.SeedSequence) -> Plan:
    """The plan of `runcard` on `device`.

    Raises
    ------
    InputError
        if a point names a parameter that the family has not, or lacks one.
    """
    family = load_family(runcard.family)
    waits = runcard.injection.waits()
    strengths = np.array(runcard.channel.strengths() if waits is None else waits)
    parameters, index = _states(runcard, family, len(strengths), seed)
    psi = family.amplitudes(parameters)
    if runcard.injection.kind != "idle":
        p = strengths[index]
        return Plan(family, parameters, psi, p, None, None, p, p, noisy_states(psi, runcard.channel.kind, p))
    grid, dt, idle = timing_grid(device.target), device.target.dt, device.idle
    if waits is None:
        delays = delay_for(strengths, idle, dt, grid)
    else:
        delays = (np.rint(strengths / dt / grid) * grid).astype(np.int64)
    delay_dt = delays[index]
    tau_s = delay_dt * dt
    p1, p2 = idle.strengths(tau_s)
    asked = strengths[index] if waits is None else None
    return Plan(family, parameters, psi, asked, delay_dt, tau_s, p1, p2, idled_states(psi, tau_s, idle))


def _states(
    runcard: Runcard, family: Family, n_strengths: int, seed: np.random.SeedSequence
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """The parameters of all states, and which strength each gets."""
    names = [parameter.name for parameter in family.parameters]
    if isinstance(runcard.states, Points):
        for number, point in enumerate(runcard.states.points):
            for odd in sorted(set(point) ^ set(names)):
                problem = "is no parameter of" if odd in point else "is missing; it is a parameter of"
                raise InputError(f"states.points.{number}: {odd} {problem} {family.name} ({', '.join(names)})")
        points = {name: np.array([point[name] for point in runcard.states.points]) for name in names}
        repeated = {name: np.repeat(values, n_strengths) for name, values in points.items()}
        return repeated, np.tile(np.arange(n_strengths), len(runcard.states.points))
    for_parameters, for_strengths = (np.random.default_rng(child) for child in seed.spawn(2))
    n = runcard.states.n
    return family.draw(n, for_parameters), for_strengths.permutation(np.arange(n) % n_strengths)
