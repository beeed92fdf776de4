"""When a server wants the next request: the header Retry-After (RFC 9110 section 10.2.3)."""

import re
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,999}")


def retry_after(header: str, now: float) -> float | None:
    """Seconds from `now`, a wall time, perhaps very many; None if the header has neither seconds
    nor a date."""
    if _SECONDS.fullmatch(header):
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
