"""A certificate and its private key, in files in PEM format."""

import ssl
from collections.abc import Callable

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.exceptions import map_exceptions


def load_pair(
    context: ssl.SSLContext,
    cert_file: str,
    key_file: str,
    password: Callable[[], str | bytes],
    problem: Callable[[str], str],
) -> None:
    """Loads both. Raises ProbeError (tls); `problem` says what is wrong, by OpenSSL's word for
    it."""
    with map_exceptions(
        {
            ssl.SSLError: lambda error: ProbeError(Reason.TLS, problem(error.reason or "")),
            # It has gone, or changed, since it was found to be readable.
            OSError: lambda error: ProbeError(
                Reason.TLS, f"cannot read {cert_file} or {key_file}: {error.strerror}"
            ),
        },
        quiet=True,
    ):
        context.load_cert_chain(cert_file, key_file, password)
