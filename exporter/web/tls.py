"""TLS according to the web configuration file."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from ipaddress import ip_address
from typing import Any

from exporter.config.renewal import unreadable
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.tls.certificate import ServerCertificate
from exporter.web.options import CIPHER_SUITES, CURVES, TlsServerOptions

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFICATION = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class Tls:
    """TLS for every new connection. Raises ProbeError (tls) if the files cannot be
    used."""

    def __init__(self, options: TlsServerOptions) -> None:
        self._sans = options.client_allowed_sans
        also = [options.client_ca_file] if options.client_ca_file else []
        self._certificate = ServerCertificate(
            options.cert_file, options.key_file, partial(configure_context, options), also
        )

    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        return self._certificate.context()

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether this client is allowed, by its verified certificate in the form of Python's ssl
        module."""
        return (
            not certificate
            or self._sans is None
            or not set(self._sans).isdisjoint(_names(certificate))
        )


def configure_context(options: TlsServerOptions, context: ssl.SSLContext) -> None:
    """Sets all options except the certificate. Raises ProbeError (tls)."""
    context.minimum_version = _VERSIONS[options.min_version]
    context.maximum_version = _VERSIONS[options.max_version]
    context.set_alpn_protocols(["http/1.1"])
    if not options.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for curve in options.curve_preferences or ():
        if can_set(curve):
            context.set_ecdh_curve(CURVES[curve])
    context.verify_mode = _VERIFICATION[options.client_auth_type]
    for set_option in _FALLIBLE.values():
        set_option(options, context)


def unusable_options(options: TlsServerOptions) -> Iterator[tuple[str, str]]:
    """The options whose values cannot be used here, with the causes."""
    for name, set_option in _FALLIBLE.items():
        try:
            set_option(options, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except ProbeError as error:
            yield name, error.detail


@cache
def can_set(curve: str) -> bool:
    """Whether this Python can offer only this curve: before about 3.11.4 it did not support
    X25519."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(CURVES[curve])
    except (ssl.SSLError, ValueError):
        return False
    return True


def _set_ciphers(options: TlsServerOptions, context: ssl.SSLContext) -> None:
    ciphers = [cipher for name in options.cipher_suites or () if (cipher := CIPHER_SUITES[name])]
    if options.cipher_suites and not ciphers:  # all of them are TLS 1.3's
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    elif ciphers:
        try:
            context.set_ciphers(":".join(ciphers))
        except ssl.SSLError:
            raise ProbeError(Reason.TLS, "OpenSSL on this machine supports none of them") from None


def _set_client_ca(options: TlsServerOptions, context: ssl.SSLContext) -> None:
    if not (ca_file := options.client_ca_file):
        return
    if problem := unreadable(ca_file):
        raise ProbeError(Reason.TLS, f"cannot read {ca_file}: {problem}")
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise ProbeError(
            Reason.TLS, f"cannot use {ca_file}: it contains no certificate in PEM format"
        ) from None
    except OSError as error:
        raise ProbeError(Reason.TLS, f"cannot read {ca_file}: {error.strerror}") from None


_FALLIBLE: Mapping[str, Callable[[TlsServerOptions, ssl.SSLContext], None]] = {
    "cipher_suites": _set_ciphers,
    "client_ca_file": _set_client_ca,
}
"""Options that can fail although their values are well formed, and what sets them."""


def _names(certificate: Mapping[str, Any]) -> Iterator[str]:
    """The subject alternative names in the toolkit's form for comparison: addresses in their
    shortest form."""
    for kind, name in certificate.get("subjectAltName", ()):
        if kind == "IP Address":
            yield str(ip_address(name))
        elif kind in ("DNS", "email", "URI"):
            yield name
