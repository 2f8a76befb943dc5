"""What a route is given, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.ibm_server.state import Platform


@dataclass(frozen=True)
class Reply:
    """An answer: JSON, unless the body is text already."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as sent."""
        if self.body is None:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Request:
    """What a route is given: parts of its path, the query, and the parsed body."""

    path: dict[str, str]
    query: dict[str, list[str]]
    body: Any

    def one(self, name: str, default: str = "") -> str:
        """The query's (last) value of `name`."""
        return self.query.get(name, [default])[-1]


def error(status: int, code: int, message: str) -> Reply:
    """An error as the API words it."""
    return Reply(status, {"errors": [{"code": code, "message": message}], "trace": "loopback"})


Route = Callable[[Platform, Request], Reply]
