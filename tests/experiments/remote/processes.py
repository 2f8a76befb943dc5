"""Commands as processes of their own, forked from one that has everything loaded.

A start takes milliseconds instead of seconds, so that hundreds can be killed. To the system each is a process like any
other; only its command line, as /proc shows it, is that of the process it was forked from.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.ibm_server import Handle

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status (negative: the signal that killed it), and what it printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    process: BaseProcess
    out: Path
    err: Path

    def kill(self) -> Ended:
        """SIGKILL, in whatever it is doing."""
        self.process.kill()
        return self.end()

    def until(self, seen: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Wait until `seen()`; False if the command ended before."""
        end = time.monotonic() + seconds
        while not seen():
            if not self.process.is_alive():
                return False
            assert time.monotonic() < end, f"not seen within {seconds:g} s: {self.kill()}"
            time.sleep(0.01)
        return True

    def end(self, seconds: float = 120.0) -> Ended:
        """Wait for its end."""
        self.process.join(seconds)
        status = self.process.exitcode
        if status is None:
            self.process.kill()
            raise AssertionError(f"still running after {seconds:g} s: {self.err.read_text()}")
        return Ended(status, self.out.read_text(), self.err.read_text())


@dataclass(frozen=True)
class Desk:
    """Where a person works: a folder, a home, and the stand-in as their IBM."""

    ibm: Handle
    folder: Path
    home: Path

    def start(
        self, *arguments: object, largest_file: int | None = None, variables: Mapping[str, str] | None = None
    ) -> Running:
        """Start ``qent-hw ARGUMENTS`` in the folder.

        `largest_file`: no file may get larger than so many bytes, as on a full disk. `variables`: more environment.
        """
        printed = self.home / "printed"
        printed.mkdir(parents=True, exist_ok=True)
        number = len(list(printed.iterdir())) // 2
        out, err = printed / f"{number}.out", printed / f"{number}.err"
        environment = {**self.ibm.environment(self.home), "QENT_HW_TIMEOUT_S": "30", **(variables or {})}
        command = [str(argument) for argument in arguments]
        process = _context().Process(
            target=_command, args=(command, environment, self.folder, out, err, largest_file), daemon=True
        )
        out.touch()
        err.touch()
        process.start()
        return Running(process, out, err)

    def call(self, *arguments: object, **options: Any) -> Ended:
        """Run ``qent-hw ARGUMENTS`` to its end; see `start`."""
        return self.start(*arguments, **options).end()


def requests_held(ibm: Handle) -> int:
    """How many requests the service has held in silence, or in the middle of its answer, so far."""
    return sum(one["outcome"] in ("silence", "half") for one in ibm.requests())


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.experiments.remote.warm"])
    before = {name: os.environ.get(name) for name in _WARM}
    os.environ.update(_WARM)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return context


_WARM = {
    "PYTHONPATH": str(ROOT),
    # the client finds its account file when it is imported: there is none
    "HOME": "/nonexistent",
    # no pool of threads that a fork would lose
    "OMP_NUM_THREADS": "1",
}


def _command(
    arguments: list[str], environment: dict[str, str], folder: Path, out: Path, err: Path, largest_file: int | None
) -> None:
    from qent_hw import cli

    os.environ.update(environment)
    os.chdir(folder)
    for path, descriptor in ((out, 1), (err, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    sys.argv = ["qent-hw", *arguments]
    cli.main()
