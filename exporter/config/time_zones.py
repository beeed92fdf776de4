"""The names of time zones."""

from zoneinfo import ZoneInfo, available_timezones

from exporter.config.mistakes import suggestion


def time_zone(name: str) -> str:
    """The name, if there is such a zone. Raises ValueError with the names that are similar."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
        if not known:
            raise ValueError(
                "this system has no time zones: install tzdata, or write UTC times"
            ) from None
        close = suggestion(name, sorted(known))
        hint = close if "did you mean" in close else "; write one such as Europe/Berlin or UTC"
        raise ValueError(f"not a time zone (IANA){hint}") from None
    return name
