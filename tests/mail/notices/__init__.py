"""Messages that carry a token of ours, as mail software writes them: files with places for what we
sent.

In them stand {token}, {message} (what was sent), {headers} (its header, which ends with an empty
line), {headers-own} (the same, as the file's own), {text} and {quoted} (its text), {b64:…} and
{gbk:…} (a text in base64, in UTF-8 or GBK).
"""

import re
from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.mail.composition import compose
from exporter.mail.tokens import Mint

FOLDER = Path(__file__).parent
TOKEN = Mint(b"k" * 32).mint(1_700_000_000)
SENT = (
    compose(TOKEN, "probe@example.org", "monitor@example.com", 1_700_000_000)
    .raw.decode()
    .replace("\r\n", "\n")
)
_HEAD, _, _TEXT = SENT.partition("\n\n")


@dataclass(frozen=True)
class Expected:
    """A line of expected.txt; what is empty there is empty, or of no interest (words)."""

    file: str
    kind: str
    code: str
    host: str
    words: str


def expected() -> Iterator[Expected]:
    for line in (FOLDER / "expected.txt").read_text(encoding="utf-8").splitlines()[1:]:
        fields = [field.strip() for field in line.split("|", 4)]
        yield Expected(*fields, *[""] * (5 - len(fields)))


def arrived(file: str) -> bytes:
    """The message in that file, about the message SENT, with LF as its ends of lines."""
    text = (FOLDER / f"{file}.eml").read_text(encoding="utf-8")
    text = (
        text.replace("{headers-own}\n", f"{_HEAD}\n\n")
        .replace("{headers}", f"{_HEAD}\n")
        .replace("{message}", SENT)
    )
    text = text.replace("{text}", _TEXT).replace(
        "{quoted}", "".join(f"> {line}\n" for line in _TEXT.splitlines())
    )
    text = text.replace("{token}", TOKEN.word)
    return re.sub(r"\{(b64|gbk):(.*?)\}$", _coded, text, flags=re.DOTALL | re.MULTILINE).encode()


def _coded(match: re.Match[str]) -> str:
    return encodebytes(match[2].encode("utf-8" if match[1] == "b64" else "gbk")).decode()
