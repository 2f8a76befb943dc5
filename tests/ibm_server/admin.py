"""The endpoints for the tests: what was stored and asked, and what is to go wrong."""

from __future__ import annotations

from dataclasses import asdict

from tests.ibm_server.jobs import Fate, Fault
from tests.ibm_server.messages import Reply, Request, Route
from tests.ibm_server.state import Platform


def jobs(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        return Reply(body=[job.facts() for job in platform.jobs.values()])


def requests(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        return Reply(body=list(platform.requests))


def fault(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        platform.faults.append(Fault(**request.body))
    return Reply(204)


def faults(platform: Platform, request: Request) -> Reply:
    return Reply(body=[asdict(fault) for fault in platform.faults])


def fate(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        platform.fates.append(Fate(**request.body))
    return Reply(204)


def clear(platform: Platform, request: Request) -> Reply:
    platform.clear()
    return Reply(204)


def release(platform: Platform, request: Request) -> Reply:
    platform.release()
    return Reply(204)


def settings(platform: Platform, request: Request) -> Reply:
    with platform.changed:
        for name, value in request.body.items():
            getattr(platform.settings, name)
            setattr(platform.settings, name, value)
        return Reply(body=asdict(platform.settings))


ADMIN: dict[str, Route] = {
    "GET /_admin/jobs": jobs,
    "GET /_admin/requests": requests,
    "GET /_admin/faults": faults,
    "POST /_admin/faults": fault,
    "DELETE /_admin/faults": clear,
    "POST /_admin/fates": fate,
    "POST /_admin/release": release,
    "PATCH /_admin/settings": settings,
}
