"""HTTP: which request is for which route, and how faults get in between."""

from __future__ import annotations

import json
import re
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.ibm_server.admin import ADMIN
from tests.ibm_server.messages import Reply, Request, error
from tests.ibm_server.routes import ROUTES
from tests.ibm_server.state import Platform

PREFIX = "/experimental"
ENDPOINTS = ROUTES | ADMIN
PATTERNS = {
    endpoint: re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.partition(" ")[2])) for endpoint in ENDPOINTS
}


class Handler(BaseHTTPRequestHandler):
    """One connection of a client to the platform of its server."""

    protocol_version = "HTTP/1.1"
    # head and body go out apart: not to wait 40 ms for the client to acknowledge the head
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Any method: find the route, let the faults have their way, answer."""
        platform = self.server.platform
        url = urlsplit(self.path)
        path = url.path.removeprefix(PREFIX)
        # read always: what is left unread would be taken for the next request
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        endpoint, parts = _route(self.command, path)
        admin = path.startswith("/_admin/")
        fault = None if admin else platform.fault_for(endpoint)
        if fault is None or fault.after or fault.does in ("half", "cut"):
            reply = self._answer(endpoint, parts, parse_qs(url.query), body)
        else:
            reply = Reply()
        if fault is not None and fault.does == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            reply = Reply(fault.status, error(0, fault.status, fault.message).body, headers)
        if not admin:
            outcome = reply.status if fault is None or fault.does == "status" else fault.does
            platform.note(method=self.command, path=self.path, endpoint=endpoint, outcome=outcome)
        self._send(reply, fault.does if fault is not None else "status")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: requests are noted by the platform."""

    def _answer(self, endpoint: str, parts: dict[str, str], query: dict[str, list[str]], body: bytes) -> Reply:
        if endpoint not in ENDPOINTS:
            return error(404, 404, "Not found")
        token, admin = endpoint == "POST /identity/token", "/_admin/" in endpoint
        if not (token or admin or (self.headers.get("Authorization") or "").startswith("Bearer ")):
            return error(401, 1200, "Login failed: the token is not authorized")
        if token:
            parsed: Any = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        else:
            parsed = json.loads(body) if body else {}
        try:
            return ENDPOINTS[endpoint](self.server.platform, Request(parts, query, parsed))
        except (TypeError, AttributeError, KeyError, ValueError) as problem:
            return error(400, 400, f"{type(problem).__name__}: {problem}")

    def _send(self, reply: Reply, manner: str) -> None:
        if manner == "reset":
            self._reset()
            return
        if manner == "silence":
            self.server.platform.hold()
            self._reset()
            return
        content = reply.content()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner == "status":
            self.wfile.write(content)
            return
        self.wfile.write(content[: len(content) // 2])
        if manner == "half":
            self.server.platform.hold()
        self.close_connection = True

    def _reset(self) -> None:
        # lingering for no time turns the close into a reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """Listens on the loopback alone."""

    daemon_threads = True

    def __init__(self, platform: Platform, port: int = 0) -> None:
        self.platform = platform
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news: tests kill some."""


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    for endpoint, pattern in PATTERNS.items():
        found = pattern.fullmatch(path)
        if found and endpoint.partition(" ")[0] == method:
            return endpoint, found.groupdict()
    return f"{method} {path}", {}
