"""A domain's policy for TLS (MTA-STS, RFC 8461), as it is kept over restarts."""

from dataclasses import dataclass

LONGEST = 31_557_600.0  # seconds that a policy may last (RFC 8461 section 3.2)


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A policy as it was downloaded, and the id under which it was announced."""

    domain: str
    version: str
    text: str
    downloaded_at: float  # seconds since the epoch
