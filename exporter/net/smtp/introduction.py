"""What a server says of itself and of us in its reply to EHLO (RFC 5321 section 4.1.1.1)."""

import re

from exporter.config.grammar import ip_of
from exporter.core.one_line import one_line

MAX_NAME = 100  # characters
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F:.]{2,45})\]")


def introduction_of(reply: str) -> tuple[str, str]:
    """The first word, which is its name, and our address in brackets, which Exim and Gmail write;
    empty if it is missing. `reply` is without its codes."""
    first = reply.partition("\n")[0][:512]
    name = first.split()[0] if first.split() else ""
    seen = _ADDRESS.search(first[len(name) :])
    address = ip_of(seen[1]) if seen else None
    return one_line(name.lower(), MAX_NAME), str(address or "")
