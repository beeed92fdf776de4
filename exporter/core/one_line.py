"""Texts of others, fit for one line."""

import re

MAX_DETAIL = 300  # characters of a server's text that we keep
CONTROL = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""What may do something to a terminal, a log or a line, with what turns text around (Unicode's
Bidi_Control); and surrogates, which stand for bytes that are no text, and cannot be written
anywhere."""

_CONTROL = re.compile(f"[{CONTROL}]+")


def one_line(text: str, limit: int = MAX_DETAIL) -> str:
    """`text` fit for a log line, a page, a terminal or the disk: no control characters, at most
    `limit` characters."""
    text = (text if text.isprintable() else _CONTROL.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
