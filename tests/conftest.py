"""What tests in several folders use: a stand-in for IBM, and small remote runs on it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.ibm_server import serve
from tests.ibm_server.state import Settings


@pytest.fixture(scope="session")
def _stand_in():
    with serve() as handle:
        yield handle


@pytest.fixture
def ibm(_stand_in, monkeypatch, tmp_path_factory):
    """The stand-in without faults, and an environment in which the client takes it for IBM."""
    _stand_in.clear()
    _stand_in.settings(**asdict(Settings()))
    for name, value in _stand_in.environment(tmp_path_factory.mktemp("home")).items():
        monkeypatch.setenv(name, value)
    yield _stand_in
    _stand_in.clear()
