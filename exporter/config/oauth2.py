"""OAuth 2.0 in the configuration: the identity provider, and our credentials for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

from exporter.config.address import check_url
from exporter.config.types import Options, ReadFile, Secret, Text

_URL = re.compile(r"https://[A-Za-z0-9.\-\[\]:]+/[!-~]*")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
PROOFS = ("client_secret", "certificate", "federated_token_file")


def _https(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("not the URL of an identity provider; write https://HOST/PATH")
    return check_url(url)


def _tenant(text: str) -> str:
    if not _TENANT.fullmatch(text):
        raise ValueError(
            "not a tenant; write its ID (a GUID) or one of its domains, such as"
            " example.onmicrosoft.com"
        )
    return text


def _without_query(url: str) -> str:
    """The URL without its query, which may contain a key."""
    path, mark, _ = url.partition("?")
    return f"{path}?<secret>" if mark else path


HttpsUrl = Annotated[
    str,
    AfterValidator(_https),
    PlainSerializer(_without_query, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_URL.pattern}$", "title": "https URL"}),
]
Tenant = Annotated[
    str,
    AfterValidator(_tenant),
    WithJsonSchema({"type": "string", "pattern": f"^{_TENANT.pattern}$", "title": "text"}),
]


class CertificateOptions(Options):
    """A certificate that is registered with the identity provider. Its key signs the client
    assertion (RFC 7523)."""

    cert_file: ReadFile
    """The certificate, PEM."""

    key_file: ReadFile
    """Its private key, PEM, without a password. May be the same file."""


class OAuth2Options(Options):
    """A login with a token of an identity provider (OAuth 2.0). It is fetched when it is needed,
    renewed after three quarters of its lifetime, shared by all logins with the same options and
    username, and kept only in memory. The environment variables `HTTPS_PROXY` and `NO_PROXY` are
    used."""

    provider: Literal["microsoft", "google"] | None = None
    """Sets the defaults of `token_url` and `scope`."""

    tenant: Tenant | None = None
    """For Microsoft: the directory, as its ID or one of its domains."""

    client_id: Text | None = None
    """The ID of the application at the identity provider."""

    client_secret: Secret | None = None
    """The password of the application. Without a `refresh_token` the grant is `client_credentials`;
    the same applies to the next two options."""

    certificate: CertificateOptions | None = None
    """A certificate instead of `client_secret`."""

    federated_token_file: ReadFile | None = None
    """Instead of `client_secret`: a file with a token of a platform that the identity provider
    trusts, such as the projected token of a service account in Kubernetes (workload identity). It
    is read again at every use."""

    refresh_token: Secret | None = None
    """The result of a user's consent: the grant `refresh_token`. If an answer contains a newer one,
    it is kept only in memory, so the identity provider must continue to accept this one, as
    Microsoft and Google do."""

    service_account: Secret | None = None
    """For Google: the JSON key of a service account with domain-wide delegation, which acts as
    `username`."""

    token_url: HttpsUrl | None = None
    """The URL that issues tokens. Default: that of `provider`."""

    scope: Text | None = None
    """The scope of the token, words separated by spaces. Default: all mail protocols of
    `provider`."""

    ca_file: ReadFile | None = None
    """CA certificates to trust at `token_url`, PEM. Default: the system's."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        has = {name for name, value in given.items() if value is not None}
        proofs = [name for name in PROOFS if name in has]
        if len(proofs) > 1:
            yield f"only one of these can be given: {', '.join(proofs)}"
        if "service_account" in has:
            more = sorted(has & {*PROOFS, "refresh_token", "client_id"})
            if more:
                yield f"service_account excludes {', '.join(more)}"
        else:
            yield from cls._of_a_client(has, bool(proofs))
        provider = given.get("provider")
        if provider is None and "token_url" not in has and "service_account" not in has:
            yield "token_url or provider is missing"
        if provider == "microsoft" and "service_account" in has:
            yield "service_account is only for provider: google"
        if provider == "microsoft" and not has & {"tenant", "token_url"}:
            yield "tenant is missing"
        if provider in (None, "google") and "tenant" in has:
            yield "tenant is only for provider: microsoft"
        if provider == "google" and not has & {"service_account", "refresh_token"}:
            yield "Google issues tokens for mail only with refresh_token or service_account"

    @classmethod
    def _of_a_client(cls, has: set[str], proven: bool) -> Iterator[str]:
        if "client_id" not in has:
            yield "client_id or service_account is missing"
        elif not proven and "refresh_token" not in has:
            yield f"one of these is missing: {', '.join(PROOFS)}, refresh_token"

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.net.oauth2.provider",)

    @property
    def endpoint(self) -> str:
        """`token_url`, or its default."""
        if self.token_url:
            return self.token_url
        if self.provider == "microsoft":
            return f"https://login.microsoftonline.com/{self.tenant}/oauth2/v2.0/token"
        return "https://oauth2.googleapis.com/token"

    @property
    def scopes(self) -> str:
        """`scope`, or its default; empty for the scope of the consent."""
        if self.scope or self.refresh_token:
            return self.scope or ""
        if self.provider == "microsoft":
            return "https://outlook.office365.com/.default"
        return "https://mail.google.com/" if self.service_account else ""


@runtime_checkable
class TakesTokens(Protocol):
    """The options of a server that we may log in at with tokens of an identity provider."""

    @property
    def token_login(self) -> tuple[OAuth2Options, str] | None:
        """How a token is requested, and for whom; None if this server gets no token."""
