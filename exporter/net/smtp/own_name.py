"""The name of this machine in EHLO."""

import socket
from functools import cache

from exporter.config.grammar import domain_of


@cache
def own_name() -> str:
    """Its host name if that has a dot, otherwise an address literal (RFC 5321 4.1.4)."""
    name = domain_of(socket.gethostname()) or ""
    return name if "." in name else "[127.0.0.1]"
