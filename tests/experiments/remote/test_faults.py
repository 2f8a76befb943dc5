"""Every fault of the service, with its real client: what is sent once stays once, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import BackendError, InputError
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.collecting import finish
from qent_hw.hardware.dispatch import raw_path
from qent_hw.hardware.ibm.faults import NoAccountError, ServiceError
from qent_hw.hardware.ibm.service import Patience, connect
from tests.experiments.remote.conftest import PATIENCE, RemoteRun

SUBMIT, RESULT, LIST, STATE = "POST /jobs", "GET /jobs/{id}/results", "GET /jobs", "GET /jobs/{id}"


def each_once(run, ibm):
    """Every planned job is done, by one job of the service that ran once; none other ran."""
    assert run.states == ["done"] * len(run.submission.jobs)
    assert sorted(job.job_id for job in run.jobs) == sorted(one["id"] for one in run.at_service(ibm))
    assert all(one["executions"] == 1 for one in run.at_service(ibm))


def test_without_faults_a_run_is_sent_and_collected(remote_run, ibm):
    remote_run.send()
    assert remote_run.states == ["sent", "sent"]
    assert remote_run.fetch()
    each_once(remote_run, ibm)
    finished = finish(remote_run.path)
    assert (finished.counts[["n_pp", "n_pm", "n_mp", "n_mm"]].sum(axis=1) == 64).all()
    assert {path.name for path in remote_run.path.iterdir()} >= {
        "runcard.toml", "provenance.json", "counts.parquet", "estimates.parquet", "comparison.json", "report.html",
        "figures", "ledger.sqlite", "circuits.qpy", "raw",
    }  # fmt: skip
    assert [one["id"] for one in finished.provenance["jobs"]] == [job.job_id for job in remote_run.jobs]


@pytest.mark.parametrize(
    "fault",
    [
        {"does": "reset"},
        {"does": "status", "status": 500},
        {"does": "status", "status": 503},
        {"does": "status", "status": 429},
        {"does": "status", "status": 429, "retry_after": 0.2},
    ],
    ids=["reset", "500", "503", "429", "429-retry-after"],
)
def test_a_fault_before_a_job_is_stored_costs_another_try(remote_run, ibm, fault):
    ibm.fault(SUBMIT, **fault)
    remote_run.send()
    remote_run.fetch()
    each_once(remote_run, ibm)


@pytest.mark.parametrize("does", ["reset", "cut"])
def test_a_connection_lost_after_a_job_was_stored_is_adopted_not_sent_again(remote_run, ibm, does):
    ibm.fault(SUBMIT, does, after=True)
    remote_run.send()
    assert remote_run.states == ["sent", "sent"]
    assert "found at the service" in remote_run.jobs[0].note
    remote_run.fetch()
    each_once(remote_run, ibm)


def test_what_the_clients_own_retries_stored_twice_is_cancelled_and_reported(remote_run, ibm):
    ibm.fate(queue_s=30)
    ibm.fault(SUBMIT, "status", status=503, after=True)
    remote_run.send()
    stored = remote_run.at_service(ibm)
    assert len(stored) == 3
    (duplicate,) = [entry for entry in remote_run.history if entry.what == "duplicate"]
    known = {job.job_id for job in remote_run.jobs}
    assert duplicate.job_id not in known
    assert known | {duplicate.job_id} == {one["id"] for one in stored}
    ibm.release()
    remote_run.fetch()
    ran = [one["id"] for one in remote_run.at_service(ibm) if one["executions"]]
    assert set(ran) - known <= {duplicate.job_id}
    assert remote_run.states == ["done", "done"]
    # looked at once more, it is not reported twice
    assert sum(entry.what == "duplicate" for entry in remote_run.history) == 1


def test_a_sending_whose_outcome_cannot_be_found_out_waits_for_the_next_call(remote_run, ibm):
    remote_run.service = connect(Patience(call_s=2, transfer_s=2, tries=1, backoff_s=0.05))
    ibm.fault(SUBMIT, "reset", after=True)
    # the listing before anything is sent is unharmed
    ibm.fault(LIST, "silence", times=None, skip=1)
    with pytest.raises(ServiceError, match="could not be listed: no answer within 2 s"):
        remote_run.send()
    assert remote_run.states == ["sending", "planned"]
    ibm.clear()
    remote_run.service = connect(PATIENCE)
    remote_run.fetch()
    each_once(remote_run, ibm)


def test_a_stalled_answer_is_given_up_and_the_job_found(ibm, tmp_path):
    run = RemoteRun(tmp_path / "run", jobs=1, patience=Patience(call_s=3, transfer_s=3, tries=2, backoff_s=0.05))
    ibm.fault(SUBMIT, "silence", after=True)
    run.send()
    assert run.states == ["sent"]
    ibm.clear()
    run.fetch()
    each_once(run, ibm)


def test_a_refused_token_stops_at_once_and_loses_nothing(remote_run, ibm):
    remote_run.send()
    ibm.fault("*", "status", status=401, times=None)
    with pytest.raises(ServiceError, match="refuses the account's token") as caught:
        remote_run.fetch()
    assert caught.value.exit_status == 3
    ibm.clear()
    remote_run.fetch()
    each_once(remote_run, ibm)


def test_a_rejected_job_is_not_sent_again(remote_run, ibm):
    ibm.fault(SUBMIT, "status", status=400)
    with pytest.raises(ServiceError, match=r"refuses it \(400\)"):
        remote_run.send()
    assert remote_run.states == ["failed", "planned"]
    assert remote_run.at_service(ibm) == []
    with pytest.raises(BackendError, match=r"job 0 is failed.*--again"):
        remote_run.fetch()
    remote_run.fetch(again=True)
    each_once(remote_run, ibm)


@pytest.mark.parametrize(
    "result", ["text", "null", "empty", "garbled", "fewer_pubs", "fewer_shots", "wrong_shape", "foreign"]
)
def test_a_spoilt_result_is_refused_and_fetched_again(remote_run, ibm, result):
    ibm.fate(result=result)
    remote_run.send()
    with pytest.raises(BackendError) as caught:
        remote_run.fetch(0)
    assert caught.value.exit_status == 3
    assert remote_run.jobs[0].state == "sent"
    assert not raw_path(remote_run.path / folders.RAW, 0).exists()


def test_results_spoilt_on_the_way_are_fetched_until_they_are_whole(remote_run, ibm):
    remote_run.send()
    ibm.fault(RESULT, "cut", times=1)
    ibm.fault(RESULT, "reset", times=1)
    ibm.fault(STATE, "status", status=500, times=2)
    remote_run.fetch()
    each_once(remote_run, ibm)


def test_an_interrupted_job_is_sent_again_up_to_a_limit(remote_run, ibm):
    ibm.fate(ends="Failed", reason="Job was interrupted", times=2)
    remote_run.send()
    remote_run.fetch()
    assert remote_run.states == ["done", "done"]
    assert sum(job.attempt for job in remote_run.jobs) == 4
    ran = [one for one in remote_run.at_service(ibm) if one["executions"]]
    assert sorted(one["id"] for one in ran) == sorted(job.job_id for job in remote_run.jobs)


def test_a_job_that_is_interrupted_each_time_is_given_up_after_three_attempts(ibm, tmp_path):
    run = RemoteRun(tmp_path / "run", jobs=1)
    ibm.fate(ends="Failed", reason="Job was interrupted", times=None)
    run.send()
    with pytest.raises(BackendError, match="job 0 is failed"):
        run.fetch()
    assert len(run.at_service(ibm)) == 3
    assert run.jobs[0].attempt == 3


def test_a_job_that_fails_for_good_is_sent_once(ibm, tmp_path):
    run = RemoteRun(tmp_path / "run", jobs=1)
    ibm.fate(ends="Failed", reason="The circuit is not valid", reason_code=1517)
    run.send()
    with pytest.raises(BackendError, match="circuit is not valid"):
        run.fetch()
    assert len(run.at_service(ibm)) == 1


def test_a_job_cancelled_at_the_service_is_said_and_can_be_sent_again(remote_run, ibm):
    ibm.fate(ends="Cancelled")
    remote_run.send()
    with pytest.raises(BackendError, match="is cancelled"):
        remote_run.fetch()
    assert sorted(remote_run.states) == ["cancelled", "done"]
    remote_run.fetch(again=True)
    assert remote_run.states == ["done", "done"]


def test_a_full_queue_is_waited_for(remote_run, ibm):
    ibm.fault(SUBMIT, "status", status=400, message="You have reached the limit of 3 pending jobs (3458)", skip=1)
    with pytest.raises(ServiceError, match="as many waiting jobs as its plan allows"):
        remote_run.send()
    assert remote_run.states == ["sent", "planned"]
    remote_run.fetch()
    each_once(remote_run, ibm)


def test_a_queue_that_takes_a_while(remote_run, ibm):
    ibm.fate(queue_polls=1, run_polls=1, times=None)
    remote_run.send()
    assert not remote_run.fetch(0)
    assert remote_run.states == ["sent", "sent"]
    assert remote_run.fetch()
    each_once(remote_run, ibm)


def test_a_lost_raw_result_is_fetched_again(remote_run, ibm):
    remote_run.send()
    remote_run.fetch()
    lost = raw_path(remote_run.path / folders.RAW, 1)
    before = remote_run.counts()
    lost.unlink()
    remote_run.fetch()
    np.testing.assert_array_equal(before, remote_run.counts())
    each_once(remote_run, ibm)


def test_an_account_without_backends_and_an_unknown_name(ibm):
    with pytest.raises(InputError, match="no backend of that name; it has: ibm_loopback"):
        connect(PATIENCE).backend("ibm_nowhere")
    ibm.settings(backends=[])
    with pytest.raises(InputError, match="it has: none at all"):
        connect(PATIENCE).backend("ibm_loopback")


def test_a_refused_token_is_not_taken_for_an_account_without_backends(ibm):
    """The client shows it as an empty list, whether the identity service refuses the key or the service the token."""
    ibm.fault("POST /identity/token", "status", status=400, times=None)
    with pytest.raises(ServiceError, match="refuses the account's token"):
        connect(PATIENCE)
    ibm.clear()
    ibm.fault("GET *", "status", status=401, times=None)
    with pytest.raises(ServiceError, match="refuses the account's token"):
        connect(PATIENCE).backend("ibm_loopback")


def test_the_least_busy_backend_is_the_one_with_the_shortest_queue(ibm):
    names = connect(PATIENCE).names()
    ibm.settings(queue_length={name: 5 - index for index, name in enumerate(names)})
    assert connect(PATIENCE).backend("ibm:least-busy").name == names[-1]


def test_no_account(monkeypatch, tmp_path):
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE", "QISKIT_IBM_URL", "QISKIT_IBM_CHANNEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoAccountError, match="no IBM account: save one") as caught:
        connect()
    assert caught.value.exit_status == 2


def test_a_run_that_was_only_planned_is_not_sent_by_collecting(remote_run, ibm):
    with pytest.raises(InputError, match="was planned and not sent"):
        remote_run.fetch()
    assert remote_run.at_service(ibm) == []


def test_faults_while_waiting_are_waited_out_and_told(remote_run, ibm):
    remote_run.send()
    ibm.fault(STATE, "status", status=429, times=PATIENCE.tries)
    told = []
    assert remote_run.fetch(waiting=told.append)
    each_once(remote_run, ibm)
    assert len(told) == 1
    assert "slow down (429)" in told[0]
