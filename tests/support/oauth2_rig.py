"""An identity provider, and accounts with it."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.config.oauth2 import OAuth2Options
from exporter.core.model import ProbeError
from exporter.core.timing.clock import Clock
from exporter.net.oauth2 import Account, Accounts
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider, serving


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.moment = 1000.0

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.moment)


@dataclass
class OAuth2Rig:
    """`account` makes one with these options more; what is None is left out."""

    identity: IdentityProvider
    ca_file: str
    hands: Hands
    accounts: Accounts

    def options(self, **given: Any) -> OAuth2Options:
        usual = {
            "token_url": self.identity.url,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "ca_file": self.ca_file,
        }
        return OAuth2Options.model_validate(
            {k: v for k, v in (usual | given).items() if v is not None}
        )

    def account(self, username: str = "probe", **given: Any) -> Account:
        return self.accounts.of(self.options(**given), username)


async def refusal(account: Account) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await account.token()
    return caught.value


@asynccontextmanager
async def rig(directory: Path, name: str = "127.0.0.1", **levers: Any) -> AsyncIterator[OAuth2Rig]:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    hands = Hands()
    async with serving(tls, **levers) as identity:
        accounts = Accounts(hands.clock)
        try:
            yield OAuth2Rig(identity, str(ca_file), hands, accounts)
        finally:
            await accounts.close()


Make = Callable[..., Account]
