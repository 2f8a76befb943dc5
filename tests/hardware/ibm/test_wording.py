"""How the faults of the network read: in the words of what happened, without the transport's nested texts."""

from __future__ import annotations

import json
import operator
import socket
import threading
import time

import pytest
import requests

from qent_hw.hardware.ibm.faults import ServiceError, fault_of, fault_of_token
from qent_hw.hardware.ibm.service import Patience, connect


def raised(call):
    with pytest.raises(Exception) as stopped:  # noqa: PT011  whatever the transport raises
        call()
    return stopped.value


def answering(text):
    """The address of a server that answers one request with that text and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listening.accept()
        connection.recv(65536)
        connection.sendall(text)
        # closed before all was read it would be reset
        time.sleep(0.05)
        connection.close()
        listening.close()

    threading.Thread(target=answer, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def get(url):
    return lambda: requests.get(url, timeout=10, proxies={"no_proxy": "*"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "Remote end closed connection"),
        # 500 bytes missing are no status 500
        (b"HTTP/1.1 200 OK\r\nContent-Length: 510\r\n\r\n0123456789", "the answer broke off"),
    ],
)
def test_a_connection_that_ends_too_early(answer, words):
    fault = fault_of(raised(get(answering(answer))), "it failed")
    assert (fault.kind, fault.message) == ("disturbed", f"it failed: the connection failed ({words})")


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    fault = fault_of(raised(get(f"http://127.0.0.1:{port}")), "it failed")
    assert (fault.kind, fault.message) == ("disturbed", "it failed: the connection failed (Connection refused)")


def test_a_name_that_is_not_resolved():
    fault = fault_of(raised(get("http://nowhere.invalid")), "it failed")
    assert fault.kind == "disturbed"
    assert fault.message.startswith("it failed: the connection failed (")


@pytest.mark.parametrize(
    "error",
    [raised(lambda: operator.getitem("text", "key")), raised(lambda: None + 1), raised(lambda: json.loads("{"))],
)
def test_an_answer_that_the_client_cannot_decode(error):
    fault = fault_of(error, "the result could not be fetched")
    assert fault.kind == "disturbed"
    assert fault.message.startswith("the result could not be fetched: IBM's answer cannot be read (")


def test_a_refusal_is_in_the_words_of_the_service(ibm):
    message = "The circuit has more gates than the backend takes."
    ibm.fault("GET /jobs", "status", status=400, message=message)
    with pytest.raises(ServiceError) as stopped:
        connect(Patience(call_s=20, tries=1)).tagged("any")
    assert str(stopped.value) == f"the jobs could not be listed: IBM refuses it (400): {message}"


def test_no_access_token_for_want_of_a_connection():
    said = "Unable to retrieve IBM Cloud access token. ('Connection aborted.', ConnectionResetError(104, '{}'))"
    fault = fault_of_token(said.format("Connection reset by peer"))
    assert fault.message == "no access token: the connection failed (Connection reset by peer)"


def test_the_list_of_backends_that_fails_is_no_empty_list(ibm):
    """The client swallows the failure."""
    ibm.fault("GET /backends", "status", status=404, times=None, skip=1)
    with pytest.raises(ServiceError, match="the backends could not be listed: IBM refuses it"):
        connect(Patience(call_s=20, tries=1)).backend("ibm_loopback")


def test_a_backend_that_is_listed_and_not_described_is_not_called_unknown(ibm):
    ibm.fault("GET /backends/{name}/{what}", "status", status=404, times=None)
    with pytest.raises(
        ServiceError, match="backend ibm_loopback could not be read: IBM lists it without describing it"
    ):
        connect(Patience(call_s=20, tries=1)).backend("ibm_loopback")
