"""The trace headers of final delivery: `Return-Path` and `Received` (RFC 5321 4.4)."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def stamp(
    helo: str,
    address: str,
    name: str,
    protocol: str,
    sender: str,
    at: float,
    recipient: str = "",
) -> bytes:
    """The headers for a message accepted from this client at that wall time. A `recipient` is named
    if that tells something."""
    helo = re.sub(r"[^A-Za-z0-9.:_\[\]-]", "?", helo)
    literal = f"IPv6:{address}" if ":" in address else address
    date = format_datetime(datetime.fromtimestamp(at, UTC))
    named = f"\r\n\tfor <{_CONTROL.sub('?', recipient)}>" if recipient else ""
    lines = (
        f"Return-Path: <{_CONTROL.sub('?', sender)}>",
        f"Received: from {helo} ([{literal}])",
        f"\tby {name} with {protocol}{named};",
        f"\t{date}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
