"""What an administrator is told when TLS goes wrong: OpenSSL's words, and the cure."""

import asyncio
import os
import re
import ssl
from pathlib import Path

import pytest
import trustme

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.tls.handshake import client_context, handshake_errors
from exporter.net.tls.words import refusal
from tests.support.recording_peers import Listener

HOSTNAME_MISMATCH = 62  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH
PLAIN = [
    "220 mx.example.org ESMTP Postfix",
    "* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.",
    "+OK Hello there.",
    "HTTP/1.1 400 Bad Request",
    "SSH-2.0-OpenSSH_9.2p1 Debian-2",
    "554 no",
    "421 4.7.0 Too many connections from your host " + "x" * 900,
]


async def detail(
    port: int, options: TlsOptions, name: str = "127.0.0.1", *, starttls: bool = False
) -> str:
    with pytest.raises(ProbeError) as caught, handshake_errors(name, Leg.SEND, starttls=starttls):
        context = client_context(options)
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            asyncio.Protocol, "127.0.0.1", port, ssl=context, server_hostname=name
        )
    assert caught.value.reason is Reason.TLS
    return caught.value.detail


@pytest.mark.parametrize("greeting", PLAIN)
async def test_a_server_that_speaks_plain_text_is_told_with_the_cure(greeting: str) -> None:
    server = Listener(greeting)
    try:
        told = await detail(server.port, TlsOptions())
        assert told.startswith("TLS handshake with 127.0.0.1 failed: ")
        assert "(it does not use TLS on this port: use `tls: starttls`, or `tls: none`" in told
        assert "accepted STARTTLS, then sent something other" in await detail(
            server.port, TlsOptions(), starttls=True
        )
    finally:
        server.close()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["mail.example.org"],
            "IP address mismatch, certificate is not valid for '127.0.0.1'; it is valid for"
            " mail.exam",
        ),
        (["192.0.2.1", "2001:db8::1"], "it is valid for 192.0.2.1, 2001:db8::1: set `server_name`"),
        (
            [f"{n}.example.org" for n in range(9)],
            "it is valid for 0.example.org, 1.example.org, 2.example.org, …: set",
        ),
        (
            ["x" * 60 + "." + "y" * 60 + ".example.org"],
            "…: set `server_name` to the expected name, or reissue the cer",
        ),
    ],
)
async def test_a_certificate_for_others_says_for_whom(
    names: list[str], words: str, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    server = Listener(tls=context, at_once=True)
    try:
        assert words in await detail(server.port, TlsOptions(ca_file=str(tmp_path / "ca.pem")))
    finally:
        server.close()


@pytest.mark.parametrize(
    ("names", "words"), [((), "; it is valid for no name: set "), (None, "mismatch: set ")]
)
def test_a_certificate_whose_names_are_unknown_is_not_called_one_without_names(
    names: tuple[str, ...] | None, words: str
) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = HOSTNAME_MISMATCH, "Hostname mismatch"
    assert words in refusal(error, names, None)


async def test_an_intermediate_certificate_that_is_not_sent_has_a_cure_and_may_itself_be_trusted(
    tmp_path: Path,
) -> None:
    root = trustme.CA()
    intermediate = root.create_child_ca()
    root.cert_pem.write_to_path(tmp_path / "root.pem")
    intermediate.cert_pem.write_to_path(tmp_path / "intermediate.pem")
    issued = intermediate.issue_cert("127.0.0.1")
    (tmp_path / "chain.pem").write_bytes(
        issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    server = Listener(tls=context, at_once=True)
    try:
        told = await detail(server.port, TlsOptions(ca_file=str(tmp_path / "root.pem")))
        assert "make the server send its intermediate certificates" in told
        with handshake_errors("127.0.0.1", Leg.SEND):
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol,
                "127.0.0.1",
                server.port,
                server_hostname="127.0.0.1",
                ssl=client_context(TlsOptions(ca_file=str(tmp_path / "intermediate.pem"))),
            )
        transport.abort()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ca.key", "^cannot use ca_file .*/ca.key: no certificates in it "),
        ("empty.pem", "^cannot use ca_file .*/empty.pem: no certificates in it "),
        ("none.pem", "^cannot read ca_file .*/none.pem: No such file or directory$"),
        (".", "^cannot read ca_file .*: Is a directory$"),
        ("fifo", "^cannot read ca_file .*/fifo: not a regular file$"),
        ("a\0b", "^cannot read ca_file .*: not a valid file name$"),
    ],
)
def test_a_file_without_authorities_is_told_at_once(name: str, words: str, tmp_path: Path) -> None:
    trustme.CA().private_key_pem.write_to_path(tmp_path / "ca.key")
    (tmp_path / "empty.pem").touch()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ProbeError) as caught:
        client_context(TlsOptions(ca_file=str(tmp_path / name)))
    assert caught.value.reason is Reason.TLS
    assert re.search(words, caught.value.detail)
