"""Times formatted for people."""

import time

from exporter.core.durations import in_units

STEP = 1.0  # seconds by which a clock that is only kept right may go back


def moment(seconds: float) -> str:
    """Seconds since the epoch, as a date and a time of day in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def time_of_day(seconds: float, now: float) -> str:
    """The same, without the date if it is that of `now`."""
    whole = moment(seconds)
    return whole[11:] if whole[:10] == moment(now)[:10] else whole


def later(seconds: float) -> str:
    """How soon something happens, approximately."""
    return f"in {in_units(seconds)}" if seconds >= 1 else "now"


def ago(seconds: float) -> str:
    """How long ago something happened, approximately."""
    if seconds < -STEP:
        return "before the clock was set back"
    return f"{in_units(seconds)} ago" if seconds >= 1 else "now"
