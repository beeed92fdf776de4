"""Our own certificate, for servers that ask for one (RFC 8446 section 4.3.2)."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Self

from exporter.config.renewal import state_of, unreadable
from exporter.config.server import ClientCertificateOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.when import utc_day
from exporter.net.exceptions import map_secrets
from exporter.net.tls.expiry import expiry_of
from exporter.net.tls.key_pair import load_pair
from exporter.net.tls.subject import subject_of
from exporter.net.tls.words import KEY_PROBLEMS

LARGEST = 1 << 20  # bytes of a file with certificates
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH")

State = tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its key, in files that have this state now."""

    options: ClientCertificateOptions
    state: State

    @classmethod
    def of(cls, options: ClientCertificateOptions) -> Self:
        password = options.key_password.origin if options.key_password else ""
        files = options.cert_file, options.key_file, password
        return cls(options, tuple(map(state_of, files)))

    def load_into(self, context: ssl.SSLContext) -> None:
        """Reads the files. Raises ProbeError (tls)."""
        cert_file, key_file = self.options.cert_file, self.options.key_file
        self.own()
        if problem := unreadable(key_file):
            raise ProbeError(Reason.TLS, f"cannot read key_file {key_file}: {problem}")
        asked = False

        def password() -> bytes:
            nonlocal asked
            asked = True
            secret = self.options.key_password
            return secret.reveal().encode("utf-8", "surrogateescape") if secret else b""

        try:
            with map_secrets(Reason.TLS, "key_password"):
                load_pair(
                    context, cert_file, key_file, password, lambda why: self._problem(why, asked)
                )
        except ValueError:  # Python takes at most 1024 bytes
            words = f"the key_password of {key_file} is longer than 1024 bytes"
            raise ProbeError(Reason.TLS, words) from None

    def _problem(self, reason: str, asked: bool) -> str:
        cert_file, key_file = self.options.cert_file, self.options.key_file
        if reason in _MISMATCH:
            return f"the key in {key_file} does not belong to the certificate in {cert_file}"
        if reason in KEY_PROBLEMS:
            return f"cannot use {cert_file} with {key_file}: {KEY_PROBLEMS[reason]}"
        if asked and self.options.key_password:
            return f"cannot decrypt key_file {key_file}: key_password is wrong"
        if asked:
            return f"key_file {key_file} is encrypted: set `key_password`"
        return f"cannot use key_file {key_file}: no private key in it (PEM format)"

    def own(self) -> "OwnCertificate":
        """What the file says. Raises ProbeError (tls)."""
        return _own(self.options.cert_file, self.state[0])


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """What our certificate says."""

    subject: str
    expires_at: float | None  # Unix time
    fingerprint: str  # SHA-256, as Postfix writes it

    def __str__(self) -> str:
        return f"{self.subject}, {self.until}"

    @property
    def until(self) -> str:
        """The end of its validity, for people."""
        if self.expires_at is None:
            return "validity unknown"
        return f"valid until {utc_day(self.expires_at)}"


@lru_cache(maxsize=64)
def _own(cert_file: str, state: tuple[int, ...] | None) -> OwnCertificate:
    """Of the first certificate in a file that has this state."""
    if problem := unreadable(cert_file):
        raise ProbeError(Reason.TLS, f"cannot read cert_file {cert_file}: {problem}")
    try:
        with open(cert_file, "rb") as file:
            text = file.read(LARGEST)
    except OSError as error:
        raise ProbeError(
            Reason.TLS, f"cannot read cert_file {cert_file}: {error.strerror}"
        ) from None
    try:
        begin = text.index(_BEGIN)
        pem = text[begin : text.index(_END, begin) + len(_END)].decode("ascii")
        der = ssl.PEM_cert_to_DER_cert(pem)
        subject = subject_of(der)
    except (ValueError, IndexError):
        raise ProbeError(
            Reason.TLS, f"cannot use cert_file {cert_file}: no certificate in it (PEM format)"
        ) from None
    fingerprint = sha256(der).digest().hex(":").upper()
    return OwnCertificate(subject, expiry_of(der), fingerprint)


def expiry_times(cert_files: Iterable[str]) -> dict[str, float]:
    """When the first certificate in each file expires (Unix time), as the files are now; without
    those that cannot be read."""
    ends = {}
    for file in cert_files:
        try:
            ends[file] = _own(file, state_of(file)).expires_at
        except ProbeError:
            continue
    return {file: end for file, end in ends.items() if end is not None}
