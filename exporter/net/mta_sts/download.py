"""The download of a policy of MTA-STS (RFC 8461 section 3.3).

The name of the host is made of the recipient's domain, and its certificate must be valid for it:
before that is proven, no request is sent, so that a domain cannot direct one to another server.
It follows no redirects, and reads no more than the size of a policy.
"""

import aiohttp

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver
from exporter.net.http.body import CHUNK, read_body
from exporter.net.http.connector import Connector
from exporter.net.http.errors import http_errors
from exporter.net.http.proxy import proxy_for
from exporter.net.mta_sts.policy import HTTPS
from exporter.net.tls.handshake import client_context

MOST = 1 << 16  # bytes
PATH = "/.well-known/mta-sts.txt"


async def download(domain: str, resolver: Resolver, ca_file: str | None, port: int) -> str:
    """The text of the policy, without a timeout. Raises ProbeError."""
    host = f"mta-sts.{domain}"
    context = client_context(TlsOptions(ca_file=ca_file))
    place = host if port == HTTPS else f"{host}:{port}"
    proxy = proxy_for(host)
    # A proxy looks the host up for us, and its own name is one that people write.
    names = resolver if proxy else resolver.absolute
    with http_errors(host):
        async with (
            aiohttp.ClientSession(
                connector=Connector(names),
                timeout=aiohttp.ClientTimeout(total=None),
            ) as session,
            session.get(
                f"https://{place}{PATH}",
                ssl=context,
                allow_redirects=False,
                proxy=proxy,
            ) as response,
        ):
            if response.status != 200:
                raise ProbeError(
                    Reason.PROTOCOL, f"{host} answered {response.status} to GET {PATH}"
                )
            if response.content_type != "text/plain":
                kind = one_line(response.content_type, 80)
                raise ProbeError(Reason.PROTOCOL, f"{host} sent {kind}, not text/plain")
            body = await read_body(response.content.iter_chunked(CHUNK), host, MOST)
    return body.decode("ascii", "replace")
