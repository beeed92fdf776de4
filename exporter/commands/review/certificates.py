"""Checks the certificates that a configuration names, by loading them as a trip does."""

import os
import ssl
from collections.abc import Iterator

from exporter.config.finding import Finding
from exporter.config.mistakes import Path
from exporter.config.server import ClientCertificateOptions, ReceiverTls, TlsOptions
from exporter.core.model import ProbeError
from exporter.core.timing.clock import Clock
from exporter.net.tls.certificate import ServerCertificate
from exporter.net.tls.client_certificate import ClientCertificate
from exporter.net.tls.handshake import client_context


def of_authorities(path: Path, file: str) -> Iterator[Finding]:
    try:
        client_context(TlsOptions(ca_file=file))
    except ProbeError as error:
        yield Finding(path, error.detail)


def of_a_receiver(path: Path, tls: ReceiverTls) -> Iterator[Finding]:
    if all(
        os.path.isfile(file) and os.access(file, os.R_OK) for file in (tls.cert_file, tls.key_file)
    ):
        try:
            ServerCertificate(tls.cert_file, tls.key_file)
        except ProbeError as error:
            yield Finding((*path, "cert_file"), error.detail)


def of_a_client(path: Path, ours: ClientCertificateOptions) -> Iterator[Finding]:
    """What is wrong with one of the files alone has been said."""
    files = (ours.cert_file, ours.key_file)
    if not all(os.path.isfile(file) and os.access(file, os.R_OK) for file in files):
        return
    if not all(os.path.getsize(file) for file in files):
        return
    try:
        certificate = ClientCertificate.of(ours)
        certificate.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except ProbeError as error:
        yield Finding(path, error.detail)
        return
    own, now = certificate.own(), Clock().wall()
    if own.expires_at is not None and own.expires_at < now:
        text = f"the certificate has expired ({own}): most servers refuse it"
        yield Finding((*path, "cert_file"), text, warning=True)
