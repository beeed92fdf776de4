"""The seals of own content: lines at the end of the text and of the HTML with digests, by which the
message alone shows whether it came as it was sent.

The text of another server above or below does not matter, nor does how lines are broken, or how
HTML is written: of HTML, the words and where its links lead are sealed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from itertools import islice

_MOST_TRIES = 3  # places where a seal may be
_LENGTH = 32  # hexadecimal digits of a digest
_DIGEST = re.compile(r"mailtripdigest([0-9a-f]{32})of([0-9]{1,9})(?![0-9])")
_LINKS = re.compile(r"mailtriplinks([0-9a-f]{32})of([0-9]{1,6})(?![0-9])")
_PART = re.compile(r"mailtrippart([0-9a-f]{32})")
_HTML = "mailtriphtml"
_URL = re.compile(
    r"[\s\"'/](?:href|src|action|background)\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]{0,40}")
_PIECE = re.compile(
    r"([^<]+|(?:<(?![a-zA-Z/!?]))+)|(<!--(?:.*?-->)?)|<([a-zA-Z/!?][^>]*)>|(<)", re.DOTALL
)
MOST_PIECES = 10_000  # texts and tags of HTML; what follows is not looked at
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}")
_UNSEEN = frozenset(("head", "style", "script", "title"))
LINE = "mailtrip {what} {digest}"


@dataclass(frozen=True, slots=True)
class Seal:
    """What a text or an HTML document says of the message, and whether this is as it was sent."""

    is_intact: bool
    links_are_intact: bool = True
    parts: tuple[str, ...] = ()  # digests of the attachments
    has_html: bool = False  # beside the text


def digest(pieces: Iterable[bytes]) -> str:
    """The digest of an attachment, which comes in pieces. Servers may change the ends of lines."""
    found, left = sha256(), b""
    for piece in pieces:
        piece, left = left + piece, b""
        if piece.endswith(b"\r"):
            piece, left = piece[:-1], b"\r"
        found.update(piece.replace(b"\r\n", b"\n"))
    found.update(left)
    return found.hexdigest()[:_LENGTH]


def lines(word: str, parts: Sequence[str], *, html: bool = False) -> list[str]:
    """The lines before the digest: the token's `word`, the digests of attachments, and whether
    there is HTML beside the text."""
    return [
        word,
        *(LINE.format(what="part", digest=one) for one in parts),
        *(["mailtrip html"] if html else []),
    ]


def sealed_text(text: str) -> str:
    """The text, which ends with the lines above, and its digest."""
    covered = squeezed(text).lstrip("\n")
    return f"{text}mailtrip digest {_of(covered)} of {len(covered)}\n"


def sealed_html(html: str, ending: Sequence[str]) -> str:
    """The HTML with these lines and its digests at the end of its body."""
    place = html.lower().rfind("</body>")
    place = len(html) if place < 0 else place
    said = "".join(f"{line}<br>\n" for line in ending)
    before = f'{html[:place]}<p style="color:#767676;font-size:11px">\n{said}'
    links = [link for _, link in Document(before).links]
    before += f"mailtrip links {_of(chr(10).join(links))} of {len(links)}<br>\n"
    text = Document(before).text
    return f"{before}mailtrip digest {_of(text)} of {len(text)}</p>\n{html[place:]}"


def seal_of_text(text: str, word: str) -> Seal | None:
    """The seal in a text; None if there is none, or that of HTML from which a server made the
    text."""
    found = squeezed(text)
    return None if _LINKS.search(found) else _seal(found, word)


def seal_of_html(html: str, word: str) -> Seal | None:
    """The seal in HTML; None if there is none."""
    document = Document(html)
    return _seal(document.text, word, document)


def _seal(text: str, word: str, document: "Document | None" = None) -> Seal | None:
    broken: Seal | None = None
    for match in islice(_DIGEST.finditer(text), _MOST_TRIES):
        covered = text[max(match.start() - int(match[2]), 0) : match.start()]
        if word not in covered:
            continue
        intact = len(covered) == int(match[2]) and _of(covered) == match[1]
        seal = Seal(
            intact,
            document is None or _has_its_links(document, match.start(), covered),
            tuple(one[1] for one in _PART.finditer(covered)),
            _HTML in covered,
        )
        if intact:
            return seal
        broken = broken or seal
    return broken


def _has_its_links(document: "Document", end: int, covered: str) -> bool:
    """Whether the last links before the digest are those of the document as it was sent. Those of a
    banner come before them."""
    told = _LINKS.search(covered)
    if not told:
        return False
    before = [link for place, link in document.links if place <= end]
    ours = before[len(before) - int(told[2]) :] if len(before) >= int(told[2]) else []
    return _of("\n".join(ours)) == told[1]


def squeezed(text: str) -> str:
    """The text without white space in paragraphs, and with a line end for each empty line."""
    return "".join("".join(line.split()) or "\n" for line in text.splitlines())


def _of(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_LENGTH]


class Document:
    """The words of HTML without white space, and where its links lead, in time that grows with its
    length only."""

    def __init__(self, html: str) -> None:
        self.links: list[tuple[int, str]] = []  # each with the length of the text before it
        self._length = 0
        self._words: list[str] = []
        self._unseen = ""  # the element in which nothing is seen
        for text, tag in _pieces(html):
            if text and not self._unseen:
                self._add("".join(_unescaped(text).split()))
            if tag:
                self._take(tag)
        self.text = "".join(self._words)

    def _add(self, words: str) -> None:
        self._words.append(words)
        self._length += len(words)

    def _take(self, tag: str) -> None:
        name = _ELEMENT.match(tag)
        element = name[0].lower() if name else ""
        if self._unseen:
            self._unseen = "" if element == f"/{self._unseen}" else self._unseen
            return
        if element in _UNSEEN and not tag.endswith("/"):
            self._unseen = element
            return
        for match in _URL.finditer(tag):
            self.links.append(
                (self._length, _unescaped(match[1] or match[2] or match[3] or "").strip())
            )


def _unescaped(text: str) -> str:
    """The text with its character references replaced, but for numbers that are no characters."""
    return unescape(_LONG_NUMBER.sub("", text)) if "&" in text else text


def _pieces(html: str) -> Iterator[tuple[str, str]]:
    """Texts, and tags without their brackets. Nothing is seen after one that is never closed."""
    for match in islice(_PIECE.finditer(html), MOST_PIECES):
        text, comment, tag, unclosed = match.groups()
        if unclosed or comment == "<!--":
            return
        yield text or "", tag or ""
