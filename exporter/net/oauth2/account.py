"""The token of one account: one request for all waiting callers, renewed before it expires, cached
while valid."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from exporter.config.oauth2 import OAuth2Options
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason, Trait
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.starvation import blamed
from exporter.net.oauth2.token import Granted, Token

log = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds with the identity provider
PAUSE = 30.0  # seconds after a failed renewal, while the token is still good

RequestToken = Callable[[OAuth2Options, str, str, float], Awaitable[Granted]]
"""`exporter.net.oauth2.provider.request_token`."""


class Account:
    """The tokens of `username`. `failures` counts failed requests, by reason."""

    def __init__(
        self, options: OAuth2Options, username: str, clock: Clock, request_token: RequestToken
    ) -> None:
        self.username = username
        self.issuer = urlsplit(options.endpoint).netloc
        self.failures: Counter[Reason] = Counter()
        self._options = options
        self._clock = clock
        self._request_token = request_token
        self._token: Token | None = None
        self._refresh_token = ""  # newer than the configured one
        self._request: asyncio.Task[Token] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._retired = False
        self.expires_at: float | None = None  # Unix time, of the newest token

    async def token(self, instead_of: Token | None = None) -> Token:
        """The token, cached if valid; never `instead_of`, which a server has refused.

        Raises ProbeError: `auth` with the identity provider's text, or why it could not be reached.
        """
        if instead_of is not None and self._token == instead_of:
            self._token = None
        if self._token and self._clock.monotonic() < self._token.good_until:
            return self._token
        # Who is cancelled takes nothing away from others.
        return await asyncio.shield(self._current_request())

    def retire(self) -> None:
        """Stops renewing the token in advance: the account is no longer configured."""
        self._retired = True
        self._disarm()

    async def close(self) -> None:
        self.retire()
        if self._request:
            self._request.cancel()
            with suppress(asyncio.CancelledError, ProbeError):
                await self._request

    @property
    def busy(self) -> bool:
        return self._request is not None

    def _current_request(self) -> asyncio.Task[Token]:
        """The request in progress, or a new one."""
        if not self._request:
            self._disarm()
            self._request = asyncio.create_task(
                self._request_token_now(), name=f"token of {self.username}"
            )
            self._request.add_done_callback(self._answered)
        return self._request

    async def _request_token_now(self) -> Token:
        began, now = self._clock.monotonic(), self._clock.wall()
        try:
            async with FairTimeout(PATIENCE, PATIENCE):
                granted = await self._request_token(
                    self._options, self.username, self._refresh_token, now
                )
        except TimeoutError:
            error = ProbeError(
                Reason.TIMEOUT, f"no answer from {self.issuer} within {PATIENCE:g} s"
            )
            raise blamed(error, self._clock.late_since(began), PATIENCE) from None
        self._refresh_token = granted.refresh_token or self._refresh_token
        return Token(granted.value, began, granted.lifetime, now + granted.lifetime)

    def _answered(self, request: asyncio.Task[Token]) -> None:
        self._request = None
        if request.cancelled():
            return
        error = request.exception()
        if error is None:
            self._token = request.result()
            self.expires_at = self._token.expires_at
            self._arm(self._token.renew_at - self._clock.monotonic())
            return
        self._refresh_token = ""  # the configured one may have been fixed
        reason = error.reason if isinstance(error, ProbeError) else Reason.INTERNAL
        if Trait.TELLS_NOTHING not in reason.traits:
            self.failures[reason] += 1
        if isinstance(error, ProbeError):
            log.warning("no new token for %s: %s", self.username, error.detail)
        else:
            log.error("no new token for %s: a bug in mailtrip", self.username, exc_info=error)
        if self._token and self._clock.monotonic() < self._token.good_until:
            self._arm(PAUSE)

    def _arm(self, seconds: float) -> None:
        if not self._retired:
            self._alarm = asyncio.get_running_loop().call_later(
                max(seconds, 0.0), self._current_request
            )

    def _disarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
