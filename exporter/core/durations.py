"""Durations for people."""


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
