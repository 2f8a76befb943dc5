"""What tests in several folders use: the command line in this process, and a stand-in for IBM."""

from __future__ import annotations

import sys
from dataclasses import asdict

import pytest

from qent_hw import cli
from tests.ibm_server import serve
from tests.ibm_server.state import Settings


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command line in this process; returns exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qent-hw", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        if stopped.value.code:
            assert said.err.splitlines()[-1].startswith("qent-hw: error: ")
            assert "Traceback" not in said.err
        return stopped.value.code, said.out, said.err

    return run


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
