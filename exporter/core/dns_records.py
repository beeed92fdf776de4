"""Records in DNS as facts of a trip: cleaned, cut and sorted, so that they can be compared."""

from collections.abc import Iterable
from hashlib import sha256

from exporter.core.facts import DnsRecords, RecordKind
from exporter.core.model import Exchanger
from exporter.core.one_line import one_line

MAX_TEXT = 500  # characters of a record
MOST_EXCHANGERS = 20
MOST_TEXTS = 4  # of a name; of SPF and DMARC one is valid
_DIGEST = 16  # hexadecimal digits, for what was cut


def records(kind: RecordKind, name: str, texts: Iterable[str]) -> DnsRecords:
    """The records of a name; none is an empty tuple."""
    most = MOST_EXCHANGERS if kind is RecordKind.MX else MOST_TEXTS
    found = sorted(set(texts))[:most]  # of perhaps a thousand: to clean all takes long
    return DnsRecords(kind, name.lower().removesuffix("."), tuple(sorted(map(_cut, found))))


def exchanger_records(domain: str, exchangers: Iterable[Exchanger]) -> DnsRecords:
    """The exchangers of a domain."""
    texts = (f"{one.host.lower()} (MX {one.preference})" for one in exchangers)
    return records(RecordKind.MX, domain, texts)


def _cut(text: str) -> str:
    """Different texts stay different."""
    if len(text) <= MAX_TEXT:
        return one_line(text, MAX_TEXT)
    digest = sha256(text.encode(errors="replace")).hexdigest()[:_DIGEST]
    return f"{one_line(text, MAX_TEXT)} (SHA-256 {digest})"
