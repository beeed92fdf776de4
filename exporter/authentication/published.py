"""The records by which a sender is judged, as facts: to compare them with those of other trips."""

from collections.abc import Iterable, Iterator

from exporter.authentication.dkim import DkimVerdicts
from exporter.authentication.dmarc import is_policy
from exporter.authentication.lookups import Lookups
from exporter.authentication.spf.record import is_record
from exporter.config.grammar import domain_of
from exporter.core.dns_records import records
from exporter.core.facts import Client, DnsRecords, RecordKind

MOST_OF_A_KIND = 4  # names


def published(
    author: str | None, client: Client | None, signatures: DkimVerdicts | None, lookups: Lookups
) -> list[DnsRecords]:
    """The records that were found for a message; without names that had no answer."""
    found: list[DnsRecords] = []
    for kind, names in (
        (RecordKind.SPF, _spf_names(author, client)),
        (RecordKind.DMARC, _dmarc_names(author, lookups)),
        (RecordKind.DKIM, [one.record for one in signatures.each] if signatures else []),
    ):
        for name in list(dict.fromkeys(filter(None, names)))[:MOST_OF_A_KIND]:
            texts = lookups.known_texts.get(name.lower())
            if texts is not None:
                found.append(records(kind, name, texts_of(kind, texts)))
    return found


def texts_of(kind: RecordKind, texts: Iterable[str]) -> list[str]:
    """Those of a name's TXT records that are of this kind."""
    if kind is RecordKind.SPF:
        return [text for text in texts if is_record(text)]
    if kind is RecordKind.DMARC:
        return [text for text in texts if is_policy(text)]
    return list(texts)


def _spf_names(author: str | None, client: Client | None) -> Iterator[str]:
    """The domain that SPF judges, or else the author's, which is usually the same."""
    if client is None:
        yield author or ""
        return
    name = client.sender.rpartition("@")[2] or client.helo
    yield domain_of(name) or name.lower().removesuffix(".")


def _dmarc_names(author: str | None, lookups: Lookups) -> Iterator[str]:
    """The author's own, and those above it that have a record."""
    if author:
        yield f"_dmarc.{author}"
        for name, texts in lookups.known_texts.items():
            above = name.removeprefix("_dmarc.")
            if name != above and author.endswith(f".{above}") and any(map(is_policy, texts)):
                yield name
