"""What `check` says of secrets and files that are not there, or are something else."""

import os
from pathlib import Path

import pytest

from exporter.net.signatures.signing_key import new_signing_key
from tests.support.reviewed import MAILBOX, SENDER, found, lines_of


def test_a_file_with_the_url_of_a_proxy_is_read(tmp_path: Path) -> None:
    file = tmp_path / "proxy"
    text = SENDER % f"smtp: {{host: h, proxy: {{file: {file}}}}}"
    file.write_text("socks5://me:hunter2@proxy.example\n")
    (line,) = found(text)
    assert f"the proxy in {file} cannot be used: the port is missing" in line
    file.write_text("socks5://me:hunter2@proxy.example:1080\n")
    assert found(text) == []


def test_headers_and_certificates_for_a_collector_are_read(tmp_path: Path) -> None:
    text = (
        "tracing: {endpoint: 'https://otel.example.org', ca_file: %s, headers: {X-Key: {file: %s}}}"
    )
    lines = found(text % (tmp_path / "ca", tmp_path / "key"))
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "tracing.ca_file",
        "tracing.headers.X-Key",
    ]
    assert found(text % (tmp_path / "ca", tmp_path / "key"), here=False) == []


def test_a_secret_that_is_not_there_or_empty_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, file = "f:2:46: mailboxes.m.imap.password", tmp_path / "secret"
    text = MAILBOX % "imap: {host: h, username: u, password: {%s}}"
    assert found(text % f"file: {file}") == [
        f"{where}: cannot read the secret in {file}: No such file or directory"
    ]
    assert found(text % f"file: {tmp_path}") == [
        f"{where}: cannot read the secret in {tmp_path}: Is a directory"
    ]
    monkeypatch.delenv("NO_SUCH", raising=False)
    assert found(text % "env: NO_SUCH") == [f"{where}: the environment variable NO_SUCH is not set"]
    monkeypatch.setenv("NO_SUCH", "")
    assert found(text % "env: NO_SUCH")[0].startswith(
        f"{where}: the environment variable NO_SUCH is empty"
    )
    assert found(text % "env: NO_SUCH", here=False) == []
    for empty in (b"", b"\n", b" \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"):
        (line,) = lines_of(file, empty)
        words = "contains only blanks" if empty.strip(b"\xef\xbb\xbf\r\n") else "is empty"
        assert line == f"{where}: the file {file} {words}: there is no secret in it"
    assert lines_of(file, "pässword".encode("utf-16")) == [
        f"{where}: cannot read the secret in {file}: not UTF-8"
    ]
    for good in (
        b"hunter2",
        b"hunter2\n",
        b"hunter2\r\n",
        b"\xef\xbb\xbfhunter2\n",
        b"hun ter2",
        b'{\n"a": 1\n}\n',
    ):
        assert lines_of(file, good) == []
    for blank in (b"hunter2 \n", b" hunter2", b"hunter2\t"):
        (line,) = lines_of(file, blank)
        assert "warning: mailboxes.m.imap.password: " in line
        assert "begins or ends with a blank, which is part of the secret" in line
    for more in (b"hunter2\n\n", b"hunter2\n# old: hunter1\n", b"hunter2\r\n\r\n"):
        (line,) = lines_of(file, more)
        assert "has more than one line, and all lines are part of the secret" in line


def test_what_can_be_read_only_once_is_left_for_the_one_who_needs_it(tmp_path: Path) -> None:
    """As `password: {file: /dev/fd/63}` of a shell's `<(pass show imap)`."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)
    os.write(writer, b"hunter2")
    secret = (
        f"imap: {{host: h, username: u, ca_file: {tmp_path}/pipe, password: {{file:"
        f" {tmp_path}/pipe}}}}"
    )
    assert found(MAILBOX % secret) == []
    assert os.read(reader, 100) == b"hunter2"
    os.close(writer)
    os.close(reader)
    (line,) = found(MAILBOX % "imap: {host: h, username: u, password: {file: /dev/null}}")
    assert line.endswith("the file /dev/null is empty: there is no secret in it")


def test_what_systemd_shows_only_to_a_running_unit_is_a_warning() -> None:
    unit = "/run/credentials/no-such-unit.service/imap"
    (line,) = found(
        MAILBOX % f"imap: {{host: h, username: u, ca_file: /dev/null, password: {{file: {unit}}}}}"
    )[1:]
    assert "warning: mailboxes.m.imap.password: exists only while the unit runs" in line


def test_a_key_that_cannot_sign_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    key = f"{{file: {file}}}"
    text = SENDER % "mx: {}}, dkim: {domain: b.example, selector: s1, key: %s" % key
    file.write_text(new_signing_key("ed25519", 0).pem)
    assert found(text) == []
    file.write_text("hello")
    (line,) = found(text)
    assert line.endswith(
        f"dkim.key: the key in {file} is not a private key in PEM format, or has a password"
    )
    (line,) = found(text.replace(key, "hello"))
    assert line.endswith("dkim.key: is not a private key in PEM format, or has a password")
