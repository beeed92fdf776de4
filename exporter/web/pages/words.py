"""Times formatted for people."""

import time

STEP = 1.0  # seconds by which a clock that is only kept right may go back


def moment(seconds: float) -> str:
    """Seconds since the epoch, as a date and a time of day in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def duration(seconds: float) -> str:
    """Three significant digits, in a suitable unit."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 99.5:
        return f"{seconds:.2f} s"
    return f"{_parts(seconds)}"


def ago(seconds: float) -> str:
    """How long ago something happened, approximately."""
    if seconds < -STEP:
        return "before the clock was set back"
    return f"{_parts(seconds)} ago" if seconds >= 1 else "now"


def _parts(seconds: float) -> str:
    rest = round(seconds)
    for size, unit, smaller_size, smaller in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if rest >= size:
            less = rest % size // smaller_size
            return f"{rest // size} {unit}" + (f" {less} {smaller}" if less else "")
    return f"{rest} s"
