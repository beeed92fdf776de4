"""When a certificate expires, read from its DER form (RFC 5280, section 4.1): OpenSSL shows only
those that it has verified."""

from datetime import UTC, datetime
from functools import lru_cache

from exporter.net.tls.der import begin_of, end_of, validity_of

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
    since = begin_of(certificate, validity_of(certificate))
    until = end_of(certificate, since)
    form, size = _FORMS.get(certificate[until], ("", 0))
    text = certificate[begin_of(certificate, until) : end_of(certificate, until)].decode("ascii")
    if len(text) != size:
        raise ValueError("no time")
    moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    if form.startswith("%y") and moment.year >= 2050:  # Python's two digits end in 2068
        moment = moment.replace(year=moment.year - 100)
    return moment.timestamp()
