"""The files of a client certificate: what can be in them, and what is said of each mistake."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from exporter.commands.review import review
from exporter.config.server import AccessOptions, ClientCertificateOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.tls.client_certificate import ClientCertificate, expiry_times
from exporter.net.tls.handshake import client_context
from exporter.senders.smtp import SmtpOptions
from exporter.settings import Settings
from tests.support.chains import issue, presented

PASSWORD = "hunter2 of the key"
CONFIGURATION = """
mailboxes:
  a:
    imap: {{host: imap.example.org, client_certificate: {{cert_file: {cert}, key_file: {key}{more}}}}}
"""  # noqa: E501


class Files:
    """A certificate and its key, and how they are written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.identity = issue("probe")
        self.options = presented(self.identity, directory)
        self.key, self.certificate = directory / "client.key", directory / "client.crt"

    def write_key(self, form: PrivateFormat, password: str = "", key: Any = None) -> None:
        how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        key = key or self.identity.key
        self.key.write_bytes(key.private_bytes(Encoding.PEM, form, how))

    def load(self, **more: Any) -> ssl.SSLContext:
        given = {**self.options, **more}
        return client_context(AccessOptions.model_validate({"client_certificate": given}))

    def problem(self, **more: Any) -> str:
        with pytest.raises(ProbeError) as caught:
            self.load(**more)
        assert caught.value.reason is Reason.TLS
        assert PASSWORD not in str(caught.value)
        return caught.value.detail


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_usual_forms_of_keys_are_read(
    tmp_path: Path, form: PrivateFormat, encrypted: bool, kind: str
) -> None:
    files = Files(tmp_path)
    if kind == "rsa":
        key: Any = rsa.generate_private_key(65537, 2048)
        files.certificate.write_bytes(_of_rsa(key))
        files.write_key(form, PASSWORD if encrypted else "", key)
    else:
        files.write_key(form, PASSWORD if encrypted else "")
    files.load(key_password=PASSWORD) if encrypted else files.load()


def test_both_may_be_in_one_file_and_the_password_in_another(files: Files) -> None:
    files.write_key(PrivateFormat.PKCS8, PASSWORD)
    both = files.directory / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    secret = files.directory / "password"
    secret.write_text(f"{PASSWORD}\n")
    files.load(cert_file=str(both), key_file=str(both), key_password={"file": str(secret)})


def _of_rsa(key: rsa.RSAPrivateKey) -> bytes:
    """A certificate for that key."""
    like = issue("probe").certificate
    builder = x509.CertificateBuilder(like.issuer, like.subject, key.public_key())
    builder = builder.serial_number(1).not_valid_before(like.not_valid_before_utc)
    builder = builder.not_valid_after(like.not_valid_after_utc)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _rewrite(name: str, content: bytes) -> Callable[[Files], dict[str, Any]]:
    def change(files: Files) -> dict[str, Any]:
        (files.directory / name).write_bytes(content)
        return {}

    return change


def _remove(name: str) -> Callable[[Files], dict[str, Any]]:
    def change(files: Files) -> dict[str, Any]:
        (files.directory / name).unlink()
        return {}

    return change


def _another_key(files: Files) -> dict[str, Any]:
    files.write_key(PrivateFormat.PKCS8, key=generate_private_key(SECP256R1()))
    return {}


def _encrypted(**more: Any) -> Callable[[Files], dict[str, Any]]:
    def change(files: Files) -> dict[str, Any]:
        files.write_key(PrivateFormat.PKCS8, PASSWORD)
        return more

    return change


def _directory(files: Files) -> dict[str, Any]:
    return {"key_file": str(files.directory)}


MISTAKES: dict[str, Callable[[Files], dict[str, Any]]] = {
    "cannot read cert_file {d}/client.crt: No such file or directory": _remove("client.crt"),
    "cannot read key_file {d}/client.key: No such file or directory": _remove("client.key"),
    "cannot read key_file {d}: Is a directory": _directory,
    "cannot use cert_file {d}/client.crt: no certificate in it (PEM format)": _rewrite(
        "client.crt", b"\x30\x82\1\1DER"
    ),
    "cannot use key_file {d}/client.key: no private key in it (PEM format)": _rewrite(
        "client.key", b"not a key\n"
    ),
    "the key in {d}/client.key does not belong to the certificate in {d}/client.crt": _another_key,
    "key_file {d}/client.key is encrypted: set `key_password`": _encrypted(),
    "cannot decrypt key_file {d}/client.key: key_password is wrong": _encrypted(
        key_password="another"
    ),
    "key_password: the environment variable MAILTRIP_NO_SUCH is not set": _encrypted(
        key_password={"env": "MAILTRIP_NO_SUCH"}
    ),
    "the key_password of {d}/client.key is longer than 1024 bytes": _encrypted(
        key_password="x" * 1025
    ),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_each_mistake_is_one_clear_line(files: Files, words: str) -> None:
    more = MISTAKES[words](files)
    assert files.problem(**more) == words.format(d=files.directory)


def check(files: Files, more: str = "") -> list[str]:
    """What `mailtrip check` says of the files."""
    text = CONFIGURATION.format(cert=files.certificate, key=files.key, more=more)
    path = files.directory / "mailtrip.yml"
    path.write_text(text)
    return [str(one) for one in review(Settings.reading(str(path)), usage=False)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_another_key, "does not belong to the certificate in"),
        (_encrypted(), "is encrypted: set `key_password`"),
        (_remove("client.key"), "client.key: No such file or directory"),
        (_rewrite("client.crt", b""), "client.crt is empty"),
        (_rewrite("client.key", b"no key"), "no private key in it (PEM format)"),
    ],
)
def test_check_says_it_once(
    files: Files, change: Callable[[Files], dict[str, Any]], words: str
) -> None:
    assert check(files) == []
    change(files)
    (line,) = check(files)
    assert words in line


def test_check_warns_of_a_certificate_that_has_expired(files: Files) -> None:
    presented(issue("probe", days=(-9, -2)), files.directory)
    (line,) = check(files)
    assert "client_certificate.cert_file" in line
    assert "the certificate has expired (CN=probe, valid until 20" in line


def test_a_context_is_made_again_only_if_a_file_changed(files: Files) -> None:
    context = files.load()
    assert files.load() is context
    presented(issue("probe"), files.directory)
    assert files.load() is not context


def test_the_end_of_each_certificate_is_known_as_long_as_it_can_be_read(files: Files) -> None:
    file, gone = str(files.certificate), str(files.directory / "gone.crt")
    end = files.identity.certificate.not_valid_after_utc.timestamp()
    assert expiry_times([file, gone]) == {file: end}
    presented(issue("probe", days=(-1, 3)), files.directory)
    assert expiry_times([file])[file] < end
    files.certificate.write_text("")
    assert expiry_times([file]) == {}


def test_it_says_what_postfix_and_dovecot_ask_for(files: Files) -> None:
    options = ClientCertificateOptions.model_validate(files.options)
    own = ClientCertificate.of(options).own()
    assert own.subject == "CN=probe"
    assert own.fingerprint.replace(":", "").lower() == fingerprint(files)
    assert str(own).startswith("CN=probe, valid until 20")


def fingerprint(files: Files) -> str:
    return files.identity.certificate.fingerprint(SHA256()).hex()


OPTIONS = {"cert_file": "/c.pem", "key_file": "/k.pem"}
CONFLICTS: dict[str, dict[str, Any]] = {
    "client_certificate needs TLS": {"tls": "none", "client_certificate": OPTIONS},
    "auth: external needs client_certificate": {"auth": "external"},
    "auth: external does not work with password": {
        "auth": "external",
        "client_certificate": OPTIONS,
        "username": "me",
        "password": "x",
    },
    "auth: none excludes username": {
        "auth": "none",
        "client_certificate": OPTIONS,
        "username": "me",
    },
    "username needs a password, oauth2 or client_certificate": {"username": "me"},
}


@pytest.mark.parametrize("words", CONFLICTS)
def test_options_that_do_not_fit_are_named(words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SmtpOptions.model_validate({"host": "mx.test", **CONFLICTS[words]})


def test_a_certificate_is_never_offered_in_plain_text_by_accident() -> None:
    options = AccessOptions.model_validate({"port": 25, "client_certificate": OPTIONS})
    assert options.tls_mode == "starttls"
