"""Whether the chain of a server leads to a trust anchor that is known only by a TLSA record (RFC
6698, RFC 7672 section 3.1.2). Pure.

OpenSSL could decide that in the handshake, but Python does not give it the records. The
verification of cryptography has the rules of browsers: it refuses certificates of CAs of one's own
that OpenSSL accepts, such as those without an authority key identifier. The tests compare with
OpenSSL.
"""

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from exporter.core.one_line import one_line
from exporter.net.tls.host_pattern import matches

MOST = 10  # certificates that are looked at
Kind = TypeVar("Kind", bound=x509.ExtensionType)

_SERVER = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def anchored(
    chain: Sequence[bytes],
    is_anchor: Callable[[bytes], bool],
    names: Collection[str],
    now: float,
) -> str:
    """Why this chain, DER, does not lead from a valid certificate of one of the names to an
    anchor; "" if it does. The server's own is the first, and no anchor itself."""
    with warnings.catch_warnings(action="ignore"):  # about what some certificates hold
        try:
            known = dict(_readable(chain[:MOST]))
            path = _path(list(known.values()), [is_anchor(one) for one in known])
            return (
                _refusal(path, names, now) if path else "no chain leads to one of the TLSA records"
            )
        except (ValueError, TypeError, x509.DuplicateExtension) as error:
            return f"it cannot be read ({one_line(str(error))})"


def _readable(chain: Sequence[bytes]) -> Iterator[tuple[bytes, x509.Certificate]]:
    """Those that can be read, by their DER form. Raises ValueError if the server's own cannot."""
    for number, one in enumerate(chain):
        try:
            yield one, x509.load_der_x509_certificate(one)
        except ValueError:
            if number == 0:
                raise


def _path(known: Sequence[x509.Certificate], anchor: Sequence[bool]) -> list[x509.Certificate]:
    """The shortest way from the server's own certificate to an anchor; empty if there is none."""
    paths, seen = [[0]], {0}
    while paths:
        path = paths.pop(0)
        for number, one in enumerate(known):
            if number in seen or not _issued(known[path[-1]], one):
                continue
            if anchor[number]:
                return [known[step] for step in (*path, number)]
            seen.add(number)
            paths.append([*path, number])
    return []


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _refusal(path: Sequence[x509.Certificate], names: Collection[str], now: float) -> str:
    moment = datetime.fromtimestamp(now, UTC)
    for one in path:
        if moment > one.not_valid_after_utc:
            return f"{_whose(one)} has expired"
        if moment < one.not_valid_before_utc:
            return f"{_whose(one)} is not yet valid"
    own, *issuers = path
    for below, one in enumerate(issuers):
        constraints = _extension(one, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            return f"{_whose(one)} is not that of a CA"
        if constraints.path_length is not None and constraints.path_length < below:
            return f"{_whose(one)} allows no chain that long"
        usage = _extension(one, x509.KeyUsage)
        if usage is not None and not usage.key_cert_sign:
            return f"{_whose(one)} may not sign certificates"
    purposes = _extension(own, x509.ExtendedKeyUsage)
    if purposes is not None and _SERVER.isdisjoint(purposes):
        return "it is not for servers"
    if not any(matches(pattern, name) for pattern in _names(own) for name in names):
        return f"it is not for {' or '.join(sorted(names))}"
    return ""


def _names(certificate: x509.Certificate) -> list[str]:
    """Its DNS names, or if there are none, its common names, as OpenSSL has it."""
    alternative = _extension(certificate, x509.SubjectAlternativeName)
    if alternative is not None and (found := alternative.get_values_for_type(x509.DNSName)):
        return found
    return [
        str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _whose(certificate: x509.Certificate) -> str:
    return (
        f"the certificate of {one_line(certificate.subject.rfc4514_string(), 80) or 'an unnamed'}"
    )
