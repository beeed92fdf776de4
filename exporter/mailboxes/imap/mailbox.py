"""A mailbox on an IMAP server."""

import ssl

from exporter import __version__
from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.trace import Trace
from exporter.mailboxes.imap.breaking import BreakingMessages
from exporter.mailboxes.imap.folder import Bookmark
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.imap.session import ImapSession, open_session
from exporter.mailboxes.session import Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.exceptions import map_secrets
from exporter.net.imap.connection import ImapConnection, converse
from exporter.net.imap.login import authenticate, login
from exporter.net.oauth2 import Account, Accounts, Token
from exporter.net.proxy import proxy_of
from exporter.net.sasl.bearer import Bearer, authenticate_with_token, bearer_mechanism, get_token
from exporter.net.sasl.conversation import NoLoginSent
from exporter.net.sasl.credentials import Credentials
from exporter.net.sasl.mechanisms import (
    external,
    in_order,
    password_mechanism,
    unsupported,
)
from exporter.net.tcp import dial
from exporter.net.tls.handshake import client_context, lines_about_session, session_fact

ID_PATIENCE = 5.0  # seconds; who has not answered it by then is asked without


class ImapMailbox:
    """A configured mailbox. It keeps, between sessions, how far its folders were read."""

    listens = False

    def __init__(
        self,
        options: ImapOptions,
        resolver: Resolver,
        accounts: Accounts | None = None,
        id_patience: float = ID_PATIENCE,
    ) -> None:
        """`id_patience` is in seconds."""
        self._options = options
        self._resolver = resolver
        self._bookmarks: dict[str, Bookmark] = {}
        self._breaking = BreakingMessages()
        self._id_patience = id_patience
        self._broken_id = False  # the server has not lived through it, or not answered it
        self._account = (
            (accounts or Accounts()).of(options.oauth2, options.username or "")
            if options.oauth2
            else None
        )

    async def open(self, trace: Trace, wanted: Wanted) -> ImapSession:
        """Connects, logs in and selects the first folder. Cancelling it, like every failure, drops
        the connection."""
        options = self._options
        # Before the server has to wait for us.
        token = await get_token(self._account, trace) if self._account else None
        proxy = proxy_of(options.proxy, trace)
        trace.server = options.host
        connected = await dial(
            self._resolver, options.host, options.tcp_port, options, trace, proxy=proxy
        )
        credentials = Credentials(
            options.username or "", options.password, token.value if token else "", proxy
        )
        imap = await converse(connected, options.host, trace.now, trace.note, credentials.redaction)
        try:
            with imap.redaction.of_errors():
                return await self._open_session(imap, credentials, token, trace, wanted)
        except BaseException:
            imap.abort()
            raise

    async def _open_session(
        self,
        imap: ImapConnection,
        credentials: Credentials,
        token: Token | None,
        trace: Trace,
        wanted: Wanted,
    ) -> ImapSession:
        await self._secure_and_greet(imap, trace)
        if not imap.authenticated:
            with trace.step(Step.LOGIN):
                await self._log_in(imap, credentials, token, trace)
        with trace.step(Step.SELECT):
            identified = await self._identify(imap) if self._options.id else True
            session = await open_session(
                imap, trace, self._options.folders, self._bookmarks, self._breaking, wanted
            )
            self._broken_id = not identified
        return session

    async def _identify(self, imap: ImapConnection) -> bool:
        """ID (RFC 2971). False if it was omitted, since the server closed the last connection or
        hung after it.

        If the server does not work without ID either, it is sent again.
        """
        if self._broken_id:
            self._broken_id = False
            imap.note("-- ID not sent: the server offers it, but did not answer it")
            return False
        self._broken_id = True
        try:
            async with FairTimeout(self._id_patience, self._id_patience):
                await imap.identify({"name": "mailtrip", "version": __version__})
        except TimeoutError:
            detail = (
                f"{self._options.host} offers ID, but does not answer it; it will not be sent again"
            )
            raise ProbeError(Reason.DISCONNECTED, detail) from None
        self._broken_id = False
        return True

    async def _secure_and_greet(self, imap: ImapConnection, trace: Trace) -> None:
        """The greeting comes inside TLS, or before STARTTLS. A password is sent in plain text only
        if `tls` says so."""
        mode, server_name = self._options.tls_mode, self._options.server_name or self._options.host
        if mode == "implicit":
            with trace.step(Step.TLS):
                await imap.secure(client_context(self._options), server_name)
        with trace.step(Step.GREETING):
            await imap.greeting(trace.session_timeout, direct=self._options.proxy is None)
        if mode == "starttls":
            with trace.step(Step.TLS):
                await imap.starttls(client_context(self._options), server_name)
        if imap.tls:
            fact = session_fact(imap.tls, Leg.MAILBOX, self._options.host)
            trace.fact(fact)
            for line in lines_about_session(fact, imap.tls):
                trace.note(line)

    async def _log_in(
        self, imap: ImapConnection, credentials: Credentials, token: Token | None, trace: Trace
    ) -> None:
        host, user = self._options.host, self._options.username
        if self._account and token:
            await self._authenticate_with(imap, self._account, token, trace)
            return
        if self._options.client_certificate and self._options.password is None:
            await self._authenticate_with_certificate(imap)
            return
        if user is None or self._options.password is None:
            raise ProbeError(
                Reason.AUTH, f"{host} requires a login, but no `username` is configured"
            ) from NoLoginSent()
        with map_secrets():
            password = credentials.reveal()
        await self._try(imap, user, password)

    async def _try(self, imap: ImapConnection, user: str, password: str) -> None:
        """Tries one mechanism; another one only if the server refused the mechanism itself."""
        host, first = self._options.host, None
        for name in self._mechanisms(await imap.capability(), imap.tls):
            if name == "login":
                reply = await login(imap, user, password)
            else:
                chosen = self._options.auth is not None
                mechanism = password_mechanism(name, user, password, host, imap.tls, chosen=chosen)
                reply = await authenticate(imap, mechanism)
            if not reply.mechanism_refused:
                reply.data("the login", Reason.AUTH)
                return
            first = first or reply
        if first:
            first.data("the login", Reason.AUTH)

    async def _authenticate_with_certificate(self, imap: ImapConnection) -> None:
        offered = _mechanisms_in(await imap.capability())
        mechanism = external(self._options.host, self._options.username or "", offered, imap.tls)
        (await authenticate(imap, mechanism)).data("the login", Reason.AUTH)

    async def _authenticate_with(
        self, imap: ImapConnection, account: Account, token: Token, trace: Trace
    ) -> None:
        options = self._options
        offered = _mechanisms_in(await imap.capability())
        mechanism = bearer_mechanism(options.host, options.auth, offered)

        async def attempt(value: str) -> None:
            bearer = Bearer(mechanism, account.username, value, options.host, options.tcp_port)
            (await authenticate(imap, bearer)).data("the login", Reason.AUTH)

        await authenticate_with_token(account, token, trace, attempt)

    def _mechanisms(self, offered: set[str], tls: ssl.SSLObject | None) -> list[str]:
        """The mechanisms to try, in this order. Raises ProbeError (auth) if there are none."""
        host, wanted = self._options.host, self._options.auth
        known = ("plain", *in_order(tls))
        usable = [name for name in known if f"AUTH={name.upper()}" in offered]
        if "LOGINDISABLED" not in offered:
            usable.insert(0, "login")
        if wanted and wanted not in usable and wanted != "login":
            raise ProbeError(
                Reason.AUTH, f"{host} does not offer AUTHENTICATE {wanted.upper()}"
            ) from NoLoginSent()
        if (wanted or "login") not in usable and not (usable and not wanted):
            hint = "" if tls else " on connections without TLS"
            others = unsupported([name.removeprefix("AUTH=") for name in offered])
            raise ProbeError(
                Reason.AUTH, f"{host} does not allow LOGIN{hint} (LOGINDISABLED){others}"
            ) from NoLoginSent()
        return [wanted] if wanted else usable


def _mechanisms_in(capabilities: set[str]) -> set[str]:
    """In lower case."""
    return {one.removeprefix("AUTH=").lower() for one in capabilities if one.startswith("AUTH=")}
