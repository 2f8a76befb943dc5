"""The stand-in in this process, and a real client of it."""

from __future__ import annotations

import pytest
from qiskit_ibm_runtime import QiskitRuntimeService

from tests.ibm_server import serve


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serve(seed=7) as handle, pytest.MonkeyPatch.context() as patch:
        for name, value in handle.environment(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        yield handle


@pytest.fixture
def ibm(running):
    yield running
    running.release()
    running.clear()


@pytest.fixture(scope="module")
def service(running):
    return QiskitRuntimeService()


@pytest.fixture(scope="module")
def machine(service):
    return service.backend("ibm_loopback")


@pytest.fixture
def tag(request):
    return f"tag of {request.node.name}"
