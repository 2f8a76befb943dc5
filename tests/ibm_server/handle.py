"""The test's end of the stand-in: start it, arrange what goes wrong, see what happened."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.ibm_server.routes import INSTANCE, TOKEN
from tests.ibm_server.server import PREFIX, Server
from tests.ibm_server.state import Platform

ROOT = Path(__file__).parents[2]


def environment(port: int, home: Path | str) -> dict[str, str]:
    """What a client's environment needs to take the stand-in on `port` for IBM, and to reach nothing else.

    `home` keeps it from the account file of whoever runs the tests. Anything that would leave the loopback is sent to a
    proxy that does not exist, so that it fails at once.
    """
    nowhere = "http://127.0.0.1:9"
    schemes = ("http", "https", "all")
    proxies = {name: nowhere for scheme in schemes for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())}
    return {
        "QISKIT_IBM_TOKEN": TOKEN,
        "QISKIT_IBM_INSTANCE": INSTANCE,
        # the client leaves a URL alone that says "experimental"
        "QISKIT_IBM_URL": f"http://127.0.0.1:{port}{PREFIX}",
        "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
        "IAM_URL": f"http://127.0.0.1:{port}",
        # no search for the account's instances
        "QISKIT_FUNCTIONS_EXPERIMENTAL": "1",
        # otherwise the client reads the source of its whole call stack at every request
        "USAGE_DATA_OPT_OUT": "True",
        "HOME": str(home),
        **proxies,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@dataclass(frozen=True)
class Handle:
    """A running stand-in."""

    port: int

    def environment(self, home: Path | str) -> dict[str, str]:
        """See `environment`."""
        return environment(self.port, home)

    def fault(self, endpoint: str, does: str = "status", **more: Any) -> None:
        """Let requests go wrong; see `jobs.Fault`."""
        self._ask("POST", "faults", {"endpoint": endpoint, "does": does, **more})

    def fate(self, **facts: Any) -> None:
        """Say what becomes of the next jobs; see `jobs.Fate`."""
        self._ask("POST", "fates", facts)

    def clear(self) -> None:
        """Drop faults and fates, and let go whoever is held in silence."""
        self._ask("DELETE", "faults")

    def release(self) -> None:
        """Let jobs that wait by their fate go on."""
        self._ask("POST", "release")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change the account or its machines; see `jobs.Settings`, whose present values it returns."""
        return self._ask("PATCH", "settings", changes)

    def jobs(self, tag: str | None = None) -> list[dict[str, Any]]:
        """Jobs stored, oldest first: id, tags, program, backend, status, history, executions, …"""
        return [job for job in self._ask("GET", "jobs") if tag is None or tag in job["tags"]]

    def requests(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Requests so far, oldest first: time, method, path, endpoint, outcome."""
        return [one for one in self._ask("GET", "requests") if endpoint in (None, one["endpoint"])]

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, f"/_admin/{what}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:
            raise ValueError(f"{method} {what}: {text}")
        return json.loads(text) if text else None


@contextmanager
def serve(seed: int = 1, folder: Path | None = None) -> Iterator[Handle]:
    """The stand-in in threads of this process."""
    # Qiskit does not bear being imported by the machine's thread and the caller's at once
    from tests.ibm_server import programs  # noqa: F401

    platform = Platform(seed, folder)
    server = Server(platform)
    threads = [threading.Thread(target=work, daemon=True) for work in (server.serve_forever, platform.work)]
    for thread in threads:
        thread.start()
    try:
        yield Handle(server.server_address[1])
    finally:
        platform.stop()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()


@contextmanager
def spawn(folder: Path, seed: int = 1, port: int = 0) -> Iterator[Handle]:
    """The stand-in as a process of its own, its jobs kept in `folder`; killed at the end."""
    command = [sys.executable, "-m", "tests.ibm_server", "--port", str(port), "--state", str(folder)]
    process = subprocess.Popen([*command, "--seed", str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield Handle(int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()
