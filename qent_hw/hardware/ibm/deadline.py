"""No call waits for ever: the client has no read time-out, and its own waits have no end (field-notes 29)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from qent_hw.hardware.ibm.faults import Fault, ServiceError, fault_of

T = TypeVar("T")


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """What `call` returns, if it does so within that time.

    Raises
    ------
    ServiceError
        for every exception of the call, and if it takes longer. It then goes on in its thread, which ends with the
        process: what it was asked to do may still be done.
    """
    answer: queue.SimpleQueue[tuple[T, None] | tuple[None, Exception]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((call(), None))
        except Exception as error:  # the client raises whatever its parsers and transports do
            answer.put((None, error))

    threading.Thread(target=work, daemon=True, name=what).start()
    try:
        value, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise ServiceError(Fault("disturbed", f"{what}: no answer within {seconds:g} s")) from None
    if error is not None:
        if isinstance(error, ServiceError):
            raise error
        raise ServiceError(fault_of(error, what)) from error
    return value  # type: ignore[return-value]
