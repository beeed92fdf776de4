"""Which certificates TLSA records allow in SMTP (RFC 7672 section 3). Pure."""

from collections.abc import Collection, Sequence
from contextlib import suppress

from exporter.net.tls.der import public_key_of
from exporter.net.tls.tlsa import (
    CERTIFICATE,
    END_ENTITY,
    FULL,
    PUBLIC_KEY,
    TRUST_ANCHOR,
    Tlsa,
    matched,
    matcher,
)
from exporter.net.tls.trust_anchor import anchored


def refusal(
    records: Collection[Tlsa], chain: Sequence[bytes], names: Collection[str], now: float
) -> str:
    """Why these usable records do not allow a server with this chain; "" if they do.

    A match of usage 3 allows it whatever its names and its end are (RFC 7672 section 3.1.1).
    One of usage 2 needs a valid chain to that certificate, and one of the `names`.
    """
    if not chain:
        return "the server sent no certificate"
    if matcher(one for one in records if one.usage == END_ENTITY)(chain[0]):
        return ""
    if not (anchors := [one for one in records if one.usage == TRUST_ANCHOR]):
        return f"it matches none of the TLSA records{_cure(records, chain[0])}"
    more = [one.data for one in anchors if (one.selector, one.matching) == (CERTIFICATE, FULL)]
    return anchored([*chain, *more], matcher(anchors), names, now)


def _cure(records: Collection[Tlsa], certificate: bytes) -> str:
    """The record that would match, in the form that is advised (RFC 7672 section 3.1.1) or used."""
    kinds = {(one.selector, one.matching) for one in records if one.matching}
    selector, matching = (1, 1) if not kinds or (1, 1) in kinds else min(kinds)
    with suppress(IndexError, ValueError):
        part = public_key_of(certificate) if selector == PUBLIC_KEY else certificate
        digest = matched(part, matching).hex()
        return f"; if it was renewed, publish {END_ENTITY} {selector} {matching} {digest}"
    return ""
