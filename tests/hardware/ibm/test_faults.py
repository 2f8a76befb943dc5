"""What an exception of the client means, as the client really nests them."""

from __future__ import annotations

import datetime
import email.utils

import pytest
import requests
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError, IBMRuntimeError

from qent_hw.errors import InputError
from qent_hw.hardware.ibm.deadline import within
from qent_hw.hardware.ibm.faults import ServiceError, can_be_sent_again, fault_of
from qent_hw.hardware.ibm.service import Patience

TOKEN = "secret-of-a-user-0123456789"


def as_submitting_raises(status, headers=None, text="said"):
    """`_run` hides the answer's status: RequestsApiError from the HTTP error, IBMRuntimeError from None."""
    response = requests.Response()
    response.status_code, response.headers = status, requests.structures.CaseInsensitiveDict(headers or {})
    try:
        try:
            try:
                raise requests.HTTPError(f"{status} Client Error", response=response)
            except requests.RequestException as error:
                raise RequestsApiError(f"{status} Client Error: {text}", status) from error
        except RequestsApiError as error:
            raise IBMRuntimeError(f"Failed to run program: {error}") from None
    except IBMRuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "kind", "again", "answered"),
    [
        (as_submitting_raises(401), "account", False, True),
        (IBMNotAuthorizedError("401 Client Error"), "account", False, True),
        (as_submitting_raises(400), "rejected", False, True),
        (as_submitting_raises(404), "rejected", False, True),
        (as_submitting_raises(429), "slow", True, True),
        (
            as_submitting_raises(400, text="You have reached the limit of 3 pending jobs, code: 3458"),
            "full",
            False,
            True,
        ),
        (as_submitting_raises(500), "disturbed", True, False),
        (RequestsApiError("Unexpected response … 503 Server Error"), "disturbed", True, False),
        (RequestsApiError("('Connection aborted.', ConnectionResetError(104))"), "disturbed", True, False),
        (ValueError("Expecting value: line 1 column 1"), "disturbed", True, False),
        (IBMInputValueError("job_tags needs to be a list"), "rejected", False, True),
    ],
)
def test_kinds(error, kind, again, answered):
    fault = fault_of(error, "the job could not be sent")
    assert (fault.kind, fault.again, fault.answered) == (kind, again, answered)
    assert fault.message.startswith("the job could not be sent: ")
    assert "\n" not in fault.message


def test_the_service_says_how_long_to_wait():
    assert fault_of(as_submitting_raises(429, {"Retry-After": "7"}), "x").wait_s == 7
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    dated = fault_of(as_submitting_raises(503, {"Retry-After": email.utils.format_datetime(soon)}), "x").wait_s
    assert 50 < dated <= 60
    assert fault_of(as_submitting_raises(429), "x").wait_s is None


def test_no_token_is_in_a_message(monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", TOKEN)
    said = fault_of(RequestsApiError(f"apikey={TOKEN} Authorization: Bearer eyJhbGci.abc", 400), "x").message
    assert TOKEN not in said
    assert "eyJhbGci" not in said


def test_no_call_waits_for_ever():
    import threading

    never = threading.Event()
    with pytest.raises(ServiceError, match=r"no answer within 0\.05 s") as caught:
        within(0.05, "asking", never.wait)
    never.set()
    assert caught.value.fault.kind == "disturbed"
    assert caught.value.exit_status == 3
    assert within(5, "asking", lambda: 3) == 3


def test_pauses_double_with_jitter_and_obey_the_service():
    patience = Patience(backoff_s=1.0, longest_wait_s=60)
    for attempt in (1, 2, 3, 4):
        assert 2 ** (attempt - 1) <= patience.pause(attempt, None) <= 2 * 2 ** (attempt - 1)
    assert patience.pause(1, 12.0) == 12.0
    assert patience.pause(1, 3600.0) == 60
    assert patience.pause(30, None) == 60


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", "nan"])
def test_a_wrong_time_limit_is_refused(monkeypatch, text):
    monkeypatch.setenv("QENT_HW_TIMEOUT_S", text)
    with pytest.raises(InputError, match="QENT_HW_TIMEOUT_S"):
        Patience.from_environment()


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        ("Job was interrupted", True),
        ("Internal Error. -- Please try again", True),
        ("The system was temporarily unavailable", True),
        ("Circuit 0 is not valid: instruction not supported", False),
        ("Usage limit exceeded", False),
    ],
)
def test_which_failed_jobs_are_worth_another_attempt(reason, again):
    assert can_be_sent_again(reason) is again
