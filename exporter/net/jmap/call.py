"""A method call of JMAP (RFC 8620 section 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One method call. `accountId` is added to its arguments."""

    method: str
    arguments: Mapping[str, Any]
    shown: str = ""
    """What a transcript says of its arguments."""
