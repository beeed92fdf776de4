"""The events of an EventSource stream (RFC 8620 section 7.3): which states have changed. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

LONGEST_EVENT = 1 << 16  # bytes


class EventParser:
    """Parses a stream as it comes, in pieces of any size (WHATWG HTML section 9.2.6)."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._rest = b""
        self._kind = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """The name and the data of each event that ends in this piece. Raises ProbeError."""
        *lines, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if not line:
                if self._data:
                    yield self._kind or "message", "\n".join(self._data)
                self._kind, self._data = "", []
                continue
            name, _, value = line.decode("utf-8", "replace").partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._kind = value
            elif name == "data":
                self._data.append(value)
        if len(self._rest) + sum(map(len, self._data)) + len(self._data) > LONGEST_EVENT:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self._host} sent an event of more than {LONGEST_EVENT >> 10} KiB",
            )


def state_of(kind: str, data: str, account: str, what: str) -> str:
    """The new state of this type of objects in our account, by an event; empty if it has none."""
    if kind != "state":
        return ""
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    for name in ("changed", account, what):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
