"""The account's backends as `backends --remote` lists them, from the stand-in through the real client."""

from __future__ import annotations

import datetime
import io
import sys

import pytest
from rich.console import Console

from qent_hw import cli
from qent_hw.errors import InputError
from qent_hw.hardware.ibm.faults import ServiceError
from qent_hw.hardware.ibm.service import Patience, connect
from qent_hw.hardware.listing import BackendRow, account_rows, local_rows, table_of

PATIENCE = Patience(call_s=20, tries=2, backoff_s=0.05)


def call(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["qent-hw", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    captured = capsys.readouterr()
    return stopped.value.code or 0, captured.out, captured.err


def test_available_backends_come_first_then_the_shortest_queue(ibm):
    ibm.settings(
        queue_length={"ibm_loopback": 7, "ibm_sherbrooke_like": 3},
        status={"ibm_torino_like": "maintenance"},
        state={"ibm_torino_like": False},
    )
    rows = list(account_rows(connect(PATIENCE)))
    assert [(row.name, row.queue) for row in rows] == [
        ("ibm_sherbrooke_like", 3),
        ("ibm_loopback", 7),
        ("ibm_torino_like", 0),
    ]
    assert rows[2].note == "not available: maintenance; 11 of 150 pairs faulty"


def test_errors_and_date_are_those_of_the_same_device_on_this_machine(ibm):
    (row,) = account_rows(connect(PATIENCE), ["ibm_loopback"])
    (fake,) = local_rows(["fake_manila"])
    assert (row.qubits, row.two_qubit_error, row.readout_error) == (5, fake.two_qubit_error, fake.readout_error)
    # a snapshot has the zone of whoever took it, where the API has UTC
    assert row.calibrated.astimezone(datetime.UTC).replace(tzinfo=None) == fake.calibrated.replace(tzinfo=None)
    with pytest.raises(InputError, match="it has: ibm_loopback, ibm_sherbrooke_like, ibm_torino_like"):
        list(account_rows(connect(PATIENCE), ["ibm_nowhere"]))


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (datetime.timedelta(seconds=-5), "0 min ago"),
        (datetime.timedelta(minutes=59, seconds=20), "59 min ago"),
        (datetime.timedelta(hours=3, minutes=40), "3 h ago"),
        (datetime.timedelta(hours=47), "47 h ago"),
        (datetime.timedelta(hours=49), "2 days ago"),
    ],
)
def test_age_of_a_calibration(age, shown):
    now = datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)
    local = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    row = BackendRow("ibm_one", 5, 0, 0.01, 0.02, (now - age).astimezone(local))
    console = Console(file=io.StringIO(), width=80)
    console.print(table_of([row], now))
    assert console.file.getvalue().splitlines()[-1].split(None, 5)[5].strip() == shown


@pytest.mark.parametrize(("request_number", "what"), [(1, "backend ibm_loopback"), (2, "the status of ibm_loopback")])
def test_properties_or_a_status_that_do_not_come_are_not_waited_for(ibm, request_number, what):
    # number 0 is the configuration
    ibm.fault("GET /backends/{name}/{what}", "silence", skip=request_number)
    with pytest.raises(ServiceError) as stopped:
        list(account_rows(connect(Patience(call_s=2, tries=1)), ["ibm_loopback"]))
    assert str(stopped.value) == f"{what} could not be read: no answer within 2 s"


def test_backends_command_lists_the_account(ibm, monkeypatch, capsys):
    status, out, err = call(monkeypatch, capsys, "backends", "--remote", "fake_manila")
    assert (status, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()[2:] if not line.startswith(" ")]
    assert names == ["fake_manila", "ibm_loopback", "ibm_sherbrooke_like", "ibm_torino_like"]
    assert "days ago" in out


def test_an_account_without_backends_is_bad_input(ibm):
    ibm.settings(backends=[])
    with pytest.raises(InputError, match="the account has no backend"):
        list(account_rows(connect(PATIENCE)))


def test_backends_command_without_an_account_says_so_in_one_line(ibm, monkeypatch, capsys):
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    status, out, err = call(monkeypatch, capsys, "backends", "--remote")
    assert (status, out) == (2, "")
    assert err == (
        "qent-hw: error: no IBM account: save one with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN and "
        "QISKIT_IBM_INSTANCE\n"
    )


def test_backends_command_with_a_refused_token_says_so_in_one_line(ibm, monkeypatch, capsys):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "no-key-of-this-account")
    status, out, err = call(monkeypatch, capsys, "backends", "--remote")
    assert (status, out) == (3, "")
    assert err.startswith("qent-hw: error: no access token: IBM refuses the account's token; ")
    assert err.count("\n") == 1
    assert "no-key-of-this-account" not in err


def test_backends_command_without_options_asks_nobody(ibm, monkeypatch, capsys):
    before = len(ibm.requests())
    status, out, _ = call(monkeypatch, capsys, "backends")
    assert status == 0
    assert "ibm" not in out
    assert len(ibm.requests()) == before
