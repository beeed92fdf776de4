"""The certificate that a server of ours shows."""

import ssl
from collections.abc import Callable, Iterable

from exporter.config.renewal import FromFiles
from exporter.model import ProbeError, Reason


def _as_it_is(context: ssl.SSLContext) -> None:
    pass


class ServerCertificate:
    """A certificate and its key from two PEM files, which are read again when they change.

    `dress` sets everything else in a context, perhaps from files of its own: name them in `also`.
    Raises ProbeError (tls) when they cannot be used. A renewal that goes wrong is logged, and the old ones stay in use.
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
        cert_file, key_file = self._files
        try:
            for file in self._files:
                open(file, "rb").close()  # OpenSSL would not say which of them it is
            context.load_cert_chain(cert_file, key_file, password=_no_password)
        except ssl.SSLError as error:
            mismatch = error.reason == "KEY_VALUES_MISMATCH"
            problem = "they do not belong together" if mismatch else "not a certificate and a plain key in PEM format"
            raise ProbeError(Reason.TLS, f"cannot use {cert_file} with {key_file}: {problem}") from None
        except OSError as error:
            raise ProbeError(Reason.TLS, f"cannot read {error.filename}: {error.strerror}") from None
        self._dress(context)
        return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal for the password of an encrypted key, and wait for ever."""
    return ""
