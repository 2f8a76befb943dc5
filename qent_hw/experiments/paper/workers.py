"""Worker processes: each performs one task after the other, with one thread for every library, and keeps the result."""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib.metadata
import multiprocessing
import os
import platform
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import qent_hw
from qent_hw.errors import BackendError, Interrupted, QentError
from qent_hw.experiments.paper.results import Results

# (seconds of work done, seconds in all, tasks done, tasks in all), in the estimated time of one core
Watch = Callable[[float, float, int, int], None]

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
)
_POLL_SECONDS = 1.0
_PACKAGES = ("numpy", "tensorflow", "keras")


def perform_all(tasks: Mapping[str, Mapping[str, Any]], results: Results, workers: int, watch: Watch) -> None:
    """Perform tasks (key -> definition), the longest first, and keep their results.

    Raises the InputError of a task that failed, BackendError if a worker was killed, and Interrupted on Ctrl-C.
    """
    from qent_hw.experiments.paper.tasks import seconds

    if not tasks:
        return
    expected = {key: seconds(task) for key, task in tasks.items()}
    shares = dict.fromkeys(tasks, 0.0)
    done: set[str] = set()
    context = multiprocessing.get_context("spawn")
    todo, messages = context.Queue(), context.Queue()
    for key in sorted(tasks, key=lambda key: -expected[key]):
        todo.put((key, dict(tasks[key])))
    log = str(results.folder.parent / "workers.log")
    processes = [
        context.Process(target=_work, args=(todo, messages, str(results.folder), log), daemon=True)
        for _ in range(min(workers, len(tasks)))
    ]
    try:
        with _environment(_ONE_THREAD | {"TF_CPP_MIN_LOG_LEVEL": "3"}):
            for process in processes:
                process.start()
        while len(done) < len(tasks):
            watch(
                sum(expected[key] * share for key, share in shares.items()),
                sum(expected.values()),
                len(done),
                len(tasks),
            )
            try:
                key, share, error = messages.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if any(process.exitcode is not None for process in processes):
                    raise BackendError(
                        "a worker process was killed (out of memory?); what was finished is kept, and the same command "
                        f"goes on from there; {log} may say more"
                    ) from None
                continue
            if error is not None:
                raise error
            shares[key] = share
            if share >= 1:
                done.add(key)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {len(done)} of {len(tasks)} tasks; the same command goes on") from None
    finally:
        # Tasks that nobody took would otherwise keep this process from ending.
        todo.cancel_join_thread()
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _work(todo: Any, messages: Any, folder: str, log: str) -> None:
    from qent_hw.experiments.paper.tasks import perform

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What TensorFlow prints on loading would go through the progress bar.
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 2)
    results = Results(Path(folder))
    while True:
        key, task = todo.get()
        started, used = time.perf_counter(), time.process_time()
        try:
            # A task is done once its result is on disk.
            found, arrays = perform(task, functools.partial(_tell, messages, key))
            cost = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - used}
            results.put(key, {"task": task, **found, "cost": cost, "made": _made()}, arrays)
        except QentError as error:
            messages.put((key, 0.0, error))
        except Exception as error:
            traceback.print_exc()
            messages.put((key, 0.0, RuntimeError(f"{type(error).__name__}: {error}")))
        else:
            messages.put((key, 1.0, None))


def _tell(messages: Any, key: str, share: float) -> None:
    messages.put((key, min(share, 0.999), None))


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _made() -> dict[str, Any]:
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {
            "qent-hw": qent_hw.__version__,
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in _PACKAGES},
        },
    }


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
