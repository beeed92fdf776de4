"""When a certificate expires, read from its DER form (RFC 5280, section 4.1).

The library for certificates takes 11 MiB, and OpenSSL shows only those that it has verified.
"""

from datetime import UTC, datetime
from functools import lru_cache

_VERSION = 0xA0
_FORMS = {0x17: ("%y%m%d%H%M%SZ", 13), 0x18: ("%Y%m%d%H%M%SZ", 15)}
"""By tag: UTCTime and GeneralizedTime, and how long they are."""


@lru_cache(maxsize=64)  # most trips see the same few
def expiry_of(certificate: bytes) -> float | None:
    """Seconds since the epoch; None if the certificate cannot be read."""
    try:
        return _expiry_of(certificate)
    except (IndexError, ValueError):  # UnicodeDecodeError, too
        return None


def _expiry_of(certificate: bytes) -> float:
    at = _begin(certificate, _begin(certificate, 0))  # in the certificate, in its signed part
    if certificate[at] == _VERSION:
        at = _end(certificate, at)
    for _ in ("serial number", "signature algorithm", "issuer"):
        at = _end(certificate, at)
    until = _end(certificate, _begin(certificate, at))  # after the beginning of its validity
    form, size = _FORMS.get(certificate[until], ("", 0))
    text = certificate[_begin(certificate, until) : _end(certificate, until)].decode("ascii")
    if len(text) != size:
        raise ValueError("no time")
    moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    if form.startswith("%y") and moment.year >= 2050:  # Python's two digits end in 2068
        moment = moment.replace(year=moment.year - 100)
    return moment.timestamp()


def _end(der: bytes, at: int) -> int:
    """Where the element that begins there ends."""
    begin = _begin(der, at)
    size = der[at + 1]
    if size & 0x80:
        size = int.from_bytes(der[at + 2 : begin])
    if begin + size > len(der):
        raise ValueError("cut")
    return begin + size


def _begin(der: bytes, at: int) -> int:
    """Where the content of the element that begins there begins."""
    size = der[at + 1]
    return at + 2 + (size & 0x7F if size & 0x80 else 0)
