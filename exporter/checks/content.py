"""The content of a module's messages, from its options and from files that may change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from exporter.config.content import AttachmentOptions, TextOrFile
from exporter.config.mistakes import Path
from exporter.config.renewal import state_of
from exporter.config.types import looked_for, size_text
from exporter.mail.attachment import Attachment
from exporter.mail.own_content import OwnContent
from exporter.mail.seal import lines, seal_of_html, sealed_html

_SPECIMEN = "mtrip"  # stands for a token
LARGEST_CONTENT = 10 << 20  # bytes of all files together


class ContentUnusable(Exception):
    """A file of the content cannot be used. The text names it, with the line and the cure."""


@dataclass(slots=True)
class ContentFiles:
    """What the options of a module say about the content of its messages."""

    body: TextOrFile | None = None
    html: TextOrFile | None = None
    attachments: list[AttachmentOptions] = field(default_factory=list)
    _known: tuple[object, OwnContent] | None = None

    def __bool__(self) -> bool:
        return bool(self.body or self.html or self.attachments)

    @property
    def names(self) -> list[str]:
        """Those of the attachments, as recipients see them."""
        return [one.shown_name for one in self.attachments]

    @property
    def files(self) -> list[str]:
        texts = [one.file for one in (self.body, self.html) if one and one.file]
        return [*texts, *(one.file for one in self.attachments)]

    @property
    def from_files(self) -> bool:
        return bool(self.files)

    def read(self) -> OwnContent:
        """The content, read again if a file has changed. May block. Raises ContentUnusable."""
        state = [state_of(file) for file in self.files]
        if self._known and self._known[0] == state:
            return self._known[1]
        content = OwnContent(
            _text(self.body) if self.body else "",
            _html(self.html) if self.html else "",
            tuple(Attachment.of_file(one.shown_name, _bytes(one.file)) for one in self.attachments),
        )
        if content.size > LARGEST_CONTENT:
            raise ContentUnusable(
                f"body, html and attachments have {content.size:,} bytes together; the limit is"
                f" {size_text(LARGEST_CONTENT)}"
            )
        self._known = state, content
        return content

    def problems(self) -> Iterator[tuple[Path, str]]:
        """What cannot be used, by option. May block."""
        parts: list[tuple[Path, Callable[[], object]]] = [
            ((name,), partial(read, text))
            for name, text, read in (("body", self.body, _text), ("html", self.html, _html))
            if text
        ]
        parts += [
            (("attachment", number, "file"), partial(_bytes, one.file))
            for number, one in enumerate(self.attachments)
        ]
        found = False
        for path, read in parts:
            try:
                read()
            except ContentUnusable as error:
                found = True
                yield path, str(error)
        if not found:
            try:
                self.read()
            except ContentUnusable as error:
                yield (), str(error)


def _bytes(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            content = opened.read(LARGEST_CONTENT + 1)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        raise ContentUnusable(f"cannot read {looked_for(file)}: {problem}") from None
    if not content:
        raise ContentUnusable(f"the file {file} is empty")
    if len(content) > LARGEST_CONTENT:
        raise ContentUnusable(f"the file {file} is larger than {size_text(LARGEST_CONTENT)}")
    return content


def _text(text: TextOrFile) -> str:
    """The text, with the line ends of this machine. A byte order mark is not part of it."""
    if not text.file:
        return _checked(text.literal, "")
    raw = _bytes(text.file)
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ContentUnusable(
            f"{text.file}, line {line}: the byte 0x{raw[error.start]:02X} is not UTF-8: save the"
            " file as UTF-8"
        ) from None
    return _checked(decoded.replace("\r\n", "\n").replace("\r", "\n"), text.file)


def _html(text: TextOrFile) -> str:
    html = _text(text)
    seal = seal_of_html(sealed_html(html, lines(_SPECIMEN, [])), _SPECIMEN)
    if not seal or not seal.is_intact or not seal.links_are_intact:
        where = f"in {text.file} " if text.file else ""
        raise ContentUnusable(
            f"the HTML {where}has no visible end: close its comments, its quotes and its elements"
            " head, style and script"
        )
    return html


def _checked(text: str, file: str) -> str:
    if (place := text.find("\0")) >= 0:
        where = f"{file}, line {text[:place].count(chr(10)) + 1}: " if file else ""
        raise ContentUnusable(f"{where}contains a null byte: save it as a text in UTF-8")
    if not text.strip():
        raise ContentUnusable(f"the file {file} contains only blanks")
    return text
