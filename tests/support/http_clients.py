"""Everyone in the program who asks by HTTP, at one place."""

from dataclasses import dataclass

from exporter.config.graph import GraphOptions
from exporter.config.jmap import JmapServerOptions
from exporter.config.oauth2 import OAuth2Options
from exporter.config.tracing import TracingOptions
from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.graph.client import GraphClient
from exporter.net.graph.request import Request
from exporter.net.jmap.client import JmapClient
from exporter.net.mta_sts.download import download
from exporter.net.oauth2 import Account, Token
from exporter.net.oauth2.provider import request_token
from exporter.net.otlp.client import export
from tests.support.name_server import names

DOMAIN = "example.test"


class Granted(Account):
    """An account that has a token."""

    issuer = "nobody"

    def __init__(self) -> None:
        """It asks nobody."""

    async def token(self, instead_of: Token | None = None) -> Token:
        return Token("secret", 0.0, 1e12, 1e12)


@dataclass
class HttpsPlace:
    """Where a client asks: the port of a service on loopback with a certificate of this CA."""

    port: int
    ca_file: str

    async def policy(self) -> None:
        zone = {f"mta-sts.{DOMAIN}": {"A": ["127.0.0.1"]}}
        async with names(zone) as resolver:
            await download(DOMAIN, resolver, self.ca_file, self.port)

    async def token(self) -> None:
        options = OAuth2Options.model_validate(
            {
                "token_url": f"https://127.0.0.1:{self.port}/token",
                "client_id": "c",
                "client_secret": "s",
                "ca_file": self.ca_file,
            }
        )
        await request_token(options, "probe", "", 0.0)

    async def traces(self) -> None:
        await self._export("https", b"\0")

    async def _export(self, scheme: str, request: bytes) -> None:
        url = f"{scheme}://127.0.0.1:{self.port}"
        tls = {"ca_file": self.ca_file} if scheme == "https" else {}
        options = TracingOptions.model_validate({"endpoint": url, **tls})
        await export(options, Resolver([]), request, Clock())

    async def many_traces(self) -> None:
        """More than a server takes that does not read, and not encrypted."""
        await self._export("http", b"\0" * (32 << 20))

    async def graph(self) -> None:
        client = self.graph_client()
        try:
            await client.call(Request("GET", "/messages", Step.FETCH), lambda answer: answer.status)
        finally:
            await client.close()

    def graph_client(self) -> GraphClient:
        options = GraphOptions.model_validate(
            {
                "user": "a@example.org",
                "base_url": f"https://127.0.0.1:{self.port}/v1.0",
                "ca_file": self.ca_file,
                "oauth2": {
                    "provider": "microsoft",
                    "tenant": "example.org",
                    "client_id": "c",
                    "client_secret": "s",
                },
            }
        )
        return GraphClient(options, Granted(), Resolver([]), Trace(Clock()), Leg.MAILBOX)

    async def jmap(self) -> None:
        options = JmapServerOptions.model_validate(
            {
                "url": f"https://127.0.0.1:{self.port}",
                "username": "probe",
                "password": "secret",
                "ca_file": self.ca_file,
            }
        )
        client = JmapClient(options, Resolver([]), Trace(Clock()), Leg.DELIVERY, None)
        try:
            await client.connect()
            await client.log_in()
        finally:
            await client.close()
