"""Names, pairs and times of backends."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit_ibm_runtime.fake_provider import FakeManilaV2, FakeTorino

from qent_hw.errors import InputError
from qent_hw.hardware import local_backends, resolve_backend
from qent_hw.hardware.device import cut_device
from qent_hw.hardware.faults import coupled_pairs


def test_names_cover_aer_and_the_fakes_by_both_routes():
    names = local_backends()
    assert {"aer", "fake_manila", "fake_torino", "aer:fake_torino"} <= set(names)
    assert len(names) > 100


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("fake_manilla", "did you mean 'fake_manila'"),
        ("aer:fake_manilla", "did you mean 'aer:fake_manila'"),
        ("ear", "did you mean 'aer'"),
        ("gpu:fake_manila", "is not known"),
        ("ibm_torino", "takes jobs; use qent-hw submit"),
    ],
)
def test_unknown_names_get_the_nearest(name, complaint):
    with pytest.raises(InputError, match=complaint):
        resolve_backend(name)


@pytest.mark.parametrize(
    ("qubits", "complaint"),
    [((0, 4), "coupled to 1"), ((0, 0), "no two-qubit gate"), ((0, 9), "qubits 0 to 4"), ((-1, 0), "qubits 0 to 4")],
)
def test_pairs_that_cannot_be_are_refused(qubits, complaint):
    with pytest.raises(InputError, match=complaint):
        resolve_backend("fake_manila", qubits=qubits)


def test_pair_keeps_the_devices_numbers_in_the_order_asked():
    device = cut_device(FakeManilaV2(), (3, 2))
    whole = FakeManilaV2().target
    assert (whole.qubit_properties[3].t1, whole.qubit_properties[2].t1) == tuple(device.idle.T1)
    for place, qubit in enumerate((3, 2)):
        assert device.target["measure"][(place,)].error == whole["measure"][(qubit,)].error
        assert device.target["sx"][(place,)].error == whole["sx"][(qubit,)].error
    assert device.target["cx"][(0, 1)].error == whole["cx"][(3, 2)].error
    assert (device.target.dt, device.target.granularity) == (whole.dt, whole.granularity)


def test_published_T2_above_twice_T1_is_clipped_and_said():
    """26 fakes have such qubits (field-notes 13)."""
    backend = FakeTorino()
    properties = backend.target.qubit_properties
    pair = next(
        pair
        for pair in coupled_pairs(backend.target)
        if any(properties[qubit].t2 > 2 * properties[qubit].t1 for qubit in pair)
    )
    device = cut_device(backend, pair)
    assert all(t2 <= 2 * t1 for t1, t2 in zip(device.idle.T1, device.idle.T2, strict=True))
    assert "above 2·T1" in device.facts["clipped"][0]


def test_relaxation_times_belong_to_the_ideal_simulator():
    device = resolve_backend("aer", T1=(1e-4, 2e-4), T2=(5e-5, 6e-5)).device
    assert (device.idle.T1.tolist(), device.idle.T2.tolist()) == ([1e-4, 2e-4], [5e-5, 6e-5])
    assert np.isinf(resolve_backend("aer").device.idle.T1).all()
    with pytest.raises(InputError, match="T1_s and T2_s"):
        resolve_backend("fake_manila", T1=(1e-4, 2e-4), T2=(5e-5, 6e-5))
