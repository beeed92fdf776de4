"""Checks whether a message is complete, or the server returned only its beginning. Pure."""

import re

from exporter.mail.message import Kind, Reading, is_whole
from exporter.mail.tokens import Token

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|From ")  # RFC 5322 section 2.2, or a line of mbox
_END_OF_HEADER = re.compile(rb"\n\r?\n")
_BOUNDARY = re.compile(
    rb'^Content-Type:\s*multipart/[^\n]*(?:\n[ \t][^\n]*)*?boundary="?([^"\s;]{1,70})', re.I | re.M
)
# Bytes; no message has fewer: `From:` and `Date:` are obligatory (RFC 5322 section 3.6).
_SHORT = 20


def is_complete(
    raw: bytes, reading: Reading, token: Token | None, *, whole: bool | None = None
) -> bool:
    """Whether the end of a message seems to be present. `token` is our token in it; `whole` says
    whether nothing was changed in it, if that is known."""
    if token is not None and reading.kind is Kind.MESSAGE:
        whole = is_whole(reading.message, token) if whole is None else whole
        return _ends_well(raw) and whole
    return _ends_well(raw)


def _ends_well(raw: bytes) -> bool:
    header, blank, body = raw.partition((_END_OF_HEADER.search(raw) or [b"\n\n"])[0])
    if len(raw) < _SHORT or not blank or not _FIELD.match(raw):
        return False
    boundary = _BOUNDARY.search(header)
    return bool(body) if not boundary else b"--" + boundary[1] + b"--" in body
