"""Fitting the joint wait: an `IdleChannel` of either law to all circuits at once, and which law the data prefer.

The model's outcome probabilities, misread by the assignment matrix, are compared with the counts by Pearson's χ² (three
degrees of freedom a circuit), whose curvature at the best fit is the Fisher information of multinomial counts. The
misreadings are fitted along, held by the counts that measured them, so that what is not known of them is in the errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from qent_hw.calibration.joint import JointData, coherences, expected
from qent_hw.calibration.record import Figure, Fit, Idle, Readout, Time
from qent_hw.physics.idle import LAWS, IdleChannel, Law

NAME = "joint idle"
# Where the two laws fit within this Δχ² (odds of 20 to 1), the exponential one is taken.
DECISIVE = 6.0
WORST_CHI2_PER_DOF = 1.5
WORST_RELATIVE_ERROR = 0.3
_PARAMETERS = ("T1_1", "T1_2", "T2_1", "T2_2", "detuning_1", "detuning_2", "zz", "contrast_1", "contrast_2")
_PASSES = 3
# relative, of χ²: what is left to gain moves no parameter by more than a fiftieth of its error
_CLOSE = 1e-6
_FEWEST = 0.5
# of an assignment that is published, without counts
_EXACT = 10**9
_WRONG = [[row for row in range(4) if row != prepared] for prepared in range(4)]
# (12, 4, 4): what one misreading more does to the assignment, by column; columns go on summing to one
_CHANGES = np.array(
    [
        np.outer(np.eye(4)[row] - np.eye(4)[prepared], np.eye(4)[prepared])
        for prepared in range(4)
        for row in _WRONG[prepared]
    ]
)

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointFit:
    """One law fitted: the channel, one standard error for each entry of `_PARAMETERS`, the contrasts of the two qubits,
    χ² and its degrees of freedom."""

    idle: IdleChannel
    errors: Array
    contrast: tuple[float, float]
    chi2: float
    dof: int


def fit_joint_idle(data: JointData, readout: Readout, T1_guess: tuple[float, float]) -> tuple[Idle, Fit]:
    """What the pair does while waiting, by the law that fits better, and how good that fit is.

    The fit's qubits are 0 and 1: the caller puts the device's own numbers. T1_guess in seconds.
    """
    exponential, gaussian = (fit_law(data, readout, T1_guess, law) for law in LAWS)
    gain = exponential.chi2 - gaussian.chi2
    best = gaussian if gain > DECISIVE else exponential
    values, errors = best.idle, [float(one) for one in best.errors]
    T1 = [Time(value=float(t), error=e) for t, e in zip(values.T1, errors[0:2], strict=True)]
    T2 = [Time(value=float(t), error=e) for t, e in zip(values.T2, errors[2:4], strict=True)]
    detuning = [Figure(value=float(f), error=e) for f, e in zip(values.detuning, errors[4:6], strict=True)]
    zz = Figure(value=float(values.zz), error=errors[6])
    contrast = [Figure(value=c, error=e) for c, e in zip(best.contrast, errors[7:9], strict=True)]
    figures: dict[str, Figure] = {}
    for name, pair in (("T1_s", T1), ("T2_s", T2), ("detuning_hz", detuning), ("contrast", contrast)):
        figures |= {f"{name}.{qubit}": Figure(value=one.value, error=one.error) for qubit, one in enumerate(pair)}
    figures["zz_hz"] = zz
    remark = _remark(best, float(np.unique(data.wait_s)[1]))
    fit = Fit(
        name=NAME,
        qubits=[0, 1],
        good=not remark,
        chi2_per_dof=best.chi2 / best.dof,
        figures=figures,
        remark=remark,
    )
    return Idle(T1_s=T1, T2_s=T2, detuning_hz=detuning, zz_hz=zz, decay=values.law, evidence=_evidence(gain)), fit


def fit_law(data: JointData, readout: Readout, T1_guess: tuple[float, float], law: Law) -> JointFit:
    """The best `IdleChannel` of that law.

    T1, T2 / (2 T1) and frequencies are fitted in units of about one; T2 stays within 2 T1. Misreadings enter linearly:
    for each channel that is tried they are solved for. Errors are wider by √(χ² per degree of freedom) where that is
    above one.
    """
    shots = data.counts.sum(axis=1, keepdims=True)
    start, unit = _start(data, readout.matrix, T1_guess)
    held = _holding(readout)
    wanted = np.concatenate([data.counts.ravel(), np.zeros(len(held))])

    def channel(x: Array) -> IdleChannel:
        T1 = np.exp(x[0:2])
        return IdleChannel(T1, 2 * T1 * x[2:4], x[4:6] * unit, np.array(x[6] * unit), law)

    def residuals(x: Array, spread: Array) -> Array:
        unread = shots * expected(data, channel(x), (x[7], x[8]))
        plain = np.concatenate([(unread @ readout.matrix.T).ravel(), np.zeros(len(held))])
        changed = np.concatenate([np.einsum("np,kmp->nmk", unread, _CHANGES).reshape(-1, len(held)), held])
        left, changed = (wanted - plain) / spread, changed / spread[:, None]
        found: Array = left - changed @ np.linalg.solve(changed.T @ changed, changed.T @ left)
        return found

    low = np.array([-np.inf] * 2 + [1e-3] * 2 + [-np.inf] * 3 + [0.2] * 2)
    high = np.array([np.inf] * 2 + [1.0] * 2 + [np.inf] * 3 + [1.1] * 2)
    x, spread = start, np.append(np.sqrt(data.counts + _FEWEST), np.ones(len(held)))
    for _ in range(_PASSES):
        found = least_squares(residuals, x, bounds=(low, high), x_scale="jac", ftol=_CLOSE, args=(spread,))
        x = found.x
        # the variance is that of the model: that of the counts themselves would pull towards low counts
        modelled = (wanted - found.fun * spread)[: data.counts.size]
        spread[: data.counts.size] = np.sqrt(np.maximum(modelled, _FEWEST))
    chi2, dof = float(np.sum(residuals(x, spread) ** 2)), 3 * len(data.counts) - len(_PARAMETERS)
    covariance = _in_units(np.linalg.pinv(found.jac.T @ found.jac), x, unit)
    # a wait that is not quite of this law scatters more than shots do, and its parameters are less sure by as much
    errors = np.sqrt(np.diag(covariance) * max(1.0, chi2 / dof))
    return JointFit(channel(x), errors, (float(x[7]), float(x[8])), chi2, dof)


def _holding(readout: Readout) -> Array:
    """(12, 12): what makes the amounts of `_CHANGES` normal deviates, by the multinomial errors of each column."""
    held = np.zeros((12, 12))
    shots = readout.shots or _EXACT
    for prepared in range(4):
        # Laplace's rule, so that a misreading that was never seen is not known for certain
        shares = (shots * readout.matrix[_WRONG[prepared], prepared] + _FEWEST) / (shots + 2)
        block = slice(3 * prepared, 3 * prepared + 3)
        held[block, block] = np.linalg.cholesky(np.linalg.inv((np.diag(shares) - np.outer(shares, shares)) / shots)).T
    return held


def _start(data: JointData, assignment: Array, T1: tuple[float, float]) -> tuple[Array, float]:
    """Where the fit begins, and its unit of frequency in Hz.

    Detunings are where the coherences, turned back, add up most; ZZ likewise for both qubits together.
    """
    found = coherences(data, assignment)
    waits = found[0, 0][0]
    longest, shortest = waits.max(), np.min(np.diff(np.unique(waits)))
    trial = np.arange(-0.5 / shortest, 0.5 / shortest, 0.1 / longest)

    def sums(qubit: int, neighbour: int, shift: float) -> Array:
        times, values = found[qubit, neighbour]
        turned: Array = (np.exp(-2j * np.pi * np.outer(trial + shift, times)) @ values).real
        return turned

    detuning = [float(trial[np.argmax(sums(qubit, 0, 0.0))]) for qubit in (0, 1)]
    zz = float(trial[np.argmax(sums(0, 1, detuning[0]) + sums(1, 1, detuning[1]))])
    shares = []
    for qubit in (0, 1):
        times, values = found[qubit, 0]
        size = np.clip(np.abs(values), 1e-3, None)
        decayed = times[np.argmin(np.abs(size - size[0] / np.e))]
        shares.append(float(np.clip(max(decayed, shortest) / (2 * T1[qubit]), 0.02, 0.95)))
    unit = 1 / longest
    return np.array([*np.log(T1), *shares, *(np.array([*detuning, zz]) / unit), 0.98, 0.98]), unit


def _in_units(covariance: Array, x: Array, unit: float) -> Array:
    """The covariance of `_PARAMETERS` in seconds and Hz, from that of what was fitted."""
    turn = np.diag([1.0, 1, 1, 1, unit, unit, unit, 1, 1])
    for qubit in (0, 1):
        T1 = np.exp(x[qubit])
        turn[qubit, qubit] = T1
        turn[2 + qubit, 2 + qubit] = 2 * T1
        turn[2 + qubit, qubit] = 2 * T1 * x[2 + qubit]
    return turn @ covariance @ turn.T


def _evidence(gain: float) -> str:
    better, worse = ("gaussian", "exponential") if gain > 0 else ("exponential", "gaussian")
    told = f"{better} fits better than {worse}, χ² lower by {abs(gain):.1f}"
    return told if abs(gain) > DECISIVE else f"{told}: not decided, taken as exponential"


def _remark(fit: JointFit, shortest: float) -> str:
    """What is wrong with it, or nothing; shortest: of the waits, in seconds."""
    if fit.chi2 / fit.dof > WORST_CHI2_PER_DOF:
        return f"χ² per degree of freedom is {fit.chi2 / fit.dof:.2f}: neither law describes this wait"
    if fit.idle.T2.min() < shortest / 3:
        return f"coherence is gone within the shortest wait, {shortest:.3g} s: T2 is not determined"
    times = np.concatenate([fit.idle.T1, fit.idle.T2])
    for name, value, error in zip(_PARAMETERS, times, fit.errors, strict=False):
        if not error < WORST_RELATIVE_ERROR * value:
            return f"{name} = {value:.3g} ± {error:.2g} s is not determined"
    return ""
