"""TLS to mail servers: contexts from options, facts about a session, and errors of one line."""

import asyncio
import os
import ssl
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self, cast
from weakref import WeakKeyDictionary

from exporter.config.renewal import unreadable
from exporter.config.server import TlsOptions, TlsVersion
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.exceptions import map_exceptions
from exporter.net.tls.client_certificate import ClientCertificate, OwnCertificate
from exporter.net.tls.expiry import expiry_of
from exporter.net.tls.peer_certificate import Info, issuer_of, lines_about, names_of, serial_of
from exporter.net.tls.words import (
    ABOUT_OUR_CERTIFICATE,
    NO_TLS,
    refusal,
    refusal_of_ours,
    trouble,
)
from exporter.net.wrong_port import MOST, plaintext_hint

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_LEGACY = ("TLS10", "TLS11")
NEVER = 86400.0  # seconds; asyncio's own limits are out of the way, since our callers cancel
NOT_ASKED = "not asked for by the server"
UNDECODABLE = (AttributeError, LookupError, TypeError, ValueError, ssl.SSLError)
_OLD_CIPHERS = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0"  # never those that know no certificates
# SSL_OP_LEGACY_SERVER_CONNECT: a server without RFC 5746; named from Python 3.12 on.
_LEGACY_SERVER_CONNECT = 0x4


async def start_tls(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    server_name: str,
) -> asyncio.Transport:
    """The handshake on a connection that began in plain text, without a timeout."""
    upgraded = await asyncio.get_running_loop().start_tls(
        transport,
        protocol,
        context,
        server_hostname=server_name,
        ssl_handshake_timeout=NEVER,
    )
    if upgraded is None:  # asyncio: lost in the very moment in which the handshake was complete
        raise ConnectionResetError
    return upgraded


def client_context(options: TlsOptions) -> ssl.SSLContext:
    """The context for a client with these options, made once as long as its files do not change.

    Raises ProbeError (tls).
    """
    path = options.ca_file
    if path and (problem := unreadable(path)):
        raise ProbeError(Reason.TLS, f"cannot read ca_file {path}: {problem}")
    with map_exceptions(
        {
            ssl.SSLError: lambda _: ProbeError(
                Reason.TLS, f"cannot use ca_file {path}: no certificates in it (PEM format)"
            ),
            OSError: lambda error: ProbeError(
                Reason.TLS, f"cannot read ca_file {path}: {error.strerror}"
            ),
            # an OpenSSL that was built without old versions
            ValueError: lambda error: ProbeError(Reason.TLS, f"cannot set up TLS: {error}"),
        }
    ):
        changed = os.stat(path).st_mtime_ns if path else 0
        presents = ClientCertificate.of(options.presents) if options.presents else None
        return _context(path, changed, options.verify, options.tls_min_version, presents)


@lru_cache(maxsize=64)
def _context(
    ca_file: str | None,
    changed: int,
    verify: bool,
    oldest: TlsVersion,
    presents: ClientCertificate | None,
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = _Conversation
    if presents:
        presents.load_into(context)
        _presented[context] = presents.own()
        # Python has no other way to learn whether the server asked for it.
        context._msg_callback = _note_request  # type: ignore[attr-defined]
    # Python 3.13 began to refuse certificates that break rules of RFC 5280 which no mail server
    # looks at, such as one of an authority without a key identifier. The verdict must not depend on
    # the Python.
    context.verify_flags = (
        ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    )
    accept_from(context, oldest)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_presented: WeakKeyDictionary[ssl.SSLContext, OwnCertificate] = WeakKeyDictionary()
"""Our certificates, by the contexts that have one."""


def _note_request(
    conversation: "_Conversation",
    direction: str,
    version: object,
    content: object,
    message: object,
    data: bytes,
) -> None:
    if direction == "read" and getattr(message, "name", "") == "CERTIFICATE_REQUEST":
        conversation.asked = True


def accept_from(context: ssl.SSLContext, oldest: TlsVersion) -> None:
    """Sets the minimum version; a newer minimum in openssl.cnf takes precedence.

    Python in Debian and Ubuntu sets none, so OpenSSL's build default applies. Below TLS 1.2, keys,
    digests and ciphers of such servers are accepted, too, which OpenSSL's security levels 1 and 2
    forbid.
    """
    if oldest not in _LEGACY:
        context.minimum_version = max(context.minimum_version, _VERSIONS[oldest])
        return
    context.set_ciphers(_OLD_CIPHERS)
    context.options |= _LEGACY_SERVER_CONNECT
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = _VERSIONS[oldest]


def session_fact(tls: ssl.SSLObject, leg: Leg, host: str) -> TlsSession:
    """The TLS parameters, as a fact of the trip. The chain is unknown if it was not verified."""
    cipher = tls.cipher()
    certificate, verified = tls.getpeercert(True), tls.getpeercert()
    info = verified or _decoded_of(tls)
    return TlsSession(
        leg,
        tls.version() or "",
        cipher[0] if cipher else "",
        expiry_of(certificate) if certificate else None,
        _earliest_end(_verified_chain(tls)) if verified else None,
        issuer_of(info) if info else "",
        serial_of(info) if info else "",
        host=host,
        fingerprint=fingerprint_of(certificate) if certificate else "",
        client_certificate=presented_in(tls),
    )


def presented_in(tls: ssl.SSLObject) -> str:
    """Our certificate, for people, or that the server did not ask for it; empty if there is
    none."""
    return cast(_Conversation, tls).presented


def lines_about_session(fact: TlsSession, tls: ssl.SSLObject) -> Iterator[str]:
    """For a transcript."""
    yield f"-- {fact.version} {fact.cipher}"
    if own := _presented.get(tls.context):
        yield f"-- our client certificate: {fact.client_certificate}"
        yield f"-- its SHA-256 fingerprint: {own.fingerprint}"


def _decoded_of(tls: ssl.SSLObject) -> Info:
    """The server's own certificate, verified or not; empty if Python cannot decode it."""
    with suppress(*UNDECODABLE):
        return cast(_Conversation, tls).decoded()[0]
    return {}


def fingerprint_of(certificate: bytes) -> str:
    """Of a DER certificate."""
    return sha256(certificate).hexdigest()


def _earliest_end(chain: Iterable[bytes]) -> float | None:
    return min(filter(None, map(expiry_of, chain)), default=None)


def _verified_chain(tls: ssl.SSLObject) -> list[bytes]:
    """From the leaf to the root, as it was verified; public from Python 3.13 on."""
    if sys.version_info >= (3, 13):
        return tls.get_verified_chain()
    return _der(tls._sslobj.get_verified_chain())  # type: ignore[attr-defined]


def _der(chain: Iterable[Any] | None) -> list[bytes]:
    """Certificates of Python's own kind, encoded."""
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain or ()]


def chain_of(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates that the server sent, verified or not: DER, its own first."""
    return cast(_Conversation, tls).chain()  # `client_context` makes no others


class _CertificateRefused(ssl.SSLCertVerificationError):
    """The error for a certificate that did not verify, with the certificate."""

    chain: tuple[bytes, ...] = ()  # as it came, the leaf first
    names: tuple[str, ...] | None = None  # None: Python cannot decode it
    issuer = ""
    serial = ""
    lines: tuple[str, ...] = ()  # about it, for a transcript


class RefusesOurs(ssl.SSLError):
    """The error for a server that refuses our certificate, or that there is none."""

    presented = ""


class _NoTls(ssl.SSLError):
    """The error for a server that does not speak TLS, with its first bytes."""

    first = b""


class _Conversation(ssl.SSLObject):
    """Keeps the server's certificate also if it is refused, so that no second connection without
    verification is needed; and the server's first bytes if they are not TLS."""

    asked = False  # for our certificate
    _incoming: ssl.MemoryBIO
    _first = b""

    @classmethod
    def _create(cls, incoming: ssl.MemoryBIO, *arguments: Any, **options: Any) -> Self:
        conversation: Self = super()._create(incoming, *arguments, **options)  # type: ignore[misc]
        conversation._incoming = incoming
        return conversation

    def do_handshake(self) -> None:
        if not self._first and self._incoming.pending:
            heard = self._incoming.read()
            self._first = heard[:MOST]
            self._incoming.write(heard)
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            refused = _CertificateRefused(*error.args)
            refused.verify_code, refused.verify_message = error.verify_code, error.verify_message
            refused.chain = tuple(self.chain())
            with suppress(*UNDECODABLE):
                info, sent = self.decoded()
                refused.names = tuple(names_of(info)[0])
                refused.issuer, refused.serial = issuer_of(info), serial_of(info)
                refused.lines = tuple(lines_about(info, sent))
            raise refused from None
        except ssl.SSLError as error:
            self._raise_if_about_ours(error)
            if error.reason not in NO_TLS:
                raise
            strange = _NoTls(*error.args)
            strange.reason, strange.first = error.reason, self._first
            raise strange from None

    def read(self, *arguments: Any) -> Any:
        """With TLS 1.3, a server looks at our certificate when we have finished the handshake."""
        try:
            return super().read(*arguments)
        except ssl.SSLError as error:
            self._raise_if_about_ours(error)
            raise

    def _raise_if_about_ours(self, error: ssl.SSLError) -> None:
        if error.reason in ABOUT_OUR_CERTIFICATE:
            refused = RefusesOurs(*error.args)
            refused.reason = error.reason
            refused.presented = str(_presented.get(self.context) or "")
            raise refused from None

    @property
    def presented(self) -> str:
        """See `presented_in`."""
        if not (own := _presented.get(self.context)):
            return ""
        return str(own) if self.asked else NOT_ASKED

    def chain(self) -> list[bytes]:
        """What the server sent, DER. `getpeercert` knows only certificates that verified; the chain
        as it came is public from Python 3.13 on."""
        if sys.version_info >= (3, 13):
            return self.get_unverified_chain()
        return _der(self._sslobj.get_unverified_chain())  # type: ignore[attr-defined]

    def decoded(self) -> tuple[Info, int]:
        """The server's own certificate, and how many it sent. OpenSSL decodes at once, but Python
        has that in public only for certificates that verified."""
        chain = self._sslobj.get_unverified_chain() or []  # type: ignore[attr-defined]
        return chain[0].get_info(), len(chain)


def handshake_errors(
    server: str,
    leg: Leg,
    wanted: str = "",
    *,
    starttls: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> AbstractContextManager[None]:
    """Turns every error of a TLS handshake, perhaps one after STARTTLS, into a ProbeError (tls,
    disconnected).

    For a server that speaks plain text, the error has the cure for a client of `wanted`: IMAP,
    POP3, SMTP. `note` adds a line to the transcript: it gets what a refused certificate says.
    """

    def refused(error: ssl.SSLCertVerificationError) -> ProbeError:
        for line in error.lines if isinstance(error, _CertificateRefused) else ():
            note(line)
        return _refused(server, leg, error)

    def failed(error: ssl.SSLError) -> ProbeError:
        if isinstance(error, RefusesOurs):
            return refused_ours(server, error)
        speaks = plaintext_hint(error.first, wanted) if isinstance(error, _NoTls) else ""
        words = trouble(error, speaks, starttls=starttls)
        return ProbeError(Reason.TLS, f"TLS handshake with {server} failed: {words}")

    cut = f"{server} cut the connection in the TLS handshake"
    return map_exceptions(
        {
            ssl.SSLCertVerificationError: refused,
            ssl.SSLError: failed,
            OSError: lambda _: ProbeError(Reason.DISCONNECTED, cut),
        }
    )


def refused_ours(server: str, error: RefusesOurs) -> ProbeError:
    """The failure for a server that refuses our certificate, perhaps later than in the handshake
    (TLS 1.3)."""
    words = refusal_of_ours(error.reason or "", error.presented)
    failure = ProbeError(Reason.TLS, f"TLS handshake with {server} failed: {words}")
    failure.step = Step.TLS
    return failure


def _refused(server: str, leg: Leg, error: ssl.SSLCertVerificationError) -> ProbeError:
    fact, names = TlsSession(leg, "", "", None), None
    if isinstance(error, _CertificateRefused):
        names, chain = error.names, error.chain
        expires_at = expiry_of(chain[0]) if chain else None
        fact = TlsSession(
            leg,
            "",
            "",
            expires_at,
            _earliest_end(chain),
            error.issuer,
            error.serial,
            host=server,
            fingerprint=fingerprint_of(chain[0]) if chain else "",
        )
    words = refusal(error, names, fact.expires_at)
    return ProbeError(
        Reason.TLS, f"the certificate of {server} is not valid: {words}", facts=(fact,)
    )
