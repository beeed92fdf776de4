"""Resource limits for unknown clients of the receiver."""

from dataclasses import dataclass

# Bytes without a CRLF after which a client is cut off; aiosmtpd would keep them all.
UNENDED_LINE = 64 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds."""

    connections: int = 200
    per_address: int = 50  # Postfix opens up to 20 connections to one destination
    idle: float = 60.0  # without a command
    header: float = 5.0  # for the header of a proxy; HAProxy sends it at once
    # From the first byte to the last; Postfix uses a connection no longer than that.
    session: float = 300.0
    commands: int = 1000  # of one kind in a session
    refusals: int = 100  # in a session; Postfix parts after 20
    goodbye: float = 2.0  # for a client to take our last reply


LIMITS = Limits()
