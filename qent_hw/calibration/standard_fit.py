"""Fits of the standard experiments: qiskit-experiments' own analyses, run without a word, and how good they are.

What is fitted are the curves of `decays`, by qiskit-experiments with an exponent of 1; where another is clearly better,
as for noise that is slow against a single wait, it is fitted along.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit_experiments.framework import BatchExperiment, ExperimentData
from scipy.optimize import curve_fit

from qent_hw.calibration.decays import HAHN, RAMSEY, RELAXATION, decay_curve
from qent_hw.calibration.record import Figure, Fit

WORST_CHI2_PER_DOF = 3.0
WORST_RELATIVE_ERROR = 0.3
CONTRASTS = (0.5, 1.2)
# what χ² must gain by an exponent other than 1; chance alone gains it once in 600 times
DECISIVE = 10.0
_EXPONENTS = (0.3, 4.0)
_NAMES = {"T1": RELAXATION, "T2Ramsey": RAMSEY, "T2Hahn": HAHN}
_FULL_AMPLITUDE = {RELAXATION: 1.0, RAMSEY: 0.5, HAHN: 0.5}
# of `decay_curve`, as qiskit-experiments calls them
_PARAMETERS = {"time_s": "tau", "amplitude": "amp", "base": "base", "frequency_hz": "freq", "phase_rad": "phi"}


@dataclass(frozen=True, eq=False)
class Decay:
    """A fitted decay: waits (n,) in seconds, shares (n,) of the outcome with one standard error, parameters of
    `decay_curve` as (value, standard error), χ² and its degrees of freedom."""

    waits: NDArray[np.float64]
    shares: NDArray[np.float64]
    spread: NDArray[np.float64]
    parameters: dict[str, tuple[float, float]]
    chi2: float
    dof: int


@dataclass(frozen=True, eq=False)
class Analysed:
    """What the analyses found: decays by name and qubit (0 or 1), without those that could not be fitted; and the
    mitigators of the readout experiments."""

    decays: Mapping[tuple[str, int], Decay]
    local: Any
    correlated: Any


def analyse_quietly(experiments: BatchExperiment, data: Sequence[Mapping[str, Any]]) -> Analysed:
    """Run the experiments' analyses on `data`, for each circuit its counts and metadata.

    Nothing is drawn, stored or printed, and no thread is left.
    """
    with _silence():
        held = ExperimentData(experiment=experiments)
        held.add_data(list(data))
        experiments.analysis.run(held).block_for_results()
        curves, summaries = (
            {(_NAMES[one.experiment], _qubit(one)): one.data for one in held.artifacts() if one.name == kind}
            for kind in ("curve_data", "fit_summary")
        )
        local, correlated = (
            held.analysis_results(f"{kind} Readout Mitigator", dataframe=True).value.iloc[0]
            for kind in ("Local", "Correlated")
        )
    decays = {place: _decay(curves[place], one) for place, one in summaries.items() if one.success}
    return Analysed(decays, local, correlated)


def decay_fit(name: str, decay: Decay | None, qubit: int, oscillation_hz: float) -> Fit:
    """The fit of a decay of the device's `qubit`, and whether it is good.

    It is bad where none was found, where χ² per degree of freedom is above `WORST_CHI2_PER_DOF`, where the error of the
    time is above `WORST_RELATIVE_ERROR` of it, and where the amplitude, in units of a perfect qubit's, is outside
    `CONTRASTS`. qiskit-experiments' own verdict is not taken: it calls a fit bad where a qubit is merely read badly.

    A wait turns the qubit as rz(2π · detuning · t) does: Ramsey's frequency is oscillation_hz + detuning.
    """
    if decay is None or not all(math.isfinite(value) for value, _ in decay.parameters.values()):
        return Fit(name=name, qubits=[qubit], good=False, remark="no fit was found")
    if name != RELAXATION:
        decay = _with_exponent(decay)
    figures = {key: _figure(*both) for key, both in decay.parameters.items()}
    time = figures.pop("time_s")
    figures = {"T1_s" if name == RELAXATION else "T2_s": time} | figures
    if name == RAMSEY:
        frequency = figures["frequency_hz"]
        figures["detuning_hz"] = Figure(value=frequency.value - oscillation_hz, error=frequency.error)
    chi2_per_dof = decay.chi2 / decay.dof
    remark = _remark(time, figures["amplitude"].value / _FULL_AMPLITUDE[name], chi2_per_dof)
    return Fit(name=name, qubits=[qubit], good=not remark, chi2_per_dof=chi2_per_dof, figures=figures, remark=remark)


def _figure(value: float, error: float) -> Figure:
    """Without an error where the fit could find none."""
    return Figure(value=value, error=error if math.isfinite(error) and error > 0 else None)


def _remark(time: Figure, contrast: float, chi2_per_dof: float) -> str:
    """What is wrong with a fit, or nothing."""
    if time.error is None:
        return "the data do not determine its parameters"
    if not time.error < WORST_RELATIVE_ERROR * time.value:
        return f"a time of {1e6 * time.value:.3g} ± {1e6 * time.error:.2g} µs is not determined"
    if chi2_per_dof > WORST_CHI2_PER_DOF:
        return f"χ² per degree of freedom is {chi2_per_dof:.2f}: the curve does not describe the data"
    if not CONTRASTS[0] < contrast < CONTRASTS[1]:
        return f"the contrast is {contrast:.2f}, where a good qubit has about 1"
    return ""


def _decay(curve: Any, summary: Any) -> Decay:
    found = summary.ufloat_params
    parameters = {
        ours: (float(found[theirs].nominal_value), float(found[theirs].std_dev))
        for ours, theirs in _PARAMETERS.items()
        if theirs in found
    }
    data = curve.filter(category="formatted")
    return Decay(data.x, data.y, data.y_err, parameters, float(summary.chisq), int(summary.dof))


def _with_exponent(decay: Decay) -> Decay:
    """The decay with its exponent fitted along, where that is clearly better."""
    names = [*decay.parameters, "exponent"]

    def model(wait_s: NDArray[np.float64], *values: float) -> NDArray[np.float64]:
        return decay_curve(wait_s, **dict(zip(names, values, strict=True)))

    lowest = {"time_s": 0.0, "exponent": _EXPONENTS[0]}
    highest = {"exponent": _EXPONENTS[1]}
    try:
        values, covariance = curve_fit(
            model,
            decay.waits,
            decay.shares,
            [*(value for value, _ in decay.parameters.values()), 1.0],
            sigma=decay.spread,
            absolute_sigma=True,
            bounds=(
                [lowest.get(name, -math.inf) for name in names],
                [highest.get(name, math.inf) for name in names],
            ),
            x_scale="jac",
        )
    except (RuntimeError, ValueError):
        return decay
    chi2 = float(np.sum(((model(decay.waits, *values) - decay.shares) / decay.spread) ** 2))
    if not chi2 < decay.chi2 - DECISIVE or not np.all(np.isfinite(covariance)):
        return decay
    pairs = zip(values.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True)
    return Decay(decay.waits, decay.shares, decay.spread, dict(zip(names, pairs, strict=True)), chi2, decay.dof - 1)


def _qubit(artifact: Any) -> int:
    return int(str(artifact.device_components[0]).removeprefix("Q"))


@contextmanager
def _silence() -> Iterator[None]:
    """Within it qiskit-experiments neither warns nor logs: what matters is in the fits."""
    logger = logging.getLogger("qiskit_experiments")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
