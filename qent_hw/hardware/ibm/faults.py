"""What went wrong at IBM's service, in one line, and whether trying again can help.

The client reports most faults with the same few exceptions; what tells them apart is the HTTP status of the answer
behind them, if there was one.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime.exceptions import IBMAccountError, IBMInputValueError, IBMNotAuthorizedError

from qent_hw.errors import BackendError, InputError

# raised by the client before it asks anybody, so that asking again gives the same
_CLIENTS_OWN = (IBMAccountError, IBMInputValueError, QiskitBackendNotFoundError)

_TOKENS = ("QISKIT_IBM_TOKEN", "QISKIT_IBM_RUNTIME_TOKEN")
# what IBM answers when an instance has as many waiting jobs as its plan allows: it is no fault of the job
_QUEUE_FULL = re.compile(r"\b3458\b|pending jobs", re.IGNORECASE)
# the job itself was sound: something under it broke off
_INTERRUPTED = re.compile(
    r"interrupt|internal (server )?error|temporar|time[d ]?-?out|unavailable|try again|maintenance|restart|reset",
    re.IGNORECASE,
)

# how a lost connection shows in the nested texts of the client, its transport and the system
_LOST = re.compile(
    r"connection (?:reset by peer|refused|timed out)|remote end closed connection|incompleteread|read timed out|"
    r"network is unreachable|no route to host|name or service not known|failed to resolve|"
    r"name resolution|certificate verify failed",
    re.IGNORECASE,
)
# what the client's decoders raise for an answer that is not the one they know; a JSON error is a ValueError
_UNREADABLE = (TypeError, KeyError, IndexError, AttributeError, json.JSONDecodeError)

Kind = Literal["account", "slow", "full", "rejected", "disturbed"]


@dataclass(frozen=True)
class Fault:
    """A fault of a call to the service.

    Attributes
    ----------
    kind
        ``account``: the token is refused. ``slow``: asked to slow down. ``full``: the account has as many waiting jobs
        as it may have. ``rejected``: the call itself is wrong. ``disturbed``: the service or the network failed, and
        what was asked for may or may not have been done.
    message
        one line for a person; holds no token.
    wait_s
        seconds the service asks to wait, where it does.
    """

    kind: Kind
    message: str
    wait_s: float | None = None

    @property
    def again(self) -> bool:
        """Whether the same call may succeed in a moment."""
        return self.kind in ("slow", "disturbed")

    @property
    def answered(self) -> bool:
        """Whether the service has refused the call, so that nothing came of it."""
        return self.kind != "disturbed"


class ServiceError(BackendError):
    """A call to IBM's service failed; `fault` says how."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class NoAccountError(InputError):
    """There is no IBM account to use: neither a saved one nor the environment variables."""


def fault_of(error: BaseException, what: str) -> Fault:
    """The fault behind an exception of the client; `what` was being done ("the job could not be sent")."""
    said = _without_tokens(" ".join(str(error).split()))
    status, wait = _status(error), _retry_after(error)
    if status == 401 or (status is None and isinstance(error, IBMNotAuthorizedError)):
        return _refused(what)
    if _QUEUE_FULL.search(said):
        return Fault("full", f"{what}: the account has as many waiting jobs as its plan allows", wait)
    if status == 429:
        return Fault("slow", f"{what}: IBM asks to slow down (429)", wait)
    if status is not None and 400 <= status < 500:
        return Fault("rejected", f"{what}: IBM refuses it ({status}): {_short(_own_words(said))}")
    if isinstance(error, _CLIENTS_OWN):
        return Fault("rejected", f"{what}: {_short(said)}")
    if status is None and (lost := _LOST.search(said)):
        how = "the answer broke off" if lost.group().lower() == "incompleteread" else lost.group()
        return Fault("disturbed", f"{what}: the connection failed ({how})")
    if isinstance(error, _UNREADABLE):
        return Fault("disturbed", f"{what}: IBM's answer cannot be read ({type(error).__name__}: {_short(said)})")
    if status is None and (found := re.search(r"\b(5\d\d)\b", said)):
        status = int(found.group(1))
    if status is not None:
        return Fault("disturbed", f"{what}: IBM's service is disturbed ({status})", wait)
    return Fault("disturbed", f"{what}: {_short(said) or type(error).__name__}")


def fault_of_token(text: str) -> Fault:
    """The fault behind the client's words on why IBM's identity service gave no access token."""
    refused = re.search(r"[Ss]tatus code: 4(?!29)\d\d", text)
    return _refused("no access token") if refused else fault_of(ConnectionError(text), "no access token")


def _refused(what: str) -> Fault:
    remedy = "save a valid one with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN"
    return Fault("account", f"{what}: IBM refuses the account's token; {remedy}")


def can_be_sent_again(reason: str) -> bool:
    """Whether a job that the service ended as failed for that `reason` may succeed when sent anew."""
    return bool(_INTERRUPTED.search(reason))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and all behind it: the client hides the answer's status two levels down (`raise … from None`)."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    for one in _causes(error):
        for place in (one, getattr(one, "response", None)):
            status = getattr(place, "status_code", None)
            if isinstance(status, int) and status > 0:
                return status
    return None


def _retry_after(error: BaseException) -> float | None:
    for one in _causes(error):
        headers = getattr(getattr(one, "response", None), "headers", None) or {}
        value = headers.get("Retry-After")
        if value is None:
            continue
        if value.strip().isdigit():
            return float(value)
        try:
            when = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, (when - datetime.datetime.now(datetime.UTC)).total_seconds())
    return None


def _own_words(said: str) -> str:
    """The service's message in what the client makes of its answer, which is all of it, within quotes."""
    found = re.search(r'"message": *"([^"\\]+)', said)
    return found.group(1) if found else said


def _short(text: str, longest: int = 300) -> str:
    return text if len(text) <= longest else f"{text[:longest]} …"


def _without_tokens(text: str) -> str:
    """The text with every token this process can know of taken out."""
    for token in {os.environ.get(name, "") for name in _TOKENS} | set(_saved_tokens()):
        if len(token) > 3:
            text = text.replace(token, "[token]")
    return re.sub(r"(?i)(bearer|apikey)\s+\S+", r"\1 [token]", text)


def _saved_tokens() -> Iterator[str]:
    from qiskit_ibm_runtime import QiskitRuntimeService

    try:
        accounts = QiskitRuntimeService.saved_accounts()
    except Exception:  # whatever is wrong with that file is another call's business
        return
    for account in accounts.values():
        yield str(account.get("token", ""))
