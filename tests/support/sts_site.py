"""The host of an MTA-STS policy on loopback, and a domain that announces it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.support.chains import CertifiedKey, issue, server_context

DOMAIN = "example.test"
CA = issue("CA", is_ca=True)
OWN = issue("mta-sts", CA, hosts=[f"mta-sts.{DOMAIN}"])
ENFORCE = "version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\nmx: mx.example.test\r\n"
TESTING = ENFORCE.replace("enforce", "testing")
NONE = "version: STSv1\nmode: none\nmax_age: 86400\n"


@dataclass
class StsSite:
    """What it answers, and how often it was asked. `zone` is what a name server has to say."""

    text: str = ENFORCE
    status: int = 200
    kind: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    requests: int = 0
    zone: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone |= {f"mta-sts.{DOMAIN}": {"A": ["127.0.0.1"]}}
        self.announce("v=STSv1; id=1;")

    def announce(self, *records: str) -> None:
        """The TXT records of the domain."""
        texts = [f'"{one}"' for one in records]
        self.zone[f"_mta-sts.{DOMAIN}"] = {"TXT": texts} if texts else {"RCODE": ["NXDOMAIN"]}

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        assert request.path == "/.well-known/mta-sts.txt"
        return web.Response(
            status=self.status, text=self.text, content_type=self.kind, headers=self.headers
        )


def authority_file(directory: Path) -> str:
    """The file of the CA that has issued all these certificates."""
    file = directory / "ca.pem"
    file.write_bytes(CA.pem)
    return str(file)


@asynccontextmanager
async def sts_site(*chain: CertifiedKey) -> AsyncIterator[StsSite]:
    """A site with these certificates; by default with good ones."""
    site = StsSite()
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    context: ssl.SSLContext = server_context(*(chain or (OWN,)))
    listening = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await listening.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()
