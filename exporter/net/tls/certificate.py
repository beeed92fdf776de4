"""The certificate of our own servers."""

import ssl
from collections.abc import Callable, Iterable

from exporter.config.renewal import FromFiles, unreadable
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.tls.handshake import accept_from
from exporter.net.tls.key_pair import load_pair
from exporter.net.tls.words import KEY_PROBLEMS

_PROBLEMS = KEY_PROBLEMS | {
    "KEY_VALUES_MISMATCH": "the key does not match the certificate",
    "KEY_TYPE_MISMATCH": "the key does not match the certificate",
}
"""By the reasons of OpenSSL."""


def _as_it_is(context: ssl.SSLContext) -> None:
    pass


class ServerCertificate:
    """A certificate and its key from two PEM files, reloaded when they change.

    `dress` sets all other options of a context; name any files that it reads in `also`. Raises
    ProbeError (tls) if the files cannot be used. A failed reload is logged, and the old certificate
    stays in use.
    """

    def __init__(
        self,
        cert_file: str,
        key_file: str,
        dress: Callable[[ssl.SSLContext], None] = _as_it_is,
        also: Iterable[str] = (),
    ) -> None:
        self._files = cert_file, key_file
        self._dress = dress
        self._context = FromFiles("the certificate", (*self._files, *also), self._load)

    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        return self._context.current()

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        accept_from(context, "TLS12")
        cert_file, key_file = self._files
        for file in self._files:  # OpenSSL would not say which of them it is
            if problem := unreadable(file):
                raise ProbeError(Reason.TLS, f"cannot read {file}: {problem}")
        load_pair(context, cert_file, key_file, _no_password, self._problem)
        self._dress(context)
        return context

    def _problem(self, reason: str) -> str:
        cert_file, key_file = self._files
        usual = "not a certificate and an unencrypted key in PEM format"
        return f"cannot use {cert_file} with {key_file}: {_PROBLEMS.get(reason, usual)}"


def _no_password() -> str:
    """Refuses an encrypted key: OpenSSL would prompt for its password at the terminal, and
    block."""
    return ""
