"""The time in `Received`, in the format of RFC 5322 and in others. Pure; never raises."""

import re
from datetime import datetime, timedelta, timezone

MAX_LENGTH = 4096  # characters of a header that are read

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONE = r"(?:gmt|utc?)?[+-]\d{2}:?\d{2}|[+-]\d{2}|(?:gmt|utc)[+-]\d{1,2}|[a-z]{1,5}"
_DATE = re.compile(
    rf"(?<!\d)(\d{{1,2}})[ -]({'|'.join(_MONTHS)})[a-z]{{0,6}}[ -](\d{{4}}|\d{{2}}) (\d\d?):(\d\d)"
    rf"(?::(\d\d)(?:[.,]\d{{1,9}})?)? ?\(?({_ZONE})(?![a-z\d])",
    re.IGNORECASE | re.ASCII,
)
"""The time in the words of RFC 5322, also its section 4.3, and as servers deviate from it."""
_OF_C = re.compile(
    rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}) (\d\d:\d\d:\d\d)(?: ({_ZONE}))? (\d{{4}})\b(?:"
    rf" ({_ZONE})(?![a-z\d]))?",
    re.IGNORECASE | re.ASCII,
)
"""The same as asctime and date(1) write it."""
_PLAIN = re.compile(
    rf"\s*(?:[a-z]{{3}},\s+)?(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):(\d\d)"
    r" ([+-]\d{4})(?:\s+\([a-z]{1,5}\))?\s*",
    re.IGNORECASE | re.ASCII,
)
"""What nearly every server writes behind the last semicolon. `_DATE` finds the same, more
slowly."""
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s*\Z", re.IGNORECASE)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_MOST_NESTED = 5  # comments

_ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5}
# RFC 5322 4.3; others are those that are one country's alone.
_ZONES |= {"mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_ZONES |= {
    "wet": 0,
    "west": 1,
    "bst": 1,
    "met": 1,
    "mez": 1,
    "cet": 1,
    "mest": 2,
    "mesz": 2,
    "cest": 2,
    "sast": 2,
}
_ZONES |= {
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "hkt": 8,
    "sgt": 8,
    "awst": 8,
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
}
_ZONES |= {
    "wat": 1,
    "cat": 2,
    "eat": 3,
    "trt": 3,
    "yekt": 5,
    "ict": 7,
    "wib": 7,
    "myt": 8,
    "pht": 8,
}
_ZONES |= {"nzst": 12, "nzdt": 13, "hst": -10, "akst": -9, "akdt": -8, "brt": -3, "art": -3}


def time_of(received: str) -> int | None:
    """The time that a server wrote, in seconds since the epoch. The date is at the end, before
    comments; some servers have the zone only in a comment."""
    received = received[:MAX_LENGTH]
    if plain := _plain_date(received):
        return _moment(*plain.groups())
    bare = text = _on_one_line(received)
    for _ in range(_MOST_NESTED):
        bare = _COMMENT.sub(" ", bare)
    dates = _DATE.findall(" ".join(bare.split())) or _DATE.findall(text)
    return _moment(*dates[-1]) if dates else None


def _plain_date(received: str) -> re.Match[str] | None:
    return _PLAIN.fullmatch(received, received.rfind(";") + 1)


def _moment(
    day: str, month: str, year: str, hour: str, minute: str, second: str, zone: str
) -> int | None:
    try:
        offset = timezone(timedelta(minutes=_minutes_east(zone.lower())))
        number = _MONTHS.index(month.lower()) + 1
        moment = datetime(_full(year), number, int(day), int(hour), int(minute), tzinfo=offset)
        return int(moment.timestamp()) + int(second or 0)
    except (LookupError, ValueError):  # no such zone, no such day
        return None


def _on_one_line(text: str) -> str:
    """The date with single blanks, and the time in the format of RFC 5322."""
    return _OF_C.sub(
        lambda at: f"{at[2]} {at[1]} {at[5]} {at[3]} {at[4] or at[6] or ''}", " ".join(text.split())
    )


def _full(year: str) -> int:
    """The full year of two digits (RFC 5322 section 4.3)."""
    return int(year) + (0 if len(year) == 4 else 1900 if int(year) >= 50 else 2000)


def _minutes_east(zone: str) -> int:
    sign = zone.find("-") if "-" in zone else zone.find("+")
    if sign < 0:
        return 60 * _ZONES[zone]
    digits = zone[sign + 1 :].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    return -(60 * hours + minutes) if zone[sign] == "-" else 60 * hours + minutes


def without_date(text: str) -> str:
    """A header without its date. Some servers omit the semicolon before it (fdm)."""
    if ";" in text and _plain_date(text):
        return text
    text = _on_one_line(text)
    found = list(_DATE.finditer(text))
    if not found or ";" in text[: found[-1].start()]:
        return text
    return _WEEKDAY.sub("", text[: found[-1].start()])
