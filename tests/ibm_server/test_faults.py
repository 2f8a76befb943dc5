"""What the real client makes of jobs that end badly, of spoilt results, and of a network that does not deliver."""

from __future__ import annotations

import threading
import time
import warnings

import pytest
from qiskit.primitives import PrimitiveResult
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
    RuntimeJobTimeoutError,
)

from tests.ibm_server.client import SHOTS, result_of, submit
from tests.ibm_server.jobs import SPOILT

pytestmark = pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated")


# jobs that take their time, or end badly


def test_a_job_waits_and_a_cancelled_one_never_runs(service, machine, ibm, tag):
    ibm.fate(queue_s=1e6, times=2)
    cancelled, waiting = submit(machine, tag), submit(machine, tag)
    assert (cancelled.status(), waiting.status()) == ("QUEUED", "QUEUED")
    with pytest.raises(RuntimeJobTimeoutError):
        waiting.result(timeout=0.1, poll_interval=0.1)
    cancelled.cancel()
    ibm.release()
    waiting.result(poll_interval=0.1)
    assert service.job(cancelled.job_id()).status() == "CANCELLED"
    assert [job["executions"] for job in ibm.jobs(tag)] == [0, 1]
    with pytest.raises(RuntimeInvalidStateError, match="was cancelled"):
        cancelled.result()
    with pytest.raises(RuntimeInvalidStateError, match="terminal state"):
        service.job(waiting.job_id()).cancel()


def test_a_job_moves_on_after_so_many_polls(machine, ibm, tag):
    ibm.fate(queue_polls=2, run_polls=3)
    job = submit(machine, tag)
    seen = []
    while "DONE" not in seen:
        seen.append(job.status())
        time.sleep(0.02)
    assert seen.count("QUEUED") >= 2
    assert seen.count("RUNNING") >= 3


def test_a_machine_that_is_off_runs_nothing(machine, ibm, tag):
    ibm.settings(state={"ibm_loopback": False})
    job = submit(machine, tag)
    time.sleep(0.1)
    assert job.status() == "QUEUED"
    ibm.settings(state={})
    job.result(poll_interval=0.1)


def failed(reason, code):
    return {"ends": "Failed", "reason": reason, "reason_code": code}


@pytest.mark.parametrize(
    ("fate", "status", "error", "says"),
    [
        (failed("The job was interrupted.", 1500), "ERROR", RuntimeJobFailureError, "code 1500; The job was"),
        (failed("Ran too long.", 1305), "ERROR", RuntimeJobMaxTimeoutError, "Ran too long"),
        ({"ends": "Cancelled"}, "CANCELLED", RuntimeInvalidStateError, "was cancelled"),
    ],
)
def test_jobs_that_end_badly(service, machine, ibm, tag, fate, status, error, says):
    ibm.fate(**fate)
    job = submit(machine, tag)
    with pytest.raises(error, match=says):
        job.result(poll_interval=0.1)
    assert service.job(job.job_id()).status() == status
    assert ibm.jobs(tag)[0]["executions"] == 0


# results that are not what was asked for

RAISED = {
    "text": (TypeError, "string indices"),
    "null": (TypeError, "NoneType"),
    "garbled": (TypeError, "string indices"),
    "fewer_pubs": (ValueError, "does not match number of pubs"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_spoilt_results_of_the_executor(service, machine, ibm, tag, kind):
    """Whole failures raise what no caller expects; what is only too little, or another's, comes back in silence."""
    ibm.fate(result=kind)
    job = submit(machine, tag, pubs=2)
    if kind in RAISED:
        error, says = RAISED[kind]
        with pytest.raises(error, match=says):
            result_of(service, job)
    else:
        assert shapes(result_of(service, job)) == DELIVERED[kind]


@pytest.mark.parametrize("kind", SPOILT)
def test_spoilt_results_of_the_legacy_sampler_all_pass_in_silence(service, machine, ibm, tag, kind):
    ibm.fate(result=kind)
    assert shapes(result_of(service, submit(machine, tag, "sampler", pubs=2))) == DELIVERED[kind]


DELIVERED = {
    "text": "The result is too large to be shown.",
    "null": None,
    "empty": None,
    "garbled": '{"__type__": "Primit',
    "fewer_pubs": [("c", (3, 2, SHOTS, 1))],
    "fewer_shots": [("c", (3, 2, SHOTS // 2, 1))] * 2,
    "wrong_shape": [("c", (2, 2, SHOTS, 1))] * 2,
    "foreign": [("meas", (SHOTS, 1))] * 2,
}


def shapes(result):
    if isinstance(result, PrimitiveResult):
        return [(name, bits.array.shape) for pub in result for name, bits in pub.data.items()]
    return result[:20] if isinstance(result, str) and result.startswith("{") else result


# a network that does not deliver


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        ({"status": 429}, IBMRuntimeError, 0),
        ({"status": 429, "retry_after": 1}, IBMRuntimeError, 0),
        ({"status": 401}, IBMNotAuthorizedError, 0),
        ({"status": 400}, IBMRuntimeError, 0),
        ({"does": "reset"}, IBMRuntimeError, 0),
        ({"does": "reset", "after": True}, IBMRuntimeError, 1),
        ({"does": "cut"}, IBMRuntimeError, 1),
        ({"status": 503}, None, 1),
        ({"status": 500, "after": True}, None, 2),
    ],
)
def test_submitting_through_faults(service, machine, ibm, tag, fault, error, stored):
    """The client repeats a POST after 5xx alone; whether a job was stored shows only in a search for its tag."""
    ibm.fault("POST /jobs", **fault)
    if error is None:
        submit(machine, tag)
    else:
        with pytest.raises(error):
            submit(machine, tag)
    found = service.jobs(job_tags=[tag], limit=None)
    assert len(found) == len(ibm.jobs(tag)) == stored
    for job in found:
        job.result(poll_interval=0.1)
    assert [job["executions"] for job in ibm.jobs(tag)] == [1] * stored


@pytest.mark.parametrize(
    ("fault", "error", "asked"),
    [
        ({"status": 429}, RequestsApiError, 1),
        ({"status": 429, "retry_after": 0}, None, 2),
        ({"status": 401}, IBMNotAuthorizedError, 1),
        ({"status": 500}, None, 2),
        ({"does": "reset"}, None, 2),
        ({"does": "cut"}, RequestsApiError, 1),
    ],
)
def test_asking_through_faults(service, ibm, fault, error, asked):
    """A GET is repeated after 5xx, resets and 429 with Retry-After; not after a body that breaks off."""
    before = len(ibm.requests("GET /jobs"))
    ibm.fault("GET /jobs", **fault)
    if error is None:
        service.jobs(job_tags=["none"])
    else:
        with pytest.raises(error):
            service.jobs(job_tags=["none"])
    assert len(ibm.requests("GET /jobs")) == before + asked


@pytest.mark.parametrize("does", ["silence", "half"])
def test_a_request_without_an_answer_lasts_for_ever(service, machine, ibm, tag, does):
    """`result(timeout=…)` does not bound it. Once the connection goes, a GET is repeated if no answer had begun."""
    job = submit(machine, tag)
    job.wait_for_final_state(poll_interval=0.1)
    ibm.fault("GET /jobs/{id}/results", does=does)
    results = []

    def read():
        try:
            results.append(job.result(timeout=0.1))
        except RequestsApiError as error:
            results.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(0.5)
    assert reader.is_alive()
    ibm.clear()
    reader.join(30)
    assert isinstance(results[0], PrimitiveResult if does == "silence" else RequestsApiError)


def test_an_account_without_machines(ibm):
    offered = ibm.settings()["backends"]
    ibm.settings(backends=[])
    service = QiskitRuntimeService()
    assert service.backends() == []
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("ibm_loopback")
    ibm.settings(backends=offered)
    assert service.backend("ibm_loopback")


@pytest.mark.parametrize("endpoint", ["POST /identity/token", "GET /backends"])
def test_a_key_that_is_refused_shows_only_as_an_account_without_machines(ibm, endpoint):
    ibm.fault(endpoint, status=401, times=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # asking for its backends again would wait a minute first where the token was refused
        QiskitRuntimeService()
    assert ibm.requests("GET /backends")[-1]["outcome"] == 401
    told = any("Unable to retrieve IBM Cloud access token" in str(one.message) for one in caught)
    assert told == (endpoint == "POST /identity/token")


def test_unknown_jobs_and_faults_are_said_to_be_unknown(service, ibm):
    with pytest.raises(RuntimeJobNotFound):
        service.job("d0000000000000000000")
    with pytest.raises(ValueError, match="unexpected keyword"):
        ibm.fault("POST /jobs", when="after")
    with pytest.raises(ValueError, match="no attribute 'limit'"):
        ibm.settings(limit=3)
