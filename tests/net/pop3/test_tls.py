"""TLS with a POP3 server: from the start or by STLS, and never without it once it was asked for."""

import pytest

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.pop3.listing import Listing
from exporter.net.tls.handshake import client_context
from tests.support.imap_conversation import sockets, trusting
from tests.support.pop3_conversation import connected, greeted


@pytest.mark.parametrize(
    ("dialogue", "offered"),
    [
        ("stls", {"USER": [], "UIDL": []}),
        ("stls-of-a-server-without-capa", None),
    ],
)
async def test_after_stls_the_server_is_asked_again_what_it_offers(
    dialogue: str, offered: dict[str, list[str]] | None
) -> None:
    async with greeted(dialogue) as here:
        await here.pop3.stls(trusting(), "127.0.0.1")
        assert here.pop3.tls is not None
        assert here.pop3.capabilities is None
        assert await here.pop3.capa() == offered


@pytest.mark.parametrize(
    ("dialogue", "detail"),
    [
        ("stls-with-words-slipped-in", "sent plain text before the TLS handshake"),
        ("stls-not-offered", "does not offer STLS"),
        ("stls-refused", "refuses STLS: the certificate cannot be read"),
    ],
)
async def test_without_tls_there_is_no_conversation(dialogue: str, detail: str) -> None:
    async with greeted(dialogue) as here:
        with pytest.raises(ProbeError, match=detail) as caught:
            await here.pop3.stls(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.TLS


async def test_a_handshake_that_breaks_off_is_a_lost_connection_and_no_refusal() -> None:
    async with greeted("cut-in-the-handshake") as here:
        with pytest.raises(ProbeError, match="cut the connection in the TLS handshake") as caught:
            await here.pop3.stls(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    before = sockets()
    async with connected("certificate-of-a-stranger") as here:
        with pytest.raises(ProbeError, match="the certificate of pop.test is not valid") as caught:
            await here.pop3.secure(client_context(TlsOptions()), "127.0.0.1")
        assert caught.value.reason is Reason.TLS
        for words in ("certificate of the server: ", "issued by: O=trustme", "for the names: "):
            assert f"-- {words}" in here.transcript
    assert sockets() <= before


async def test_a_reset_inside_tls_is_noticed_at_once() -> None:
    async with connected("reset-inside-tls") as here:
        await here.pop3.secure(trusting(), "127.0.0.1")
        await here.pop3.greeting()
        with pytest.raises(ProbeError) as caught:
            await here.pop3.uidl(Listing())
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_server_that_wants_stls_cannot_be_greeted_with_tls() -> None:
    async with connected("plain-text-where-tls-was-meant") as here:
        with pytest.raises(ProbeError) as caught:
            await here.pop3.secure(trusting(), "127.0.0.1")
        assert caught.value.reason is Reason.TLS
