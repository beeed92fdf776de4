"""Files of a Maildir that are compressed (Dovecot: mail_compress) or encrypted (mail_crypt).

Decompresses only as much as is read of any message, however large the file would be.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Protocol

# Bytes that are read of a file; a block of bzip2 has up to 900 KB, one of zstd 128 KB.
MOST_PACKED = 4 << 20
PIECE = 1 << 16
MOST_MEMORY = 64 << 20  # bytes that a decompressor may take
_GZIP = 31  # for zlib: a header of gzip


class Unreadable(Exception):
    """The file cannot be read as a message. The text is the cause."""


MOST_MEMBERS = 100  # of a file that was packed in pieces
LONGEST_MAGIC = 10  # bytes


class Decompressor(Protocol):
    """The interface of the decompressors of bz2, lzma and compression.zstd."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Zlib:
    """Adapts the standard library's decompressor for gzip and deflate."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _zstd() -> Decompressor:
    """Imported when it is needed: it takes a twentieth of the time of a start."""
    from exporter.mailboxes.maildir.zstd import Zstd

    return Zstd()


_PACKED: dict[re.Pattern[bytes], tuple[str, Callable[[], Decompressor]]] = {
    re.compile(rb"\x1f\x8b\x08"): ("gzip", lambda: _Zlib(_GZIP)),
    re.compile(rb"x(?:[\x01\x9c\xda]|\^(?![!-9;-~]{0,200}[ \t]*:))"): (
        "deflate",
        lambda: _Zlib(zlib.MAX_WBITS),
    ),
    re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"): ("bzip2", bz2.BZ2Decompressor),
    re.compile(rb"\xfd7zXZ\0"): (
        "xz",
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY),
    ),
    re.compile(rb"\x5d\0\0[\0-\x80]"): (
        "lzma",
        lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MOST_MEMORY),
    ),
    re.compile(rb"\x28\xb5\x2f\xfd"): ("zstd", _zstd),
}
"""By how a file begins; nothing of it can be the beginning of a header."""
_WHOLE = "as a whole, with its header: exclude this recipient from encryption"
_LOCKED = {
    rb"Dovecot-LZ4\r\x2a\x9b\xc5": "it is compressed with LZ4 (Dovecot), which is not supported",
    rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18": "it is compressed with LZ4, which is not supported",
    rb"CRYPTED\x03\x07": (
        "it is encrypted (Dovecot's mail_crypt): use IMAP or POP3 for this mailbox"
    ),
    # RFC 9580 sections 4.2, 5.1, 5.3, 6.2
    rb"\s*-----BEGIN PGP MESSAGE|[\x84\xc1].{1,2}\x03|\x85..\x03|\x86.{4}\x03"
    rb"|[\x8c\xc3].[\x04-\x06]": f"it is encrypted with PGP {_WHOLE}",
    rb"\s*-----BEGIN AGE |age-encryption\.org/": f"it is encrypted with age {_WHOLE}",
    rb"\s*-----BEGIN (?:PKCS ?#?7|CMS)|\x30[\x80-\x84].{0,4}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
    # RFC 5652 section 3, RFC 7468 section 9; and in base64
    rb"|MI[A-Za-z0-9+/]{2,9}(?:CSqGSIb3DQ|KoZIhvcN|qhkiG9w0B)": (
        f"it is encrypted or signed with S/MIME {_WHOLE}"
    ),
    rb"Salted__|U2FsdGVkX1": f"it is encrypted with OpenSSL {_WHOLE}",
    rb"(?:[\0-\x08\x0e-\x1f\x80-\xc1\xf5-\xff]|LZIP\x01|PK\x03\x04).{39}": (
        "it is not text: perhaps it is encrypted, or compressed in an unsupported format"
    ),
}
"""By how a file begins, too: why nothing is read. UTF-8 begins no character like that, and nothing
that is shorter can hold a token."""
_LOCKS = [(re.compile(begins, re.DOTALL), why) for begins, why in _LOCKED.items()]


def unpacked(beginning: bytes, more: Callable[[int], bytes], most: int) -> bytes:
    """The first `most` bytes of the message in a file. `more` reads so many bytes after its
    beginning.

    Raises Unreadable.
    """
    for begins, (name, make) in _PACKED.items():
        if begins.match(beginning):
            return _unpacked(name, begins, make, beginning, more, most)
    for locked, why in _LOCKS:
        if locked.match(beginning):
            raise Unreadable(why)
    return beginning


def _unpacked(
    name: str,
    begins: re.Pattern[bytes],
    make: Callable[[], Decompressor],
    piece: bytes,
    more: Callable[[int], bytes],
    most: int,
) -> bytes:
    raw, packed, how, members = b"", 0, make(), 1
    try:
        while piece and len(raw) < most and not how.eof and packed < MOST_PACKED:
            packed += len(piece)
            raw += how.decompress(piece, most - len(raw))
            piece = how.unused_data if how.eof else b""
            piece = piece if len(piece) >= LONGEST_MAGIC else piece + more(PIECE)
            # RFC 1952 section 2.2: they follow another.
            if how.eof and begins.match(piece) and members < MOST_MEMBERS:
                how, members = make(), members + 1
    except (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise Unreadable(
            f"it seems to be compressed with {name}, but cannot be unpacked: {error}"
        ) from None
    return raw
