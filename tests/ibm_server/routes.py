"""The API's endpoints, with the paths, fields and codes that `qiskit_ibm_runtime.api` of 0.51 uses."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.ibm_server.devices import DEVICES, configuration, properties
from tests.ibm_server.jobs import FINAL, Job
from tests.ibm_server.messages import Reply, Request, Route, error
from tests.ibm_server.state import Platform

# recognisable, so that a test can look for it where it must not be
TOKEN = "loopback-key-that-must-not-be-written-anywhere"
INSTANCE = "crn:v1:bluemix:public:quantum-computing:us-east:a/loopback:instance::"
DEFAULT_PAGE, LARGEST_PAGE = 200, 200


def issue_token(platform: Platform, request: Request) -> Reply:
    if request.body.get("apikey") != TOKEN:
        return Reply(400, {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."})
    now = int(time.time())
    parts = [{"alg": "RS256", "typ": "JWT"}, {"sub": "loopback", "iat": now, "exp": now + 3600}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    token = ".".join([*encoded, "loopback"])
    return Reply(body={"access_token": token, "token_type": "Bearer", "expires_in": 3600, "expiration": now + 3600})


def show_usage(platform: Platform, request: Request) -> Reply:
    settings = platform.settings
    usage: dict[str, Any] = {
        "instance_id": INSTANCE,
        "plan_id": "loopback",
        "usage_consumed_seconds": settings.consumed_s,
        "usage_period": {"start_time": "2025-01-01T00:00:00Z", "end_time": "2025-01-29T00:00:00Z"},
    }
    if settings.limit_s is not None:
        usage["usage_limit_seconds"] = settings.limit_s
        usage["usage_limit_reached"] = settings.consumed_s >= settings.limit_s
    return Reply(body=usage)


def list_backends(platform: Platform, request: Request) -> Reply:
    settings = platform.settings
    return Reply(
        body={
            "devices": [
                {
                    "name": name,
                    "status": {"name": "online" if settings.state.get(name, True) else "offline"},
                    "qubits": configuration(name)["n_qubits"],
                    "physical_qubits": configuration(name)["n_qubits"],
                    "queue_length": settings.queue_length.get(name, 0),
                    "processor_type": configuration(name)["processor_type"],
                }
                for name in settings.backends
            ]
        }
    )


def show_backend(platform: Platform, request: Request) -> Reply:
    name, settings = request.path["name"], platform.settings
    if name not in DEVICES:
        return error(404, 1216, f"Backend {name} not found")
    if request.path["what"] == "configuration":
        return Reply(body=configuration(name))
    if request.path["what"] == "properties":
        return Reply(body=properties(name))
    return Reply(
        body={
            "state": settings.state.get(name, True),
            "status": settings.status.get(name, "active"),
            "message": "",
            "length_queue": settings.queue_length.get(name, 0),
            "backend_version": configuration(name)["backend_version"],
        }
    )


def store_job(platform: Platform, request: Request) -> Reply:
    if request.body.get("program_id") not in ("sampler", "executor"):
        return error(404, 1211, f"Program {request.body.get('program_id')} not found")
    if request.body.get("backend") not in DEVICES:
        return error(400, 1216, f"Backend {request.body.get('backend')} not found")
    session = platform.sessions.get(request.body.get("session_id"))
    if request.body.get("session_id") and not (session and session["accepting_jobs"]):
        return error(400, 1217, "The session is closed")
    job = platform.store(request.body)
    return Reply(body={"id": job.id, "backend": job.backend})


def list_jobs(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        jobs = [job for job in platform.jobs.values() if _wanted(job, request)]
    if request.one("sort") != "ASC":
        jobs.reverse()
    start = int(request.one("offset", "0"))
    size = min(int(request.one("limit", str(DEFAULT_PAGE))), LARGEST_PAGE)
    page = jobs[start : start + size]
    return Reply(body={"jobs": [_job_facts(job) for job in page], "count": len(jobs), "limit": size, "offset": start})


def show_job(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    with platform.changed:
        facts = _job_facts(job)
        platform.told(job)
    if request.one("exclude_params") != "true" and not job.private:
        facts["params"] = job.params
    return Reply(body=facts)


def show_results(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    if job.status == "Failed":
        return Reply(body=job.reason or "")
    return Reply(body=job.result) if job.result else Reply(204)


def show_metrics(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    ended = next((when for status, when in job.history if status in FINAL), None)
    return Reply(
        body={
            "timestamps": {
                "created": _iso(job.history[0][1]),
                "running": _iso(job.since("Running")),
                "finished": _iso(ended),
            },
            "bss": {"seconds": job.qpu_seconds},
            "usage": {
                "quantum_seconds": job.qpu_seconds,
                "seconds": job.qpu_seconds,
                "qpu_charge_time_seconds": job.qpu_seconds,
                "status": "complete" if ended else "pending",
            },
            "executions": job.executions,
        }
    )


def show_logs(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    return _no_job(request) if job is None else Reply(body=f"{job.id}: {job.status}\n")


def cancel_job(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    return Reply(204) if platform.cancel(job) else error(409, 1301, "Job is in a terminal state")


def delete_job(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    platform.delete(job)
    return Reply(204)


def tag_job(platform: Platform, request: Request) -> Reply:
    job = platform.jobs.get(request.path["id"])
    if job is None:
        return _no_job(request)
    platform.keep_tags(job, request.body["tags"])
    return Reply(204)


def open_session(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        name = f"s{len(platform.sessions) + 1:019d}"
        platform.sessions[name] = {
            "id": name,
            "backend_name": request.body.get("backend"),
            "mode": request.body.get("mode", "dedicated"),
            "max_ttl": request.body.get("max_ttl", 28800),
            "interactive_ttl": 60,
            "active_ttl": 28800,
            "state": "open",
            "accepting_jobs": True,
            "elapsed_time": 0,
            "timestamps": [],
        }
    return Reply(body=platform.sessions[name])


def show_session(platform: Platform, request: Request) -> Reply:
    session = platform.sessions.get(request.path["id"])
    return error(404, 1290, "Session not found") if session is None else Reply(body=session)


def update_session(platform: Platform, request: Request) -> Reply:
    session = platform.sessions.get(request.path["id"])
    if session is None:
        return error(404, 1290, "Session not found")
    session.update(request.body)
    return Reply(204)


def close_session(platform: Platform, request: Request) -> Reply:
    session = platform.sessions.get(request.path["id"])
    if session is None:
        return error(404, 1290, "Session not found")
    session.update(state="closed", accepting_jobs=False)
    for job in list(platform.jobs.values()):
        if job.session_id == request.path["id"] and job.status == "Queued":
            platform.cancel(job)
    return Reply(204)


def _wanted(job: Job, request: Request) -> bool:
    created = job.history[0][1]
    after, before = request.one("created_after"), request.one("created_before")
    pending = request.one("pending")
    return all(
        (
            set(request.query.get("tags", [])) <= set(job.tags),
            request.one("backend", job.backend) == job.backend,
            request.one("program", job.program) == job.program,
            request.one("session_id", job.session_id or "") == (job.session_id or ""),
            not pending or (pending == "true") == (job.status not in FINAL),
            not after or created >= datetime.fromisoformat(after).timestamp(),
            not before or created <= datetime.fromisoformat(before).timestamp(),
        )
    )


def _job_facts(job: Job) -> dict[str, Any]:
    state: dict[str, Any] = {"status": job.status}
    if job.reason:
        state |= {"reason": job.reason, "reason_code": job.reason_code}
    return {
        "id": job.id,
        "backend": job.backend,
        "program": {"id": job.program},
        "state": state,
        "status": job.status,
        "created": _iso(job.history[0][1]),
        "tags": job.tags,
        "session_id": job.session_id,
        "cost": job.cost,
        "private": job.private,
        "estimated_running_time_seconds": job.qpu_seconds,
    }


def _no_job(request: Request) -> Reply:
    return error(404, 1291, f"Job not found. Job ID: {request.path['id']}")


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


ROUTES: dict[str, Route] = {
    "POST /identity/token": issue_token,
    "GET /instances/usage": show_usage,
    "GET /backends": list_backends,
    "GET /backends/{name}/{what}": show_backend,
    "POST /jobs": store_job,
    "GET /jobs": list_jobs,
    "GET /jobs/{id}": show_job,
    "DELETE /jobs/{id}": delete_job,
    "GET /jobs/{id}/results": show_results,
    "GET /jobs/{id}/metrics": show_metrics,
    "GET /jobs/{id}/logs": show_logs,
    "POST /jobs/{id}/cancel": cancel_job,
    "PUT /jobs/{id}/tags": tag_job,
    "POST /sessions": open_session,
    "GET /sessions/{id}": show_session,
    "PATCH /sessions/{id}": update_session,
    "DELETE /sessions/{id}/close": close_session,
}
