"""The figures of a device record: its fits over the data, the joint wait, and the dephasing strengths of a wait."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from qent_hw.calibration.decays import HAHN, RAMSEY, RELAXATION, curve_of, points_of
from qent_hw.calibration.joint import PROBES, JointData, expected
from qent_hw.calibration.joint_fit import NAME as JOINT
from qent_hw.calibration.record import DeviceRecord, Fit
from qent_hw.pages.picture import Picture
from qent_hw.pages.style import QUIET, TRUTH, WIDTH, finish, legend_above, new_figure, plain_style
from qent_hw.physics.idle import IdleChannel

BAD = "#b3261e"
# Okabe and Ito's: the first and the second qubit, and an axis that is neither's
_QUBITS = ("#0072b2", "#d55e00")
_AXES = {"x": ("#0072b2", "o"), "y": ("#d55e00", "s"), "z": ("#6a6a6a", "^")}
_DASHED = (0, (4, 2))
_SIGNS = np.array([[1, 1, -1, -1], [1, -1, 1, -1]])
# the delay figure ends where both qubits have dephased by so much
_FULL = 0.995


def draw_record(record: DeviceRecord) -> dict[str, Picture]:
    """The figures by name, in the page's order: `decays` and `joint` where the record was measured, and `strengths`.

    The same record gives the same bytes on the same versions.
    """
    measured = {row["experiment"] for row in record.counts}
    with plain_style():
        found = {}
        if measured & {RELAXATION, RAMSEY, HAHN}:
            found["decays"] = _draw_decays(record)
        if JOINT in measured:
            found["joint"] = _draw_joint(record)
        found["strengths"] = _draw_strengths(record)
    return found


def _draw_decays(record: DeviceRecord) -> Picture:
    """One row for each qubit, one column for each standard experiment."""
    figure = new_figure(WIDTH, 5.6)
    axes = figure.subplots(2, 3, squeeze=False)
    fits = {(fit.name, fit.qubits[0]): fit for fit in record.fits if len(fit.qubits) == 1}
    for row, qubit in enumerate(record.qubits):
        for column, name in enumerate((RELAXATION, RAMSEY, HAHN)):
            panel = axes[row, column]
            fit = fits.get((name, qubit)) or Fit(name=name, qubits=[qubit], good=False, remark="no fit was made")
            _decay(panel, record, fit, _QUBITS[row])
            bad = "" if fit.good else ": bad fit"
            panel.set_title(f"{name}, qubit {qubit}{bad}", color=BAD if bad else TRUTH)
            if row == 1:
                panel.set_xlabel("wait (µs)")
    handles = [
        Line2D([], [], color=QUIET, marker="o", markersize=3.5, linewidth=0.8, label="measured ± standard error"),
        Line2D([], [], color=TRUTH, linewidth=1.0, label="fit"),
    ]
    if not all(fit.good for fit in fits.values()):
        handles.append(Line2D([], [], color=BAD, linewidth=1.0, linestyle=_DASHED, label="bad fit"))
    legend_above(figure, handles)
    return finish(
        figure,
        "The standard experiments",
        "Shares of an outcome after a wait, readout errors left in. T1: both qubits excited. Ramsey and echo: one "
        "qubit at a time in superposition, its neighbour in |0⟩; Ramsey's is turned at a known frequency besides.",
        "Measured decays with error bars and fitted curves: "
        + "; ".join(f"{fit.name} of qubit {fit.qubits[0]} {'good' if fit.good else 'bad'}" for fit in fits.values()),
    )


def _decay(panel: Axes, record: DeviceRecord, fit: Fit, colour: str) -> None:
    points = points_of(fit, record.counts)
    panel.set_ylim(-0.04, 1.04)
    panel.set_ylabel(f"share of {'+' if fit.name == HAHN else '−'}")
    if points is None:
        return
    if fit.figures:
        grid = np.linspace(0, points.wait_s.max(), 400)
        look = {"color": TRUTH} if fit.good else {"color": BAD, "linestyle": _DASHED}
        panel.plot(1e6 * grid, curve_of(fit, grid), linewidth=1.0, **look)
    panel.errorbar(
        1e6 * points.wait_s, points.share, yerr=points.error, fmt="o", color=colour, markersize=3.0,
        markeredgewidth=0, elinewidth=0.8, zorder=3,
    )  # fmt: skip


def _draw_joint(record: DeviceRecord) -> Picture:
    """One column for each qubit in superposition, one row for each state of its neighbour."""
    data = _joint_data(record)
    fit = next((fit for fit in record.fits if fit.name == JOINT), None)
    good = fit is not None and fit.good
    contrast = [1.0, 1.0]
    if fit is not None:
        contrast = [fit.figures[f"contrast.{q}"].value if f"contrast.{q}" in fit.figures else 1.0 for q in (0, 1)]
    values, errors = averages(data, record.readout.matrix)
    grid = np.linspace(0, data.wait_s.max(), 500)
    figure = new_figure(WIDTH, 5.8)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for qubit in (0, 1):
        for neighbour in (0, 1):
            panel = axes[neighbour, qubit]
            prepared = f"+{neighbour}" if qubit == 0 else f"{neighbour}+"
            panel.axhline(0, color=QUIET, linewidth=0.5, zorder=0.5)
            for number, (state, measured) in enumerate(PROBES):
                if state != prepared:
                    continue
                rows = np.flatnonzero(data.probe == number)
                curves = _curves(record.idle.channel, grid, number, contrast)
                for side in (qubit, 1 - qubit):
                    # the neighbour is measured along z with either axis of the qubit: its curve is drawn once
                    axis = measured[side]
                    colour, marker = _AXES[axis]
                    if axis != "z" or "x" in measured:
                        panel.plot(1e6 * grid, curves[:, side], color=colour if good else BAD, linewidth=1.0)
                    panel.errorbar(
                        1e6 * data.wait_s[rows], values[rows, side], yerr=errors[rows, side], fmt=marker, color=colour,
                        markersize=3.2, markeredgewidth=0, elinewidth=0.8, zorder=3,
                    )  # fmt: skip
            panel.set_title(f"qubit {record.qubits[qubit]} beside qubit {record.qubits[1 - qubit]} in |{neighbour}⟩")
            panel.set_ylim(-1.12, 1.12)
            if neighbour == 1:
                panel.set_xlabel("wait τ of both (µs)")
            if qubit == 0:
                panel.set_ylabel("expectation value")
    names = {"x": "⟨x⟩ of the qubit", "y": "⟨y⟩ of the qubit", "z": "⟨z⟩ of its neighbour"}
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.0, label=names[axis])
        for axis, (colour, marker) in _AXES.items()
    ]
    if not good:
        handles.append(Line2D([], [], color=BAD, linewidth=1.0, label="bad fit"))
    legend_above(figure, handles)
    return finish(
        figure,
        "The joint idle",
        "A qubit prepared in |+⟩ beside its neighbour in |0⟩ or |1⟩; both wait together, without an echo. Points: "
        "measured, corrected for readout, ± standard error. Curves: one fit to everything. They turn with the "
        "detuning, and at another frequency beside |1⟩, which is the ZZ coupling.",
        "Averages of x and y of each qubit and of z of its neighbour against the wait, with the fitted curves",
    )


def _draw_strengths(record: DeviceRecord) -> Picture:
    """p1(τ) and p2(τ) with what their errors leave open, and the share of excitations that relax meanwhile."""
    channel = record.idle.channel
    grid = np.linspace(0, 6 * channel.T2.max(), 600)
    grid = np.linspace(0, grid[np.argmax(np.min(channel.strengths(grid), axis=0) >= _FULL)], 600)
    figure = new_figure(WIDTH, 3.6)
    dephasing, relaxing = figure.subplots(1, 2)
    for qubit, colour in enumerate(_QUBITS):
        low, high = (_shifted(record, sign).strengths(grid)[qubit] for sign in (1, -1))
        label = f"qubit {record.qubits[qubit]}"
        dephasing.fill_between(1e6 * grid, low, high, color=colour, alpha=0.25, linewidth=0)
        dephasing.plot(1e6 * grid, channel.strengths(grid)[qubit], color=colour, label=label)
        relaxing.plot(1e6 * grid, -np.expm1(-grid / channel.T1[qubit]), color=colour, label=label)
    for panel, title in ((dephasing, "dephasing strength p"), (relaxing, "share of the excitation that relaxes")):
        panel.set(xlabel="wait τ (µs)", ylabel=title, ylim=(-0.02, 1.04), xlim=(0, 1e6 * grid[-1]))
    legend_above(figure, dephasing.get_legend_handles_labels()[0])
    uncertain = any(one.error is not None for one in record.idle.T2_s)
    return finish(
        figure,
        "What a wait does",
        "Left: p1 and p2 against the wait" + (", shaded for one standard error of T2" if uncertain else "")
        + ". One wait gives the qubits different strengths unless they decay alike. Right: what T1 does meanwhile.",
        "Dephasing strengths of both qubits, and the relaxed share, against the wait",
    )  # fmt: skip


def _shifted(record: DeviceRecord, sign: int) -> IdleChannel:
    """The wait with both T2 one standard error longer or shorter, never above 2·T1."""
    idle = record.idle.channel
    errors = np.array([one.error or 0.0 for one in record.idle.T2_s])
    T2 = np.clip(idle.T2 + sign * errors, 1e-3 * idle.T2, 2 * idle.T1)
    return IdleChannel(idle.T1, T2, idle.detuning, idle.zz, idle.law)


def _joint_data(record: DeviceRecord) -> JointData:
    rows = [row for row in record.counts if row["experiment"] == JOINT]
    return JointData(
        np.array([row["delay_s"] for row in rows], dtype=np.float64),
        np.array([PROBES.index((row["prepared"], row["measured"])) for row in rows]),
        np.array([row["counts"] for row in rows]),
    )


def averages(data: JointData, assignment: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The averages of either qubit's outcomes, corrected for readout, with the standard errors of the shots: (n, 2)."""
    shots = data.counts.sum(axis=1, keepdims=True)
    # how much each outcome as read adds to either average
    weights = np.linalg.solve(assignment.T, _SIGNS.T)
    shares = data.counts / shots
    values = shares @ weights
    return values, np.sqrt(np.maximum(shares @ weights**2 - values**2, 2 / shots) / shots)


def _curves(idle: IdleChannel, wait_s: NDArray[np.float64], probe: int, contrast: list[float]) -> NDArray[np.float64]:
    """(n, 2) averages of either qubit that the fit expects of a probe after waits (n,)."""
    plan = JointData(wait_s, np.full(len(wait_s), probe), np.zeros((len(wait_s), 4), dtype=np.int64))
    curves: NDArray[np.float64] = expected(plan, idle, contrast) @ _SIGNS.T
    return curves
