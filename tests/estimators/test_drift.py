"""A device's parameters drawn anew for each training state: their moments, their bounds, and that labels and features
mean the same draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.circuits import load_family
from qent_hw.circuits.injection import delay_for
from qent_hw.errors import InputError
from qent_hw.estimators.data import labelled_states
from qent_hw.estimators.device_states import DeviceStates
from qent_hw.estimators.drift import Spread, draw_idle, draw_readout, even_spread
from qent_hw.estimators.sources import draw_parameters
from qent_hw.experiments.training_device import spread_of, training_device_of
from qent_hw.hardware.backends import resolve_backend
from qent_hw.hardware.device import ideal_device
from qent_hw.physics import FEATURES, IdleChannel, density, idled
from tests.calibration.records import ASSIGNMENT, DETUNING, T1, T2, ZZ, a_record, content

N = 40_000
# standard errors; a bound of 6 on fewer than 200 figures is a false alarm of 4e-7
SIX = 6.0
IDLE = IdleChannel(T1, T2, DETUNING, np.array(ZZ))
NONE = even_spread(0.0)


def rng(number):
    return np.random.default_rng(np.random.SeedSequence(17).spawn(number + 1)[number])


def assert_normal(values, mean, deviation):
    """Mean and standard deviation of N draws along the first axis, each within `SIX` standard errors."""
    assert np.all(np.abs(values.mean(axis=0) - mean) < SIX * deviation / np.sqrt(N))
    assert np.all(np.abs(values.std(axis=0) / deviation - 1) < SIX / np.sqrt(2 * N))


def test_times_are_log_normal_and_frequencies_normal_around_the_device():
    spread = Spread(np.array([0.05, 0.1]), np.array([0.08, 0.04]), np.array([50.0, 200.0]), 30.0, np.zeros((4, 4)))
    drawn = draw_idle(IDLE, spread, N, rng(0))
    assert drawn.law == "exponential"
    assert (drawn.T1.shape, drawn.T2.shape, drawn.detuning.shape, drawn.zz.shape) == ((N, 2), (N, 2), (N, 2), (N,))
    assert_normal(np.log(drawn.T1), np.log(T1), spread.T1)
    # 2·T1 is far above T2 here: no draw is cut off
    assert_normal(np.log(drawn.T2), np.log(T2), spread.T2)
    assert_normal(drawn.detuning, DETUNING, spread.detuning)
    assert_normal(drawn.zz, ZZ, spread.zz)
    # each of them by itself
    every = np.column_stack([np.log(drawn.T1), np.log(drawn.T2), drawn.detuning, drawn.zz])
    correlation = np.corrcoef(every.T) - np.eye(7)
    assert np.abs(correlation).max() < SIX / np.sqrt(N)


@pytest.mark.parametrize("law", ["exponential", "gaussian"])
def test_T2_never_passes_twice_T1(law):
    near = IdleChannel(T1, 1.95 * T1, DETUNING, np.array(ZZ), law)
    drawn = draw_idle(near, even_spread(0.3), N, rng(1))
    assert drawn.law == law
    cut = drawn.T2 == 2 * drawn.T1
    assert np.all(drawn.T2 <= 2 * drawn.T1)
    # log(T2/T1) is above log 2 for Φ(−log(2/1.95) / (0.3·√2)) = 0.4762 of them
    assert np.all(np.abs(cut.mean(axis=0) - 0.4762) < SIX * 0.5 / np.sqrt(N) + 1e-4)


def test_misreadings_are_log_normal_and_columns_sum_to_one():
    relative = np.arange(16).reshape(4, 4) / 100 + 0.02
    drawn = draw_readout(ASSIGNMENT, replace(NONE, misreading=relative), N, rng(2))
    assert drawn.shape == (N, 4, 4)
    np.testing.assert_allclose(drawn.sum(axis=1), 1, atol=1e-12)
    assert drawn.min() >= 0
    wrong = ~np.eye(4, dtype=bool)
    assert_normal(np.log(drawn[:, wrong]), np.log(ASSIGNMENT[wrong]), relative[wrong])
    # what a column's misreadings take is missing from what is read right
    right = drawn[:, range(4), range(4)]
    np.testing.assert_allclose(right, 1 - np.where(wrong, drawn, 0).sum(axis=1))


def test_no_column_comes_to_be_wrong_more_often_than_right():
    poor = np.array([[0.7, 0.1, 0.1, 0.3], [0.1, 0.7, 0.1, 0], [0.1, 0.1, 0.7, 0], [0.1, 0.1, 0.1, 0.7]])
    drawn = draw_readout(poor, even_spread(1.0), N, rng(3))
    np.testing.assert_allclose(drawn.sum(axis=1), 1, atol=1e-12)
    right = drawn[:, range(4), range(4)]
    assert right.min() == pytest.approx(0.5)
    # what is never misread so, never is
    assert not drawn[:, 1, 3].any()


@pytest.mark.parametrize("assignment", [ASSIGNMENT, np.eye(4), ASSIGNMENT[::-1]], ids=["usual", "perfect", "reversed"])
def test_without_a_spread_the_device_comes_out_exactly(assignment):
    drawn = draw_idle(IDLE, NONE, 5, rng(4))
    for ours, theirs in ((drawn.T1, T1), (drawn.T2, T2), (drawn.detuning, DETUNING), (drawn.zz, ZZ)):
        np.testing.assert_array_equal(ours, np.broadcast_to(theirs, ours.shape))
    np.testing.assert_allclose(draw_readout(assignment, NONE, 5, rng(5)), [assignment] * 5, atol=1e-15)


@pytest.mark.parametrize("injection", ["idle", "noise-model", "twirl"])
def test_states_without_a_spread_are_those_of_the_device(injection):
    """The draws of a spread come after those of the states, which stay the same."""
    backend = resolve_backend("aer:fake_manila", qubits=(3, 4))
    plain = training_device_of(backend.device, "fake_manila", injection)
    for device in (plain, replace(plain, spread=NONE)):
        states = DeviceStates(load_family("special_four_basis"), device).draw("dephasing", 200, rng(6))
        if device is plain:
            known = states
    np.testing.assert_array_equal(states.truth, known.truth)
    np.testing.assert_allclose(states.features(FEATURES), known.features(FEATURES), atol=1e-13)


def spread_in(device, **changes):
    return replace(device, spread=replace(NONE, **changes))


def test_labels_and_features_mean_the_same_draw():
    """Perfect gates and readout: with T1 and T2 spread widely, what is measured is still the state that is labelled."""
    perfect = training_device_of(ideal_device(tuple(T1), tuple(T2)), "perfect", "idle")
    device = spread_in(perfect, T1=np.full(2, 0.4), T2=np.full(2, 0.2))
    family = load_family("special_four_basis")
    drawn = DeviceStates(family, device).draw("dephasing", 2000, rng(7))
    np.testing.assert_allclose(drawn.features(FEATURES), physics.features(drawn.truth), atol=1e-12)
    # and is not the state of the device without a spread
    usual = DeviceStates(family, perfect).draw("dephasing", 2000, rng(7))
    assert np.abs(drawn.truth - usual.truth).max() > 0.05


def test_a_spread_of_T1_alone_shows_in_the_populations_as_it_should():
    """A zz setting, and so the labelled populations, by the draws themselves; waits stay those of the usual device."""
    device = spread_in(
        training_device_of(ideal_device(tuple(T1), tuple(T2)), "perfect", "idle"), T1=np.array([0.0, 0.3])
    )
    family, n = load_family("special_four_basis"), 500
    drawn = DeviceStates(family, device).draw("dephasing", n, rng(8))
    again = rng(8)
    values, p = draw_parameters(family, n, again)
    draw_readout(np.eye(4), device.spread, n, again)
    idle = draw_idle(device.template.errors.idle, device.spread, n, again)
    waits = delay_for(p, device.template.errors.idle, device.template.errors.dt, device.timing_grid) * 1e-9
    assert np.all(idle.T1[:, 0] == T1[0])
    truth = idled(density(family.amplitudes(values)), waits, idle)
    np.testing.assert_allclose(drawn.truth, truth, atol=1e-12)
    populations = np.real(np.diagonal(truth, axis1=1, axis2=2))
    np.testing.assert_allclose(drawn.probabilities(["zz"])[:, 0, 0], populations, atol=1e-12)


def test_every_state_is_misread_in_its_own_way():
    """Outcomes are those before the readout, misread by each state's own draw; labels know nothing of it."""
    backend = resolve_backend("aer:fake_manila", qubits=(3, 4))
    device = spread_in(
        training_device_of(backend.device, "fake_manila", "noise-model", record=a_record()),
        misreading=np.full((4, 4), 0.5),
    )
    source = DeviceStates(load_family("two_basis"), device)
    drawn = source.draw("dephasing", 300, rng(9))
    again = rng(9)
    draw_parameters(source.family, 300, again)
    own = draw_readout(ASSIGNMENT, device.spread, 300, again)
    shared = DeviceStates(source.family, replace(device, spread=None)).draw("dephasing", 300, rng(9))
    np.testing.assert_array_equal(drawn.truth, shared.truth)
    before = shared.probabilities(["xa"])[:, 0, 0] @ np.linalg.inv(ASSIGNMENT).T
    np.testing.assert_allclose(drawn.probabilities(["xa"])[:, 0, 0], np.einsum("nij,nj->ni", own, before), atol=1e-9)


def test_a_records_uncertainties_and_the_drift_add_in_quadrature():
    record = a_record()
    spread = spread_of(record, 0.1)
    np.testing.assert_allclose(spread.T1, np.hypot(0.1, 0.02))
    np.testing.assert_allclose(spread.T2, np.hypot(0.1, 0.03))
    np.testing.assert_allclose(spread.detuning, [40, 40])
    assert spread.zz == 50
    errors = np.sqrt(ASSIGNMENT * (1 - ASSIGNMENT) / 4096) / ASSIGNMENT
    wrong = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(spread.misreading[wrong], np.hypot(0.1, errors)[wrong])
    # what is published has no errors: the drift alone
    readout, idle = content()["readout"] | {"errors": None}, content()["idle"]
    for figure in (*idle["T1_s"], *idle["T2_s"], *idle["detuning_hz"], idle["zz_hz"]):
        figure["error"] = None
    published = spread_of(a_record(readout=readout, idle=idle), 0.1)
    for name in ("T1", "T2", "detuning", "zz", "misreading"):
        np.testing.assert_array_equal(getattr(published, name), getattr(even_spread(0.1), name))


def test_a_device_has_a_spread_where_it_has_a_record_or_a_drift():
    device = resolve_backend("aer:fake_manila", qubits=(3, 4)).device
    assert training_device_of(device, "fake_manila", "idle").spread is None
    drifting = training_device_of(device, "fake_manila", "idle", drift=0.2)
    np.testing.assert_allclose(drifting.spread.T1, 0.2)
    assert drifting.facts["drift"] == 0.2
    recorded = training_device_of(device, "fake_manila", "idle", record=a_record())
    np.testing.assert_allclose(recorded.spread.T1, 0.02)
    np.testing.assert_array_equal(recorded.template.errors.readout, ASSIGNMENT)
    np.testing.assert_array_equal(recorded.template.errors.idle.T1, T1)
    for drift in (-0.1, 1.5, np.nan):
        with pytest.raises(InputError, match="a relative spread between 0 and 1"):
            training_device_of(device, "fake_manila", "idle", drift=drift)


def test_a_spread_is_in_the_training_data_and_follows_from_the_seed():
    device = resolve_backend("aer:fake_manila", qubits=(3, 4)).device
    source = DeviceStates(
        load_family("special_four_basis"), training_device_of(device, "fake_manila", "idle", drift=0.3)
    )
    first, again = (labelled_states(source, "dephasing", FEATURES, 300, 11, 500) for _ in range(2))
    np.testing.assert_array_equal(first.features, again.features)
    plain = replace(source, device=replace(source.device, spread=None))
    assert np.mean(labelled_states(plain, "dephasing", FEATURES, 300, 11).concurrence != first.concurrence) > 0.3
