"""The end of a connection to Microsoft Graph."""

import asyncio
import select
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from exporter.config.graph import GraphOptions
from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.graph.client import GraphClient
from exporter.net.graph.request import Request
from exporter.net.oauth2 import Account, Token


class Granted(Account):
    """An account that has a token."""

    issuer = "nobody"

    def __init__(self) -> None:
        """It asks nobody."""

    async def token(self, instead_of: Token | None = None) -> Token:
        return Token("secret", 0.0, 1e12, 1e12)


class SilentService:
    """Takes one connection, and answers neither a request nor the end of TLS."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.asked = threading.Event()
        self.left = False  # by its client, within ten seconds
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(30)
        self.port = self._listening.getsockname()[1]
        self._tls = tls
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._listening, suppress(OSError):
            client, _ = self._listening.accept()
            with self._tls.wrap_socket(client, server_side=True) as connection:
                connection.recv(1 << 16)
                self.asked.set()
                ending = select.poll()
                ending.register(connection, select.POLLRDHUP)
                self.left = bool(ending.poll(10_000))

    def join(self) -> None:
        """Returns when its client has left."""
        self._thread.join()


@pytest.mark.slow
async def test_a_request_that_is_cancelled_leaves_no_connection_to_a_silent_server(
    tmp_path: Path,
) -> None:
    """aiohttp no longer knows of it, and TLS would wait half a minute for the server's goodbye."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    service = SilentService(tls)
    options = GraphOptions.model_validate(
        {
            "user": "a@example.org",
            "base_url": f"https://127.0.0.1:{service.port}/v1.0",
            "ca_file": str(tmp_path / "ca.pem"),
            "oauth2": {
                "provider": "microsoft",
                "tenant": "example.org",
                "client_id": "c",
                "client_secret": "s",
            },
        }
    )
    client = GraphClient(options, Granted(), Resolver(), Trace(Clock()), Leg.MAILBOX)
    asking = asyncio.create_task(
        client.call(Request("GET", "/messages", Step.FETCH), lambda answer: answer.status)
    )
    await asyncio.to_thread(service.asked.wait, 30)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    await client.close()
    await asyncio.to_thread(service.join)
    assert service.left
