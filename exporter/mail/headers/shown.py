"""The headers of an arrived message, for people: limited, and without control characters for pages
and terminals."""

from collections.abc import Sequence

from exporter.core.facts import is_secret
from exporter.core.one_line import one_line
from exporter.mail.headers.receiver import Header

MOST_LINES = 150
LONGEST_LINE = 1000  # characters
MOST_TEXT = 16 << 10  # characters in all
LEFT_OUT = "(further headers are left out)"


def shown(messages: Sequence[Sequence[Header]]) -> tuple[str, ...]:
    """One line per header of these messages, the outermost and those inside it, separated by empty
    lines."""
    lines: list[str] = []
    size = 0
    for place, headers in enumerate(messages):
        for text in ([""] if place else []) + [_line(header) for header in headers]:
            size += len(text)
            if size > MOST_TEXT or len(lines) == MOST_LINES:
                return (*lines, LEFT_OUT)
            lines.append(text)
    return tuple(lines)


def _line(header: Header) -> str:
    """One header as a line. Headers are bytes without a charset, nearly always UTF-8."""
    name, value = header
    if is_secret(name):
        value = "<secret>"
    text = f"{name}: {value[: 4 * LONGEST_LINE]}"
    if not text.isascii():
        text = text.encode("latin-1", "replace").decode(errors="replace")
    line = " ".join(text.split())
    if not line.isprintable():
        line = " ".join(one_line(line, 4 * LONGEST_LINE).split())
    return one_line(line, LONGEST_LINE)
