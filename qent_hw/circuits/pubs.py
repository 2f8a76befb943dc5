"""From states and settings to PUBs: one transpiled circuit, broadcast over everything that fits into one job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qent_hw.circuits.injection import (
    TWIRL_SIGNS,
    IdleError,
    check_parts,
    twirl_angles,
    with_delay,
    with_labelled_idle,
    without_delay,
)
from qent_hw.circuits.readout_twirl import FLIPS, flipped_angles, unflipped
from qent_hw.circuits.template import ANGLES, prepare_angles, rotate_angles
from qent_hw.errors import InputError


@dataclass(frozen=True)
class Pub:
    """One circuit with all the values it is to run with.

    Attributes
    ----------
    circuit
        the transpiled template, its idle slot filled in; parameters named as in `ANGLES`.
    values
        (n_states, n_settings, n_parts, 10) angles in radians, last axis as in `ANGLES`; the parts are the four sign
        pairs of a twirl, otherwise one, each of them four times where the readout is twirled.
    shots
        for each element, so that a setting gets `n_parts × shots`.
    states, settings
        (n_states,) and (n_settings,) which states and settings of the experiment these are.
    idle_error
        what a simulator is to add on the idle, if anything.
    readout_twirl
        whether the parts have reversed axes, see `readout_twirl`.
    """

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    shots: int
    states: NDArray[np.int64]
    settings: NDArray[np.int64]
    idle_error: IdleError | None = None
    readout_twirl: bool = False

    @property
    def n_rows(self) -> int:
        """Number of parameter sets: states × settings × parts."""
        return int(np.prod(self.values.shape[:-1]))

    @property
    def rows(self) -> NDArray[np.float64]:
        """(n_states · n_settings · n_parts, k) the values one after the other, columns as `circuit.parameters`."""
        columns = [ANGLES.index(parameter.name) for parameter in self.circuit.parameters]
        return self.values.reshape(-1, self.values.shape[-1])[:, columns]

    def add_parts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts (n_states, n_settings, 4) from those of each row, the parts added up."""
        parts = counts.reshape(*self.values.shape[:3], 4)
        return (unflipped(parts) if self.readout_twirl else parts).sum(axis=2)


def parts_of(injection: str, readout_twirl: bool) -> int:
    """In how many parts, of equally many shots, a setting is measured: sign pairs of a twirl, reversed axes."""
    return (len(TWIRL_SIGNS) if injection == "twirl" else 1) * (len(FLIPS) if readout_twirl else 1)


def build_pubs(
    isa: QuantumCircuit,
    psi: NDArray[np.complex128],
    settings: tuple[str, ...],
    shots: int,
    injection: str,
    *,
    channel: str = "dephasing",
    p: NDArray[np.float64] | None = None,
    delay_dt: NDArray[np.int64] | None = None,
    readout_twirl: bool = False,
) -> list[Pub]:
    """PUBs that measure every state in every setting, as few as the injection allows.

    Parameters
    ----------
    isa
        the transpiled template.
    psi
        (n, 4) prepared amplitudes, big-endian.
    shots
        per state and setting.
    injection
        ``twirl`` needs `p` (n,) and gives one PUB; ``noise-model`` needs `p` and gives one per distinct strength;
        ``idle`` needs `delay_dt` (n,) and gives one per distinct wait.
    readout_twirl
        measure every setting in four parts, see `readout_twirl`.

    Raises
    ------
    InputError
        for an injection without what it needs, and for shots that do not divide into the parts.
    """
    prepare, rotate = prepare_angles(psi), rotate_angles(settings)
    everything, all_settings = np.arange(len(psi)), np.arange(len(settings))
    n_parts = parts_of(injection, readout_twirl)
    check_parts(shots, n_parts)

    def pub(
        circuit: QuantumCircuit, rotate: NDArray[np.float64], group: NDArray[np.int64], error: IdleError | None = None
    ) -> Pub:
        angles = flipped_angles(rotate) if readout_twirl else rotate
        values = _join(prepare[group], angles)
        return Pub(circuit, values, shots // n_parts, group, all_settings, error, readout_twirl)

    plain = rotate[None, :, None, :]
    if injection == "twirl":
        if p is None or channel != "dephasing":
            raise InputError(f"injection twirl makes dephasing only, not {channel}; use noise-model")
        return [pub(without_delay(isa), twirl_angles(rotate, p), everything)]
    if injection == "noise-model" and p is not None:
        labelled = with_labelled_idle(isa)
        return [pub(labelled, plain, group, IdleError(channel, float(strength))) for strength, group in _groups(p)]
    if injection == "idle" and delay_dt is not None:
        return [pub(with_delay(isa, int(wait)), plain, group) for wait, group in _groups(delay_dt)]
    raise InputError(f"injection {injection!r} lacks its strengths or waits")


def _groups(keys: NDArray[Any]) -> list[tuple[float, NDArray[np.int64]]]:
    return [(key, np.flatnonzero(keys == key)) for key in np.unique(keys)]


def _join(prepare: NDArray[np.float64], rotate: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 6) and (1 or n, m, parts, 4) to (n, m, parts, 10): sampler PUBs do not broadcast these by themselves."""
    shape = (len(prepare), *rotate.shape[1:3])
    values = np.empty((*shape, len(ANGLES)))
    values[..., : prepare.shape[1]] = prepare[:, None, None, :]
    values[..., prepare.shape[1] :] = rotate
    return values
