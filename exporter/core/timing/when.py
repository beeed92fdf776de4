"""When something happens: how soon, how long ago, or at which time, for people."""

import time

from exporter.core.timing.durations import in_units

STEP = 1.0  # seconds by which a clock that is only kept right may go back


def later(seconds: float) -> str:
    """How soon something happens, approximately."""
    return f"in {in_units(seconds)}" if seconds >= 1 else "now"


def ago(seconds: float) -> str:
    """How long ago something happened, approximately."""
    if seconds < -STEP:
        return "before the clock was set back"
    return f"{in_units(seconds)} ago" if seconds >= 1 else "now"


def utc(moment: float) -> str:
    """A moment in seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))


def utc_minute(moment: float) -> str:
    """The same without the seconds."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def utc_day(moment: float) -> str:
    """Its date."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
