"""Finds the key in the zone of a list, as an administrator wrote it, so that it is kept as a
secret."""

import re

from exporter.blocklists import catalogue
from exporter.blocklists.blocklist import KEY

_PROVIDERS = ("dq.spamhaus.net", "mail.abusix.zone")
"""Whose zones always begin with a customer's key: https://docs.spamhaus.com and
https://docs.abusix.com."""
_RANDOM = re.compile(
    r"(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{14,}|[0-9a-f]{14,}|[a-z0-9]{20,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
"""Unlike any host name: fourteen letters and digits or more, mixed; twenty of one kind; or a
UUID."""


def split(zone: str) -> tuple[str, str] | None:
    """The zone with `{key}` in place of its key, and the key; None if it seems to have none."""
    zone = zone.removesuffix(".")
    if KEY in zone or catalogue.entry(zone.lower()):
        return None
    return _before(zone, _PROVIDERS, 1) or _before(zone, catalogue.zones(), 0) or _random(zone)


def _before(zone: str, ends: "tuple[str, ...] | list[str]", between: int) -> tuple[str, str] | None:
    """The key in front of one of these zones, with so many labels in between."""
    for end in ends:
        labels = zone[: -len(end) - 1].split(".")
        if zone.lower().endswith(f".{end}") and len(labels) > between:
            key = ".".join(labels[: len(labels) - between])
            return f"{KEY}{zone[len(key) :].lower()}", key
    return None


def _random(zone: str) -> tuple[str, str] | None:
    """The longest label that looks like a key, except for the last two, the list's own domain."""
    key = max(filter(_RANDOM.fullmatch, zone.split(".")[:-2]), key=len, default="")
    return (
        (".".join(KEY if label == key else label for label in zone.split(".")).lower(), key)
        if key
        else None
    )
