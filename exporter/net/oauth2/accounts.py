"""All accounts that log in with tokens: one per pair of options and username, kept across
reloads."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.config.oauth2 import OAuth2Options
from exporter.core.reasons import Reason, Trait
from exporter.core.timing.clock import Clock
from exporter.net.oauth2.account import Account

REASONS = tuple(reason for reason in Reason if Trait.OF_A_TOKEN in reason.traits)
"""Why there may be no new token."""

Login = tuple[OAuth2Options, str]
"""How, and who."""


@dataclass
class AccountStatus:
    """The status of a username; of several tokens, the one that expires first."""

    expires_at: float | None = None  # Unix time
    failures: dict[Reason, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))


class Accounts:
    """Provides accounts. Call `close` at the end."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._accounts: dict[Login, Account] = {}
        self._retired: list[Account] = []

    def of(self, options: OAuth2Options, username: str) -> Account:
        """The account of that name, shared by all callers with the same options."""
        login = (options, username)
        if login not in self._accounts:
            # Only logins with tokens need an HTTP client, jwt and cryptography.
            from exporter.net.oauth2.provider import request_token

            self._accounts[login] = Account(options, username, self._clock, request_token)
        return self._accounts[login]

    def configure(self, logins: Iterable[Login]) -> None:
        """Sets the configured accounts. Those that existed before keep their tokens."""
        wanted = set(logins)
        gone = [self._accounts.pop(login) for login in self._accounts.keys() - wanted]
        for account in gone:
            account.retire()
        self._retired = [account for account in (*self._retired, *gone) if account.busy]
        for options, username in wanted:
            self.of(options, username)

    def statuses(self) -> dict[str, AccountStatus]:
        """The statuses by username."""
        found: dict[str, AccountStatus] = {}
        for (_, username), account in self._accounts.items():
            status = found.setdefault(username, AccountStatus())
            if account.expires_at is not None:
                status.expires_at = min(account.expires_at, status.expires_at or account.expires_at)
            for reason, count in account.failures.items():
                status.failures[reason] += count
        return found

    async def close(self) -> None:
        await asyncio.gather(
            *(account.close() for account in (*self._accounts.values(), *self._retired))
        )
