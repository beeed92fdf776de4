"""TLS towards mail servers: contexts from options, facts about a session, and what went wrong in one line."""

import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Self

from cryptography import x509

from exporter.config.server import TlsOptions
from exporter.model import Leg, ProbeError, Reason, TlsSession
from exporter.net.wrong_port import MOST, plain

_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE",
                      "UNKNOWN_PROTOCOL", "BAD_RECORD_TYPE", "DATA_LENGTH_TOO_LONG"})  # fmt: skip
"""Reasons of OpenSSL, in its versions, for a record that is none."""

_HAS_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL


def client_context(options: TlsOptions) -> ssl.SSLContext:
    """The context for a client with these options, made once as long as the CA file does not change."""
    try:
        changed = os.stat(options.ca_file).st_mtime_ns if options.ca_file else 0
        return _context(options.ca_file, changed, options.verify)
    except (OSError, ssl.SSLError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else "no certificates in it"
        raise ProbeError(Reason.TLS, f"cannot read ca_file {options.ca_file}: {problem}") from None


@lru_cache(maxsize=64)
def _context(ca_file: str | None, changed: int, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = _Conversation
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def session_fact(tls: ssl.SSLObject, leg: Leg) -> TlsSession:
    """What was agreed on, as a fact of the trip."""
    cipher = tls.cipher()
    return TlsSession(leg, tls.version() or "", cipher[0] if cipher else "", _expiry(tls.getpeercert(True)))


def _expiry(certificate: bytes | None) -> float | None:
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp() if certificate else None
    except ValueError:
        return None


class _CertificateRefused(ssl.SSLCertVerificationError):
    """Still has the certificate that did not verify."""

    leaf: bytes | None = None


class _NoTls(ssl.SSLError):
    """Still has what the server said in the place of a handshake."""

    first = b""


class _Conversation(ssl.SSLObject):
    """Reads the server's certificate also when it is refused, so that nobody has to connect again without verifying;
    and the server's first words, when they are no TLS."""

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
            refused.leaf = self._shown()
            raise refused from None
        except ssl.SSLError as error:
            if error.reason not in _NOT_TLS:
                raise
            strange = _NoTls(*error.args)
            strange.reason, strange.first = error.reason, self._first
            raise strange from None

    def _shown(self) -> bytes | None:
        """`getpeercert` knows only certificates that verified; the chain as it came is public from Python 3.13 on."""
        if sys.version_info >= (3, 13):
            return next(iter(self.get_unverified_chain()), None)
        chain = self._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        return ssl.PEM_cert_to_DER_cert(chain[0].public_bytes()) if chain else None


@contextmanager
def translated(server: str, leg: Leg, wanted: str = "") -> Iterator[None]:
    """Turns every error of a TLS handshake into a ProbeError (tls, disconnected).

    A server that speaks in the clear is named, with the cure for a client of `wanted`: IMAP, POP3, SMTP.
    """
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise _refusal(server, leg, error) from error
    except ssl.SSLError as error:
        speaks = plain(error.first, wanted) if isinstance(error, _NoTls) else ""
        raise ProbeError(
            Reason.TLS, f"no TLS with {server}: {_words(error)}{f' ({speaks})' if speaks else ''}"
        ) from error
    except (ConnectionError, OSError) as error:
        raise ProbeError(Reason.DISCONNECTED, f"{server} cut the connection in the TLS handshake") from error


def _refusal(server: str, leg: Leg, error: ssl.SSLCertVerificationError) -> ProbeError:
    message = error.verify_message or "it does not verify"
    expires_at = _expiry(error.leaf) if isinstance(error, _CertificateRefused) else None
    if expires_at is not None and error.verify_code == _HAS_EXPIRED:  # it, or one above it
        message += f"; the server's own is valid until {datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d %H:%M} UTC"
    fact = TlsSession(leg, "", "", expires_at)
    return ProbeError(Reason.TLS, f"the certificate of {server} is refused: {message}", facts=(fact,))


def _words(error: ssl.SSLError) -> str:
    return (error.reason or "the handshake failed").lower().replace("_", " ")
