"""The conversation with a collector: one request and one answer (OTLP 1.x, OTLP/HTTP).

It follows no redirects, since the request may contain secrets, reads no login from `.netrc`, and no
more of an answer than a collector needs.
"""

from io import BytesIO

import aiohttp

from exporter import __version__
from exporter.config.grammar import is_line
from exporter.config.tracing import TracingOptions
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.exceptions import map_secrets
from exporter.net.http.body import CHUNK, read_body
from exporter.net.http.connector import Connector
from exporter.net.http.errors import http_errors
from exporter.net.http.proxy import proxy_for
from exporter.net.http.retry_after import retry_after
from exporter.net.otlp.answer import MAX_ANSWER, Later, Rejection
from exporter.net.otlp.encoding import rejection_in
from exporter.net.redaction import Redaction
from exporter.net.tls.handshake import client_context

LONGEST_HEADER = 8 << 10  # characters of a value
LATER = frozenset({429, 502, 503, 504})
"""What means: send it again later (section "Retryable Response Codes")."""

PROTOBUF = "application/x-protobuf"
_HINTS = {
    401: ": it wants another `Authorization` header",
    403: ": the headers do not allow to send traces",
    404: ": there is no OTLP over HTTP at this path",
    405: ": there is no OTLP over HTTP at this path",
    413: ": it accepts only smaller requests",
    415: ": it does not accept OTLP as protobuf",
}


async def export(
    options: TracingOptions, resolver: Resolver, request: bytes, clock: Clock
) -> Rejection:
    """Sends a request without a timeout. Raises ProbeError, which has no secret in it: Later, or
    with the reason `protocol` if the request will not be taken when it is sent again, either."""
    host, redaction = options.place, Redaction()
    sent = _headers(options, redaction)
    context = client_context(options) if options.is_https else True
    with redaction.of_errors(), http_errors(host):
        async with (
            aiohttp.ClientSession(
                connector=Connector(resolver, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            ) as session,
            session.post(
                options.url,
                data=BytesIO(request),  # as bytes, aiohttp would write them at once
                headers=sent,
                ssl=context,
                server_hostname=options.server_name if options.is_https else None,
                allow_redirects=False,
                proxy=proxy_for(options.host) if options.is_https else None,
            ) as response,
        ):
            body = await read_body(response.content.iter_chunked(CHUNK), host, MAX_ANSWER)
        status, kind = response.status, response.content_type
        if status in LATER:
            wait = retry_after(response.headers.get("Retry-After", ""), clock.wall())
            raise Later(f"{host} answered {status}", wait or 0.0)
        if not 200 <= status < 300:
            raise ProbeError(Reason.PROTOCOL, f"{host} answered {status}{_HINTS.get(status, '')}")
        if kind == "text/html":
            raise ProbeError(Reason.PROTOCOL, f"{host} answered with a page: it is no collector")
    spans, words = rejection_in(body) if kind == PROTOBUF else (0, "")
    return Rejection(spans, redaction.clean(one_line(words)))


def _headers(options: TracingOptions, redaction: Redaction) -> dict[str, str]:
    """Ours, and those of the configuration, whose values are secrets. Raises ProbeError (auth)."""
    headers = {
        "Content-Type": PROTOBUF,
        "Accept-Encoding": "identity",
        "User-Agent": f"mailtrip/{__version__}",
    }
    for name, secret in options.headers.items():
        with map_secrets():
            value = secret.reveal()
        redaction.learn(value)
        redaction.learn(value.rpartition(" ")[2])  # what follows Bearer or Basic
        if not value.isascii() or not is_line(value, LONGEST_HEADER):
            problem = f"the value of the header {name} is not one line of ASCII"
            raise ProbeError(Reason.AUTH, problem)
        headers[name] = value
    return headers
