"""Mistakes in the web configuration file while mailtrip runs: the last good one stays in use, and
one line says why."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.config.mistakes import Mistakes
from exporter.web.tls import can_set
from exporter.web.web_config import load_web_options
from tests.support.https_site import get, secure_site
from tests.support.old_tls_server import self_made
from tests.support.web_config_folder import CLIENTS, TLS, Folder

Break = Callable[[Folder], object]


def written(text: str) -> Break:
    return lambda folder: folder.write(text)


def raw(data: bytes) -> Break:
    return lambda folder: folder.file.write_bytes(data)


def instead(make: Callable[[Path], object], name: str = "web.yml") -> Break:
    """Something else in the place of a file."""

    def change(folder: Folder) -> None:
        (folder.path / name).unlink()
        make(folder.path / name)

    return change


def huge(folder: Folder) -> None:
    with folder.file.open("ab") as file:
        file.truncate(1 << 32)


def short_key(folder: Folder) -> None:
    certificate, key = self_made(bits=1024)
    (folder.path / "server.crt").write_bytes(certificate)
    (folder.path / "server.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def another_key(folder: Folder) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder.path / "server.key").write_bytes(pem)


def no_authority(folder: Folder) -> None:
    (folder.path / "clients.crt").write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    folder.write(TLS + CLIENTS)


def clients_of_a_fifo(folder: Folder) -> None:
    (folder.path / "clients.crt").unlink()
    os.mkfifo(folder.path / "clients.crt")
    folder.write(TLS + CLIENTS)


BROKEN: dict[str, Break] = {
    "removed": lambda folder: folder.file.unlink(),
    "empty": written(""),
    "a directory": instead(Path.mkdir),
    "a FIFO": instead(os.mkfifo),
    "a link to itself": instead(lambda path: path.symlink_to(path)),
    "a device": instead(lambda path: path.symlink_to("/dev/zero")),
    "huge": huge,
    "binary": raw(bytes(range(256)) * 10),
    "Latin-1": raw(TLS.encode() + b"# caf\xe9\n"),
    "UTF-16": raw(TLS.encode("utf-16")),
    "no YAML": written("{" * 1000),
    "deep": written("[" * 100_000),
    "a tab": written("tls_server_config:\n\tcert_file: server.crt"),
    "a list": written("- tls_server_config"),
    "without TLS": written("rate_limit: {interval: 0}"),
    "another key": another_key,
    "a short key": short_key,
    "a key that is none": lambda folder: (folder.path / "server.key").write_text("none"),
    "a certificate that is gone": lambda folder: (folder.path / "server.crt").unlink(),
    "a certificate that is a directory": instead(Path.mkdir, "server.crt"),
    "a key that is a FIFO": instead(os.mkfifo, "server.key"),
    "a path with a null byte": written(TLS.replace("server.key", '"server\\0.key"')),
    "a path that is no text": written(TLS.replace("server.key", '"\\ud800"')),
    "a path that is too long": written(TLS.replace("server.key", "x" * 5000)),
    "clients of nobody": no_authority,
    "clients of a FIFO": clients_of_a_fifo,
    "clients of a key": written(TLS + CLIENTS.replace("clients.crt", "server.key")),
    "an unknown cipher": written(TLS + "  cipher_suites: [AES]"),
    "an unknown curve": written(TLS + "  curve_preferences: [P256]"),
    "two curves": written(TLS + "  curve_preferences: [X25519, CurveP256]"),
    "versions upside down": written(TLS + "  min_version: TLS13\n  max_version: TLS12"),
    "an old version": written(TLS + "  min_version: TLS10"),
    "a wrong hash": written(TLS + "basic_auth_users: {a: b}"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_mistake_changes_nothing_and_is_told_once_in_one_line(
    what: str, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    client = folder.client()
    async with secure_site(folder) as here:
        assert await get(here, client) == 200
        caplog.clear()
        BROKEN[what](folder)
        for _ in range(3):
            assert await get(here, client) == 200
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1, caplog.text
    assert told[0].exc_info is None
    assert "keeping the previous version: " in told[0].getMessage()
    assert "bug" not in told[0].getMessage()
    assert len(told[0].getMessage().splitlines()) == 1


@pytest.mark.parametrize("what", [what for what in BROKEN if what not in ("without TLS", "a FIFO")])
def test_check_names_it(what: str, folder: Folder) -> None:
    """Without TLS it is good; and whoever names a FIFO on the command line may mean it."""
    folder.write(TLS)
    BROKEN[what](folder)
    with pytest.raises(Mistakes, match=f"^{re.escape(str(folder.file))}"):
        load_web_options(str(folder.file))


@pytest.mark.slow
def test_check_ends_with_2(folder: Folder) -> None:
    folder.write(TLS.replace("server.key", '"server\\0.key"'))
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "exporter",
        "check",
        "--web.config.file",
        str(folder.file),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(str(folder.file))


async def test_what_is_mended_counts_again(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = folder.client()
    async with secure_site(folder) as here:
        folder.write(TLS + "  curve_preferences: [P256]")
        assert await get(here, client) == 200
        folder.write(TLS + "http_server_config: {headers: {X-Frame-Options: deny}}")
        url = f"https://{here.host}:{here.port}/"
        async with here.http.get(url, ssl=client) as answer:
            assert answer.headers["X-Frame-Options"] == "deny"
    assert "reloaded the web configuration" in caplog.text


@pytest.mark.parametrize("curve", ["CurveP256", "CurveP384", "CurveP521", "X25519"])
async def test_each_curve_is_taken_also_while_it_runs(
    curve: str, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """A Python that cannot set one alone offers all of them, and says so."""
    async with secure_site(folder) as here:
        folder.write(TLS + f"  curve_preferences: [{curve}]")
        assert await get(here, folder.client()) == 200
    warned = f"curve_preferences: this Python cannot set {curve}; all curves of OpenSSL are enabled"
    assert (warned in caplog.text) is not can_set(curve)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    tls = load_web_options(str(folder.file)).tls_server_config
    assert tls
    assert tls.curve_preferences == [curve]
