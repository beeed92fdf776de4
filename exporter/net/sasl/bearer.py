"""Login with a token of an identity provider (RFC 7628, and XOAUTH2)."""

import json
from collections.abc import Awaitable, Callable, Collection

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.net.oauth2 import Account, Token
from exporter.net.sasl.conversation import NoLoginSent

BEARERS = ("oauthbearer", "xoauth2")
_TOLD = ("status", "error", "error_description", "scope")


class Bearer:
    """A token. A challenge contains the reason of a refusal; after our answer the server reports
    the refusal."""

    def __init__(self, name: str, user: str, token: str, host: str, port: int) -> None:
        self.name = name.upper()
        self.secrets: tuple[str, ...] = (token,)
        self.words = ""
        self._user, self._token, self._host, self._port = user, token, host, port

    def initial_response(self) -> bytes:
        """The response of RFC 7628 section 3.1 with the name as in RFC 5801, or Google's for
        XOAUTH2."""
        bearer = f"auth=Bearer {self._token}\1\1"
        if self.name == "XOAUTH2":
            return f"user={self._user}\1{bearer}".encode()
        user = self._user.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={user},\1host={self._host}\1port={self._port}\1{bearer}".encode()

    async def answer(self, challenge: bytes) -> bytes:
        """RFC 7628 section 3.2.3 requires a control character; XOAUTH2 an empty answer."""
        self.words = _refusal_in(challenge)
        return b"" if self.name == "XOAUTH2" else b"\1"

    def succeeded(self) -> None:
        pass


def _refusal_in(challenge: bytes) -> str:
    """The JSON of RFC 7628 section 3.2.2 in one line, or any other text."""
    try:
        found = json.loads(challenge)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return one_line(
            ", ".join(f"{name} {found[name]}" for name in _TOLD if found.get(name)), 200
        )
    return one_line(challenge.decode(errors="replace"), 200)


def bearer_mechanism(server: str, wanted: str | None, offered: Collection[str]) -> str:
    """The mechanism for a token, among those offered (in lower case). Raises ProbeError."""
    chosen = next((name for name in ((wanted,) if wanted else BEARERS) if name in offered), None)
    if chosen is None:
        names = wanted or " or ".join(BEARERS)
        raise ProbeError(
            Reason.AUTH,
            f"{server} does not offer {names}; it offers {', '.join(sorted(offered)) or 'nothing'}",
        ) from NoLoginSent()
    return chosen


async def get_token(account: Account, trace: Trace, instead_of: Token | None = None) -> Token:
    """Gets the account's token, as a step of the trip."""
    with trace.step(Step.TOKEN, account.issuer):
        return await account.token(instead_of)


async def authenticate_with_token(
    account: Account, token: Token, trace: Trace, attempt: Callable[[str], Awaitable[None]]
) -> None:
    """Logs in with the token; renews a refused one once, since it may have been revoked."""
    try:
        await attempt(token.value)
    except ProbeError as error:
        if error.reason is not Reason.AUTH:
            raise
        await _retry_with_new_token(account, token, trace, attempt, error)


async def _retry_with_new_token(
    account: Account,
    token: Token,
    trace: Trace,
    attempt: Callable[[str], Awaitable[None]],
    refusal: ProbeError,
) -> None:
    trace.note("-- token refused; requesting a new one")
    try:
        newer = await get_token(account, trace, token)
    except ProbeError as error:
        detail = f"{refusal.detail}; and {error.detail}"
        raise ProbeError(error.reason, detail, code=error.code) from error
    try:
        await attempt(newer.value)
    except ProbeError as error:
        if error.reason is Reason.DISCONNECTED:  # some servers do not hear a second try
            raise refusal from None
        raise
