"""Durations, as people write and read them."""

import re

UNITS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
"""Seconds of each."""

_DECIMAL = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d|w|y)")
_TOGETHER = re.compile("(?=.)" + "".join(f"(?:([0-9]{{1,12}}){unit})?" for unit in UNITS))
DURATION_PATTERN = f"{_TOGETHER.pattern}|{_DECIMAL.pattern}"


def seconds_of(text: str) -> float:
    """Reads a duration as Prometheus does (`1h30m`, the larger unit first), or one decimal number
    with a unit (`1.5h`). Raises ValueError."""
    if together := _TOGETHER.fullmatch(text):
        numbers = zip(together.groups("0"), UNITS.values(), strict=True)
        seconds = sum(int(number) * unit for number, unit in numbers)
    elif match := _DECIMAL.fullmatch(text):
        seconds = float(match[1]) * UNITS[match[2]]
    else:
        raise ValueError(
            "not a duration; write a number with a unit: 250ms, 15s, 10m, 1h, 7d; or several: 1h30m"
        )
    if not 0.001 <= seconds <= UNITS["y"]:
        raise ValueError("a duration must be between 1ms and 365d")
    return seconds


def duration(seconds: float) -> str:
    """Three significant digits, in a suitable unit."""
    if seconds == 0:
        return "0 s"
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    return in_units(seconds)


def in_units(seconds: float) -> str:
    """Whole seconds, in the two largest units."""
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
