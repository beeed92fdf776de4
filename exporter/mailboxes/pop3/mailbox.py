"""A mailbox on a POP3 server."""

import ssl

from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.mailboxes.pop3.maildrop import Maildrop
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.mailboxes.pop3.session import Pop3Session
from exporter.mailboxes.session import Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.exceptions import map_secrets
from exporter.net.oauth2 import Account, Accounts
from exporter.net.pop3.connection import Pop3Connection, converse
from exporter.net.proxy import proxy_of
from exporter.net.sasl.bearer import (
    BEARERS,
    Bearer,
    authenticate_with_token,
    bearer_mechanism,
    get_token,
)
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


class Pop3Mailbox:
    """A configured mailbox. It keeps, between sessions, what the last login showed."""

    listens = False

    def __init__(
        self, options: Pop3Options, resolver: Resolver, accounts: Accounts | None = None
    ) -> None:
        self._options = options
        self._resolver = resolver
        self._maildrop = Maildrop()
        self._tls: TlsSession | None = None
        self._greeted = False
        self._account = (
            (accounts or Accounts()).of(options.oauth2, options.username or "")
            if options.oauth2
            else None
        )

    async def open(self, trace: Trace, wanted: Wanted) -> Pop3Session:
        """Logs in and lists the maildrop. Cancelling it, like every failure, drops the
        connection."""
        session = Pop3Session(
            self._connect, self._log_in, self._maildrop, self._options.poll_interval, trace, wanted
        )
        try:
            await session.open()
        except BaseException:
            session.abort()
            raise
        if self._tls:
            trace.fact(self._tls)
        return session

    async def _connect(self, trace: Trace) -> Pop3Connection:
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
        pop3 = await converse(connected, options.host, trace.note, credentials)
        try:
            with pop3.redaction.of_errors():
                await self._secure_and_greet(pop3, trace)
        except BaseException:
            pop3.abort()
            raise
        return pop3

    async def _secure_and_greet(self, pop3: Pop3Connection, trace: Trace) -> None:
        """The greeting comes inside TLS, or before STLS. A password leaves in plain text only if
        `tls` says so."""
        mode, server_name = self._options.tls_mode, self._options.server_name or self._options.host
        if mode == "implicit":
            with trace.step(Step.TLS):
                await pop3.secure(client_context(self._options), server_name)
        with trace.step(Step.GREETING):
            direct = self._options.proxy is None
            await pop3.greeting(self._greeted, trace.session_timeout, direct=direct)
            self._greeted = True
        if mode == "starttls":
            with trace.step(Step.TLS):
                await pop3.stls(client_context(self._options), server_name)
        host = self._options.host
        self._tls = session_fact(pop3.tls, Leg.MAILBOX, host) if pop3.tls else None
        if self._tls and pop3.tls:
            for line in lines_about_session(self._tls, pop3.tls):
                trace.note(line)

    async def _log_in(self, pop3: Pop3Connection, trace: Trace) -> None:
        with pop3.redaction.of_errors():
            await self._authenticate(pop3, trace)

    async def _authenticate(self, pop3: Pop3Connection, trace: Trace) -> None:
        user = self._options.username or ""
        if self._account:
            await self._authenticate_with(pop3, self._account, trace)
            return
        if self._options.password is None:
            offered = (await pop3.capa() or {}).get("SASL", ())
            await pop3.authenticate(external(self._options.host, user, offered, pop3.tls))
            return
        with map_secrets():
            password = pop3.credentials.reveal()
        name = self._mechanism(await pop3.capa(), pop3.tls)
        if name == "user":
            await pop3.user(user, password)
            return
        chosen, host = self._options.auth is not None, self._options.host
        mechanism = password_mechanism(name, user, password, host, pop3.tls, chosen=chosen)
        await pop3.authenticate(mechanism)

    async def _authenticate_with(
        self, pop3: Pop3Connection, account: Account, trace: Trace
    ) -> None:
        """Logs in with the token, which `_connect` has already fetched, so it is in memory if
        valid."""
        options, capabilities = self._options, await pop3.capa()
        offered = (
            BEARERS[1:]
            if capabilities is None
            else [name.lower() for name in capabilities.get("SASL", ())]
        )
        mechanism = bearer_mechanism(options.host, options.auth, offered)

        async def attempt(value: str) -> None:
            await pop3.authenticate(
                Bearer(mechanism, account.username, value, options.host, options.tcp_port)
            )

        await authenticate_with_token(account, await account.token(), trace, attempt)

    def _mechanism(self, offered: dict[str, list[str]] | None, tls: ssl.SSLObject | None) -> str:
        """The mechanism to use. A server without CAPA is assumed to support USER, as all did before
        CAPA. Some support it without listing it: set `auth` to try it."""
        sasl = (offered or {}).get("SASL", ())
        offers = {"user": offered is None or "USER" in offered}
        offers |= {name: name.upper() in sasl for name in ("plain", *in_order(tls))}
        usual = next((name for name, is_offered in offers.items() if is_offered), "user")
        chosen: str = self._options.auth or usual
        if self._options.auth == "user":
            return chosen
        if offered is not None and not offers.get(chosen):
            command = "USER and PASS" if chosen == "user" else f"AUTH {chosen.upper()}"
            detail = f"{self._options.host} does not offer {command}{unsupported(sasl)}"
            raise ProbeError(Reason.AUTH, detail) from NoLoginSent()
        return chosen
