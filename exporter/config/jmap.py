"""The options of every client of a JMAP server (RFC 8620): its URL, TLS, login."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from exporter.config.address import Host, check_host
from exporter.config.oauth2 import OAuth2Options
from exporter.config.proxy import bracketed
from exporter.config.server import NetworkOptions, TlsOptions
from exporter.config.server_url import ServerUrl
from exporter.config.types import OneWord, Secret
from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step

HTTPS = 443
WELL_KNOWN = "/.well-known/jmap"
_URL = re.compile(r"https://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::([0-9]{1,5}))?(/[!-~]*)?")


def _url(text: str) -> str:
    """Checks the URL of a JMAP server, and returns it unchanged. Raises ValueError with the
    cure."""
    found = _URL.fullmatch(text)
    if not found or "#" in text:
        raise ValueError(
            "not the URL of a JMAP server; write https://HOST, or the whole URL of its session"
            " resource, such as https://jmap.example.org/session"
        )
    check_host(found[1].strip("[]"))
    if found[2] and not 1 <= int(found[2]) <= 65535:
        raise ValueError("the port in the URL must be between 1 and 65535")
    return text


JmapUrl = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "pattern": f"^{_URL.pattern}$", "title": "https URL"}),
]


class JmapServerOptions(TlsOptions, NetworkOptions):
    """A JMAP server, and the login there."""

    url_place: ClassVar[str] = "HOST"

    url: JmapUrl
    """`https://HOST` or `https://HOST:PORT` finds the session resource at `/.well-known/jmap`. With
    a path it is the URL of the session resource itself."""

    username: OneWord | None = None
    """The login name. Not with `token`."""

    password: Secret | None = None
    """`{file: PATH}`, `{env: NAME}` or the text itself: for HTTP's basic authentication. A file is
    read again at every use."""

    token: Secret | None = None
    """Instead of `password`: a token that the server itself has issued, such as an API token of
    Fastmail. It is sent as a bearer token."""

    oauth2: OAuth2Options | None = None
    """Instead of `password`: a bearer token of an identity provider (OAuth 2.0)."""

    hosts: list[Host] = Field(default=[], max_length=8)
    """More hosts that belong to this server: credentials are sent to them, too, if the session
    resource names them for requests, uploads, downloads or events. Without this option, they are
    sent only to the host of `url`."""

    @classmethod
    def of_url(cls, url: ServerUrl, secret: Mapping[str, str]) -> dict[str, Any]:
        """The options that a URL stands for: without a user, the secret is a token."""
        url.expect_host()
        port = f":{url.port}" if url.port else ""
        where = f"https://{bracketed(url.host)}{port}{url.path}"
        login = (
            {"username": url.user, "password": {**secret}} if url.user else {"token": {**secret}}
        )
        return {"url": where, **login}

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        username = given.get("username")
        ways = [name for name in ("password", "token", "oauth2") if given.get(name) is not None]
        if not ways:
            yield "password, token or oauth2 is missing"
        elif len(ways) > 1:
            yield f"only one of these can be given: {', '.join(ways)}"
        elif ways == ["token"] and username is not None:
            yield "token needs no username"
        elif ways != ["token"] and username is None:
            yield f"{ways[0]} needs a username"
        elif ways == ["password"] and isinstance(username, str) and ":" in username:
            yield "username must not contain a colon: basic authentication cannot send it"

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.net.jmap.client",)

    @property
    def token_login(self) -> tuple[OAuth2Options, str] | None:
        """The account that logs in with tokens of an identity provider; None without `oauth2`."""
        return (self.oauth2, self.username or "") if self.oauth2 else None

    @property
    def host(self) -> str:
        """In lower case, an IPv6 address without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def tcp_port(self) -> int:
        return urlsplit(self.url).port or HTTPS

    @property
    def resource(self) -> str:
        """The URL of the session resource."""
        path = urlsplit(self.url).path
        return self.url.rstrip("/") + WELL_KNOWN if path in ("", "/") else self.url

    @property
    def place(self) -> str:
        return f"{self.host}:{self.tcp_port}"

    @property
    def steps_of_access(self) -> frozenset[Step]:
        """The steps before the login."""
        return frozenset({Step.RESOLVE, Step.CONNECT, Step.TLS})

    @property
    def reasons_of_access(self) -> frozenset[Reason]:
        """Why the server may not let us in, or answer no more."""
        return OF_A_CONVERSATION | {Reason.TLS, Reason.AUTH}
