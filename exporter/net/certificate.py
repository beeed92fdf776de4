"""The certificate that a server of ours shows."""

import logging
import os
import ssl

from exporter.model import ProbeError, Reason

log = logging.getLogger(__name__)


class ServerCertificate:
    """A certificate and its key from two PEM files, which are read again when they change.

    Raises ProbeError (tls) when they cannot be used. A renewal that goes wrong is logged, and the old ones stay in use.
    """

    def __init__(self, cert_file: str, key_file: str) -> None:
        self._files = cert_file, key_file
        self._seen = self._changed()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """The context for the next connection."""
        try:
            changed = self._changed()
            if changed != self._seen:
                self._seen = changed
                self._context = self._load()
        except ProbeError as error:
            log.warning("the certificate is not renewed: %s", error.detail)
        return self._context

    def _changed(self) -> tuple[int, ...]:
        try:
            return tuple(os.stat(file).st_mtime_ns for file in self._files)
        except OSError as error:
            raise ProbeError(Reason.TLS, f"cannot read {error.filename}: {error.strerror}") from None

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert_file, key_file = self._files
        try:
            context.load_cert_chain(cert_file, key_file, password=_no_password)
        except ssl.SSLError as error:
            mismatch = error.reason == "KEY_VALUES_MISMATCH"
            problem = "they do not belong together" if mismatch else "not a certificate and a plain key in PEM format"
            raise ProbeError(Reason.TLS, f"cannot use {cert_file} with {key_file}: {problem}") from None
        except OSError as error:
            raise ProbeError(Reason.TLS, f"cannot read {cert_file} or {key_file}: {error.strerror}") from None
        return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal for the password of an encrypted key, and wait for ever."""
    return ""
