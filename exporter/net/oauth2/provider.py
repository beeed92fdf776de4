"""The conversation with an identity provider: one request and one answer, through aiohttp's client.

It follows no redirects, since the request contains secrets, and reads no more than the size of a
token.
"""

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from exporter.config.oauth2 import OAuth2Options
from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.net.http.body import CHUNK, read_body
from exporter.net.http.connector import Connector
from exporter.net.http.errors import http_errors
from exporter.net.http.proxy import proxy_for
from exporter.net.oauth2.grant import Grant, grant
from exporter.net.oauth2.token import Granted
from exporter.net.redaction import Redaction
from exporter.net.tls.handshake import client_context

MAX_ANSWER = 1 << 18  # bytes
DEFAULT_LIFETIME = 600.0  # seconds, of a token whose issuer does not tell (RFC 6749 section 5.1)
LONGEST_LIFETIME = 86400.0 * 30
NOTICEABLE = 120.0  # seconds by which two clocks differ
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")  # a control character would end the field in XOAUTH2
_CODES = frozenset(
    {  # RFC 6749 section 5.2, RFC 8707, and what Microsoft and OpenID add
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "invalid_resource",
        "access_denied",
        "interaction_required",
        "consent_required",
        "server_error",
        "temporarily_unavailable",
    }
)


async def request_token(
    options: OAuth2Options, username: str, newest_refresh_token: str, now: float
) -> Granted:
    """A token for this account, at this Unix time. Raises ProbeError: `auth` with the identity
    provider's text, or why it could not be reached."""
    return await _post(grant(options, username, newest_refresh_token, now), options.ca_file, now)


async def _post(grant: Grant, ca_file: str | None, now: float) -> Granted:
    host = urlsplit(grant.url).netloc
    context = client_context(TlsOptions(ca_file=ca_file))
    with http_errors(host):
        async with (
            aiohttp.ClientSession(
                connector=Connector(), timeout=aiohttp.ClientTimeout(total=None)
            ) as session,
            session.post(
                grant.url,
                data=grant.form,
                ssl=context,
                allow_redirects=False,
                headers={"Accept": "application/json"},
                proxy=proxy_for(urlsplit(grant.url).hostname or ""),
            ) as response,
        ):
            body = await read_body(response.content.iter_chunked(CHUNK), host, MAX_ANSWER)
    answer = _answer(body)
    if response.status != 200:
        raise _refusal(
            grant, host, response.status, answer, _ahead(response.headers.get("Date", ""), now)
        )
    return _granted(host, answer)


def _answer(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _granted(host: str, answer: dict[str, Any]) -> Granted:
    value, newer = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ProbeError(Reason.PROTOCOL, f"the response of {host} has no token")
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        raise ProbeError(Reason.PROTOCOL, f"{host} issued a token that is not a Bearer token")
    try:
        lifetime = float(answer.get("expires_in", DEFAULT_LIFETIME))  # some write it as a text
    except (TypeError, ValueError, OverflowError):  # an integer may have thousands of digits
        lifetime = DEFAULT_LIFETIME
    if not lifetime > 0:
        raise ProbeError(Reason.PROTOCOL, f"{host} issued an expired token")
    # RFC 6749, appendix A.17: visible characters
    usable = isinstance(newer, str) and newer.isascii() and newer.isprintable()
    return Granted(value, min(lifetime, LONGEST_LIFETIME), str(newer) if usable else "")


def _refusal(
    grant: Grant, host: str, status: int, answer: dict[str, Any], ahead: float
) -> ProbeError:
    """The text of a refusal. Of Microsoft's description only the first line, with the AADSTS
    number: others have request ids."""
    error, description = str(answer.get("error") or ""), str(answer.get("error_description") or "")
    words = ": ".join(filter(None, (error, description.splitlines()[0] if description else "")))
    redaction = Redaction()
    redaction.learn(*grant.secrets)
    words = redaction.clean(words)
    busy = status >= 500 or status == 429 or error in ("temporarily_unavailable", "server_error")
    reason = Reason.UNAVAILABLE if busy else Reason.AUTH if error else Reason.PROTOCOL
    clock = ""
    if reason is Reason.AUTH and abs(ahead) > NOTICEABLE:
        clock = f" (its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours)"
    detail = f"{host} issued no token: {one_line(words, 220) or f'HTTP status {status}'}{clock}"
    return ProbeError(reason, detail, code=error if error in _CODES else "")


def _ahead(date: str, now: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError, OverflowError):  # the year 99999999999
        return 0.0
