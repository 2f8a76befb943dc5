"""The account's token gets into no file, no output and no command line, whatever a command does or meets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tests.experiments.remote.processes import Desk, requests_held
from tests.ibm_server import INSTANCE, TOKEN

CARD = """
title = "a run with a secret"
family = "special_four_basis"
seed = 9
shots = 64
estimators = ["bell8"]
[states]
kind = "points"
points = [{ theta = "pi/2", phi = "pi/3" }]
[channel]
p = [0.2, 0.6]
[injection]
kind = "twirl"
[backend]
name = "ibm_loopback"
qubits = [0, 1]
"""
# the token, and how the one begins that the service gives for it
SECRETS = (TOKEN.encode(), b"eyJhbGciOi")


def submit(out, *options):
    return ("submit", "card.toml", "--out", out, "--yes", "--jobs", 2, *options)


@pytest.fixture
def desk(ibm, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "card.toml").write_text(CARD)
    return Desk(ibm, folder, tmp_path / "home")


def with_secrets(folder):
    """Names of the files below a folder that hold a secret; packed ones are looked into."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(secret in content for content in _contents(path) for secret in SECRETS)
    )


def _contents(path: Path):
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv().encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield packed.read(name)


@pytest.mark.parametrize("debug", [{}, {"QENT_HW_DEBUG": "1"}], ids=["", "debug"])
def test_no_command_writes_or_prints_the_token(desk, tmp_path, debug):
    """Not when all goes well, when it is refused, when it is another's, or when the service cannot be reached.

    What the commands print is among the files looked through.
    """

    def call(*arguments, **variables):
        return desk.call(*arguments, variables={**debug, **variables})

    assert call(*submit("run")).status == 0
    # takes its time, for it tries again
    nobody = {"QISKIT_IBM_URL": "http://127.0.0.1:9/experimental", "IAM_URL": "http://127.0.0.1:9"}
    unreachable = desk.start("collect", "run", variables={**debug, **nobody})
    desk.ibm.fault("*", status=401, times=None)
    failed = [call(*submit("refused")), call("collect", "run"), call("cancel", "run")]
    assert "refuses the account's token" in call("jobs", "run").err
    desk.ibm.clear()
    desk.ibm.fault("GET /*", status=401, times=None)
    failed += [call(*submit("refused"))]
    desk.ibm.clear()
    failed += [call("collect", "run", QISKIT_IBM_TOKEN=f"{TOKEN}-of-another")]
    desk.ibm.fault("POST /jobs", "reset", after=True)
    collect = [("collect", "run", "--wait")] if not debug else []
    for command in (submit("reset"), ("cancel", "reset"), ("jobs", "."), *collect):
        ended = call(*command)
        assert ended.status == 0, ended
    failed += [unreachable.end()]
    assert [(one.status, one.out, one.err.count("\n")) for one in failed] == [(3, "", 1)] * 6, failed
    assert with_secrets(tmp_path) == []


def test_a_saved_token_stays_in_its_file_and_off_the_command_line(desk, tmp_path):
    """A real process, seen by all users of the machine while it works."""
    account = desk.home / ".qiskit" / "qiskit-ibm.json"
    account.parent.mkdir(parents=True)
    environment = {**os.environ, **desk.ibm.environment(desk.home)}
    saved = {"channel": "ibm_quantum_platform", "token": environment.pop("QISKIT_IBM_TOKEN"), "instance": INSTANCE}
    saved["url"] = environment.pop("QISKIT_IBM_URL")
    account.write_text(json.dumps({"default-ibm-quantum-platform": saved}))
    del environment["QISKIT_IBM_INSTANCE"]
    held = requests_held(desk.ibm)
    desk.ibm.fault("POST /jobs", "silence", after=True)
    command = [sys.executable, "-m", "qent_hw.cli", *map(str, submit("run"))]
    process = subprocess.Popen(
        command, cwd=desk.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while requests_held(desk.ibm) == held:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    seen = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"submit" in seen
    desk.ibm.clear()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert not any(secret in text for text in (seen, out, err) for secret in SECRETS)
    assert with_secrets(tmp_path) == ["home/.qiskit/qiskit-ibm.json"]
