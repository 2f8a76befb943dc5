"""Where tasks are done: on this machine's cores by joblib, or on a cluster by Dask. Rows come in any order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from qent_hw.errors import BackendError, InputError
from qent_hw.experiments.study.perform import perform
from qent_hw.experiments.study.table import Row
from qent_hw.experiments.study.tasks import Definition, Files, key

Engine = Callable[[Sequence[tuple[Definition, Files]]], Iterator[Row]]
"""Does tasks, each with its files, and gives a row for each as soon as it is done."""

_RESUMED = "what was finished is kept, and the same command goes on from there"
# times that a task is tried again after the worker that had it died
_RETRIES = 3
_WORKERS_S = 60


@contextlib.contextmanager
def local_engine(workers: int) -> Iterator[Engine]:
    """So many processes on this machine."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def work(tasks: Sequence[tuple[Definition, Files]]) -> Iterator[Row]:
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
        try:
            yield from parallel(delayed(perform)(definition, files) for definition, files in tasks)
        except TerminatedWorkerError:
            raise BackendError(f"a worker process was killed (out of memory?); {_RESUMED}") from None

    yield work


@contextlib.contextmanager
def dask_engine(address: str) -> Iterator[Engine]:
    """The workers of the Dask scheduler at that address, or with ``local`` of one started here for the purpose.

    Raises
    ------
    InputError
        if no scheduler answers there.
    """
    import dask
    from distributed import Client, LocalCluster, as_completed
    from distributed.client import FutureCancelledError
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    # how often a task may lose its worker is for the scheduler to say; this is one that is started here
    settings = {"distributed.scheduler.allowed-failures": _RETRIES, "logging.distributed": "error"}
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        target: Any = address
        if address == "local":
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
            target = stack.enter_context(
                LocalCluster(n_workers=cores, threads_per_worker=1, dashboard_address=None, silence_logs=50)
            )
        try:
            client = stack.enter_context(Client(target, timeout="15s"))
        except (OSError, ValueError) as error:
            raise InputError(f"dask = {address!r}: no scheduler answers there: {_one_line(error)}") from None
        try:
            client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError:
            raise InputError(f"dask = {address!r}: the scheduler has no worker; start some and try again") from None

        def work(tasks: Sequence[tuple[Definition, Files]]) -> Iterator[Row]:
            futures = [
                client.submit(perform, definition, files, key=f"qent-{key(definition)}") for definition, files in tasks
            ]
            waiting = as_completed(futures)
            del futures
            try:
                for future in waiting:
                    yield future.result()
                    future.release()
            except KilledWorker:
                raise BackendError(f"a task's workers died several times in a row; {_RESUMED}") from None
            except (OSError, TimeoutError, FutureCancelledError, CommClosedError) as error:
                raise BackendError(f"the scheduler at {address} is gone: {_one_line(error)}; {_RESUMED}") from None

        yield work


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
