"""A file that is attached to the probe message."""

import re
from base64 import b64encode
from dataclasses import dataclass
from email.utils import encode_rfc2231
from mimetypes import MimeTypes

_AT_A_TIME = 54 << 10  # bytes: a millisecond of work, after which other threads have their turn
_UNKNOWN = "application/octet-stream"
_TYPES = MimeTypes()  # those of the standard library, and not those of this machine


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file with its name."""

    name: str
    content: bytes
    media_type: str = _UNKNOWN

    @classmethod
    def of_file(cls, name: str, content: bytes) -> "Attachment":
        """With the media type that its name stands for."""
        guessed, packed = _TYPES.guess_type(name)
        fits = guessed and not packed and not guessed.startswith(("message/", "multipart/"))
        return cls(name, content, guessed if guessed and fits else _UNKNOWN)

    def part(self) -> str:
        """Its part of the message, with header."""
        pieces = range(0, len(self.content), _AT_A_TIME)
        lines = "\n".join(_lines(self.content[start : start + _AT_A_TIME]) for start in pieces)
        return (
            f"Content-Type: {self.media_type}; {_parameter('name', self.name)}\n"
            f"Content-Disposition: attachment; {_parameter('filename', self.name)}\n"
            f"Content-Transfer-Encoding: base64\n\n{lines}\n"
        )


def _lines(content: bytes) -> str:
    return "\n".join(re.findall(".{1,72}", b64encode(content).decode()))


def _parameter(name: str, value: str) -> str:
    """With characters beyond ASCII as RFC 2231 section 4 has them."""
    if value.isascii():
        return f'{name}="{value}"'
    return f"{name}*={encode_rfc2231(value, 'utf-8')}"
