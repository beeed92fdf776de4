"""TLS towards mail servers: contexts from options, facts about a session, and what went wrong in one line."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from cryptography import x509

from exporter.config.server import TlsOptions
from exporter.model import Leg, ProbeError, Reason, TlsSession


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


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Turns every error of a TLS handshake into a ProbeError (tls, disconnected)."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        message = error.verify_message or "it does not verify"
        raise ProbeError(Reason.TLS, f"the certificate of {server} is refused: {message}") from error
    except ssl.SSLError as error:
        raise ProbeError(Reason.TLS, f"no TLS with {server}: {_words(error)}") from error
    except (ConnectionError, OSError) as error:
        raise ProbeError(Reason.DISCONNECTED, f"{server} cut the connection in the TLS handshake") from error


def _words(error: ssl.SSLError) -> str:
    return (error.reason or "the handshake failed").lower().replace("_", " ")
