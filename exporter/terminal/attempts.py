"""What `mailtrip check --try` says: one line for each attempt."""

from datetime import UTC, datetime

from exporter.model import one_line
from exporter.trying import Attempt


def line(attempt: Attempt) -> str:
    """Good, failed or not tried; where; and what there is to know."""
    place = f"{attempt.what} ({attempt.where})" if attempt.where else attempt.what
    if attempt.skipped:
        return f"-       {place}: {attempt.skipped}"
    if attempt.failure:
        return f"FAILED  {place}: {one_line(str(attempt.failure))}"
    told = [f"{attempt.seconds:.3f} s", attempt.exchanger and f"answered by {attempt.exchanger}"]
    if attempt.tls:
        told.append(attempt.tls.version)
        if attempt.tls.expires_at is not None:
            told.append(f"certificate valid until {datetime.fromtimestamp(attempt.tls.expires_at, UTC):%Y-%m-%d}")
    return f"good    {place}: {', '.join(filter(None, told))}"
