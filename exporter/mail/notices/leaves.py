"""The parts of a message without those of inner messages, and their text for people."""

import html
import re
from collections.abc import Iterator

from exporter.mail.mime import Part

LONGEST_TEXT = 6000  # characters of each part that are looked at

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_INVISIBLE = re.compile(r"<(style|script|head|title)\b")
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?h\d|/?li)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
_NO_CHARACTER = re.compile(r"&#\d{8,}")  # Python refuses to read a number of thousands of digits
_ORIGINAL = re.compile(
    r"^(?:Return-Path|Received|X-Mailtrip-Token|Message-ID|DKIM-Signature)[ \t]*:"
    r"|^-+ ?(?:below this line|this is a copy|original message|unsent message|returned"
    r" message|original headers)"
    r"|^[ \t]*(?:below is a copy of|message headers follow|original message headers)"
    r"|^[ \t]*the (?:following|header).{0,40} (?:is|was|of) (?:a copy|the (?:message|original))",
    re.IGNORECASE | re.MULTILINE,
)


def own_leaves(part: Part) -> Iterator[Part]:
    """The leaf parts in order, without those of inner messages."""
    if not part.parts:
        yield part
    elif not part.is_message or part.content_type.startswith("multipart/"):
        for inner in part.parts:
            yield from _leaves_below(inner)


def _leaves_below(part: Part) -> Iterator[Part]:
    if part.is_message:
        return
    if not part.parts:
        yield part
    for inner in part.parts:
        yield from _leaves_below(inner)


def reports(part: Part) -> list[str]:
    """The fields of a delivery status notification (RFC 3464) in it, or of several."""
    return [leaf.content for leaf in own_leaves(part) if leaf.content_type in _REPORTS]


def inner_messages(part: Part) -> Iterator[Part]:
    """The messages that are attached to it, or its only content, in order."""
    for inner in part.parts:
        if part.is_message:
            yield inner
        else:
            yield from inner_messages(inner)


def texts(part: Part) -> list[str]:
    """Its visible text: plain texts, and HTML as text; the first LONGEST_TEXT characters of
    each."""
    return [_plain(leaf) for leaf in own_leaves(part) if _is_text(leaf)]


def _is_text(leaf: Part) -> bool:
    """Whether a part is text. A multipart without parts, with a wrong boundary, is shown as
    text."""
    return leaf.content_type.startswith(("text/", "multipart/"))


def _plain(leaf: Part) -> str:
    text = leaf.text(4 * LONGEST_TEXT)
    if leaf.content_type == "text/html":
        text = html.unescape(
            _NO_CHARACTER.sub(" ", _TAG.sub(" ", _BREAK.sub("\n", _visible(text))))
        )
    return text[:LONGEST_TEXT]


def _visible(text: str) -> str:
    """The text of HTML, without styles and scripts."""
    small, shown, place = text.lower(), [], 0
    while element := _INVISIBLE.search(small, place):
        shown.append(text[place : element.start()])
        end = small.find(f"</{element[1]}", element.end())
        if end < 0:
            return "".join(shown)
        place = end + len(element[1]) + 2
    return "".join([*shown, text[place:]])


def notice(part: Part, read: list[str]) -> str:
    """The texts of a notice, down to the returned message, whose text does not count."""
    kinds = [leaf.content_type for leaf in own_leaves(part) if _is_text(leaf)]
    said: list[str] = []
    for kind, text in zip(kinds, read, strict=True):
        if kind.startswith("text/rfc822"):
            continue
        original = _ORIGINAL.search(text)
        said.append(text[: original.start()] if original else text)
        if original:
            break
    return "\n".join(said)[:LONGEST_TEXT]
