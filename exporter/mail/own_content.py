"""Content of a user's own, so that a message looks like the mail that matters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from quopri import encodestring

from exporter.mail.attachment import Attachment
from exporter.mail.seal import digest, lines, sealed_html, sealed_text

# characters of a line of the text: some servers wrap at 72, and RFC 5322 asks for at most 78
LONGEST_LINE = 71
_FROM = re.compile(r"(?m)^From ")  # some servers write > before it
_SIGNATURE = "-- "  # RFC 3676 section 4.3


@dataclass(frozen=True, slots=True)
class OwnContent:
    """What a message has instead of our text, and beside it."""

    body: str = ""  # empty: our text
    html: str = ""
    attachments: tuple[Attachment, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, before they are encoded."""
        texts = len(self.body.encode()) + len(self.html.encode())
        return texts + sum(len(one.content) for one in self.attachments)


class OwnMessage:
    """The part of a message below its header that has own content. `text` is that of the body,
    `word` the token, `others` are attachments that no digest covers."""

    def __init__(
        self,
        own: OwnContent,
        text: str,
        word: str,
        boundary: str,
        others: tuple[Attachment, ...] = (),
    ) -> None:
        self._text = text
        self._word = word
        self._boundary = boundary
        self._digests = [digest([one.content]) for one in own.attachments]
        self._html = own.html
        self._attached = [one.part() for one in (*own.attachments, *others)]

    def written(self, filler: str = "") -> tuple[Mapping[str, str], str]:
        """The headers that describe the content, and the content, with this filler in its text."""
        ending = lines(self._word, self._digests, html=bool(self._html))
        text = f"{self._text.rstrip()}\n{filler}\n{_SIGNATURE}\n" + "".join(
            f"{line}\n" for line in ending
        )
        headers, content = _encoded(sealed_text(text), "plain")
        if self._html:
            html = sealed_html(self._html, lines(self._word, self._digests))
            parts = [_part(headers, content), _part(*_encoded(html, "html"))]
            name = f"alternative-{self._boundary}" if self._attached else self._boundary
            headers, content = _multipart("alternative", name, parts)
        if self._attached:
            parts = [_part(headers, content), *self._attached]
            headers, content = _multipart("mixed", self._boundary, parts)
        return headers, content


def _encoded(text: str, subtype: str) -> tuple[Mapping[str, str], str]:
    """The text as it is, or quoted-printable, which servers neither wrap nor change."""
    plain = text.isascii() and not _FROM.search(text)
    if plain and all(len(line) <= LONGEST_LINE for line in text.split("\n")):
        charset, encoding = "us-ascii", "7bit"
    else:
        charset, encoding = "utf-8", "quoted-printable"
        text = _FROM.sub("=46rom ", encodestring(text.encode()).decode("ascii"))
    return {
        "Content-Type": f"text/{subtype}; charset={charset}",
        "Content-Transfer-Encoding": encoding,
    }, text


def _part(headers: Mapping[str, str], content: str) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers.items()) + f"\n{content}"


def _multipart(subtype: str, boundary: str, parts: list[str]) -> tuple[Mapping[str, str], str]:
    between = "".join(f"--{boundary}\n{part}\n" for part in parts)
    header = {"Content-Type": f'multipart/{subtype}; boundary="{boundary}"'}
    return header, f"{between}--{boundary}--\n"
