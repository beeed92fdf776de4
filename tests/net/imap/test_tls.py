"""TLS with an IMAP server: from the start or by STARTTLS, and never without it once it was asked
for."""

import asyncio

import pytest

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.tls.handshake import client_context
from tests.support.imap_conversation import connected, greeted, sockets, trusting


async def test_after_starttls_the_server_is_asked_again_what_it_offers() -> None:
    async with greeted("starttls") as here:
        await here.imap.starttls(trusting(), "127.0.0.1")
        assert here.imap.tls is not None
        assert await here.imap.capability() == {"IMAP4REV1", "AUTH=PLAIN"}


@pytest.mark.parametrize(
    ("dialogue", "detail"),
    [
        ("starttls-with-words-slipped-in", "sent plain text before the TLS handshake"),
        (
            "starttls-with-half-a-line-slipped-in",
            "sent plain text before the TLS handshake",
        ),
        ("starttls-not-offered", "does not offer STARTTLS"),
        ("starttls-refused", "refuses STARTTLS: the certificate cannot be read"),
        ("preauth-before-starttls", "greeted with PREAUTH, so STARTTLS is not possible"),
    ],
)
async def test_without_tls_there_is_no_conversation(dialogue: str, detail: str) -> None:
    async with greeted(dialogue) as here:
        with pytest.raises(ProbeError, match=detail) as caught:
            await here.imap.starttls(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.TLS


async def test_a_handshake_that_is_cut_is_a_lost_connection_which_may_be_tried_again() -> None:
    async with greeted("cut-in-the-handshake") as here:
        with pytest.raises(ProbeError, match="cut the connection in the TLS handshake") as caught:
            await here.imap.starttls(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    before = sockets()
    async with connected("certificate-of-a-stranger") as here:
        with pytest.raises(ProbeError, match="the certificate of imap.test is not valid") as caught:
            await here.imap.secure(client_context(TlsOptions()), "127.0.0.1")
        assert caught.value.reason is Reason.TLS
        for words in ("certificate of the server: ", "issued by: O=trustme", "for the names: "):
            assert f"-- {words}" in here.transcript
    assert sockets() <= before


async def test_a_cancelled_handshake_leaves_no_socket() -> None:
    before = sockets()
    async with greeted("silent-in-the-handshake") as here:
        handshake = asyncio.ensure_future(here.imap.starttls(trusting(), "127.0.0.1"))
        await here.peer.here.wait()
        handshake.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handshake
        with pytest.raises(ProbeError):
            await here.imap.simple_command("NOOP")
        here.peer.go_on.set()
    assert sockets() <= before


async def test_a_reset_inside_tls_is_noticed_at_once() -> None:
    async with connected("reset-inside-tls") as here:
        await here.imap.secure(trusting(), "127.0.0.1")
        await here.imap.greeting()
        with pytest.raises(ProbeError) as caught:
            await here.imap.simple_command("NOOP")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_server_that_wants_starttls_cannot_be_greeted_with_tls() -> None:
    async with connected("greeting-where-tls-was-meant") as here:
        with pytest.raises(ProbeError) as caught:
            await here.imap.secure(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.TLS
