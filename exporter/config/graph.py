"""Microsoft Graph in the configuration: whose mailbox, at which address, and with which token."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, WithJsonSchema

from exporter.config.address import check_url
from exporter.config.oauth2 import OAuth2Options
from exporter.config.types import OneWord, Options, ReadFile

_URL = re.compile(r"https://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~-]+)+/?")


def _api(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("not the URL of an API; write https://HOST/VERSION")
    return check_url(url).removesuffix("/")


ApiUrl = Annotated[
    str,
    AfterValidator(_api),
    WithJsonSchema({"type": "string", "pattern": f"^{_URL.pattern}$", "title": "https URL"}),
]


class GraphOptions(Options):
    """A mailbox in Exchange Online, by Microsoft Graph."""

    user: OneWord
    """The mailbox: its address (user principal name), or the ID of its user."""

    oauth2: OAuth2Options
    """How a token is requested. The default of `scope` is here `https://graph.microsoft.com/.default`,
    with the host of `base_url`: all permissions that the application was granted there."""

    base_url: ApiUrl = "https://graph.microsoft.com/v1.0"
    """The address of the API. National clouds have others, such as
    `https://graph.microsoft.us/v1.0`."""

    ca_file: ReadFile | None = None
    """CA certificates to trust at `base_url`, PEM. Default: the system's."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        oauth2 = given.get("oauth2")
        provider = oauth2.get("provider") if isinstance(oauth2, dict) else None
        if provider == "google":
            yield "Microsoft Graph accepts no tokens of Google"

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.net.graph.client",)

    @property
    def host(self) -> str:
        """The host of the API, with its port if that is not the usual one."""
        return urlsplit(self.base_url).netloc

    @property
    def token_login(self) -> tuple[OAuth2Options, str]:
        """How a token is requested, and for whom."""
        options = self.oauth2
        if options.scope is None and options.refresh_token is None:
            options = options.model_copy(update={"scope": f"https://{self.host}/.default"})
        return options, self.user
