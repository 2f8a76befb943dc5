"""Rows of backends: medians without the faulty, dates of the data, and what a status adds."""

from __future__ import annotations

import io
from statistics import median

import pytest
from qiskit_ibm_runtime.fake_provider import FakeKyoto, FakeManilaV2, FakeTorino
from qiskit_ibm_runtime.models import BackendStatus
from rich.console import Console

from qent_hw.errors import InputError
from qent_hw.hardware.listing import local_rows, row_of, table_of


def test_row_of_a_device_is_what_its_properties_say():
    backend = FakeManilaV2()
    row, properties = row_of(backend), backend.properties()
    assert (row.name, row.qubits, row.queue, row.note) == ("fake_manila", 5, None, "")
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert row.two_qubit_error == pytest.approx(median(properties.gate_error("cx", pair) for pair in pairs))
    assert row.readout_error == pytest.approx(median(properties.readout_error(qubit) for qubit in range(5)))
    assert row.calibrated == properties.last_update_date


def test_faulty_pairs_are_counted_and_kept_out_of_the_median():
    row = row_of(FakeTorino())
    assert row.note == "11 of 150 pairs faulty"
    assert 0.003 < row.two_qubit_error < 0.006
    broken = row_of(FakeKyoto())
    assert broken.two_qubit_error is None
    assert broken.note == "144 of 144 pairs faulty"


def test_a_status_gives_queue_and_availability():
    def status(operational, message):
        return BackendStatus("fake_manila", "1.0", operational, 7, message)

    assert row_of(FakeManilaV2(), status(True, "active")).queue == 7
    assert row_of(FakeManilaV2(), status(True, "active")).note == ""
    assert row_of(FakeManilaV2(), status(False, "maintenance")).note == "not available: maintenance"


def test_rows_come_by_the_names_asked_for():
    rows = list(local_rows(["aer", "aer:fake_manila", "fake_nighthawk"]))
    assert [row.name for row in rows] == ["aer", "aer:fake_manila", "fake_nighthawk"]
    assert [row.qubits for row in rows] == [2, 5, 120]
    assert "4 of 218 pairs faulty" in rows[2].note
    with pytest.raises(InputError, match="did you mean 'fake_manila'"):
        list(local_rows(["fake_manilla"]))


def test_table_fits_a_terminal():
    console = Console(file=io.StringIO(), width=80)
    console.print(table_of(local_rows(["aer", "fake_manila"])))
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert any("fake_manila" in line and "2024-05-27" in line for line in lines)
