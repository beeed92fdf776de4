"""The request for a token: its URL and form (RFC 6749 sections 4.4 and 6, RFC 7521, RFC 7523)."""

from dataclasses import dataclass, field

from exporter.config.oauth2 import OAuth2Options
from exporter.config.types import Secret
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.exceptions import map_secrets
from exporter.net.oauth2.assertion import of_client, of_service_account, service_account

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECRETS = ("client_secret", "client_assertion", "assertion", "refresh_token")


@dataclass(frozen=True, slots=True)
class Grant:
    """A form, and the URL to post it to."""

    url: str
    form: dict[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must not be shown."""
        return tuple(self.form[name] for name in _SECRETS if self.form.get(name))


def grant(options: OAuth2Options, username: str, newest_refresh_token: str, now: float) -> Grant:
    """The request for this account, at this Unix time. Raises ProbeError (auth) if a secret or key
    cannot be read."""
    if options.service_account:
        return _of_service_account(options, username, now)
    form = {"client_id": options.client_id or ""} | (
        {"scope": options.scopes} if options.scopes else {}
    )
    if options.refresh_token:
        token = newest_refresh_token or _revealed(options.refresh_token)
        form |= {"grant_type": "refresh_token", "refresh_token": token}
    else:
        form["grant_type"] = "client_credentials"
    return Grant(options.endpoint, form | _proof(options, now))


def _of_service_account(options: OAuth2Options, username: str, now: float) -> Grant:
    account = service_account(_revealed(options.service_account))
    url = options.token_url or account.get("token_uri", options.endpoint)
    if not url.startswith("https://"):
        raise ProbeError(Reason.AUTH, "the token_uri in service_account is not an https URL")
    signed = of_service_account(account, username, options.scopes, url, now)
    return Grant(url, {"grant_type": JWT_BEARER, "assertion": signed})


def _proof(options: OAuth2Options, now: float) -> dict[str, str]:
    """The client authentication; empty for a public client, which needs only its refresh token."""
    if options.client_secret:
        return {"client_secret": _revealed(options.client_secret)}
    if options.certificate:
        microsoft = options.provider == "microsoft"
        assertion = of_client(
            options.certificate, options.client_id or "", options.endpoint, now, microsoft=microsoft
        )
    elif options.federated_token_file:
        assertion = _revealed(Secret(file=options.federated_token_file)).strip()
    else:
        return {}
    return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion}


def _revealed(secret: Secret | None) -> str:
    with map_secrets():
        return secret.reveal() if secret else ""
