"""A mailbox on a POP3 server."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from exporter.config.server import Port, ServerOptions, TlsMode
from exporter.config.types import Duration, Secret, SecretUnavailable, Text
from exporter.mailboxes.pop3_maildrop import Maildrop
from exporter.mailboxes.pop3_session import Pop3Session
from exporter.model import Leg, ProbeError, Reason, Step, TlsSession
from exporter.net.dns import Resolver
from exporter.net.pop3 import Pop3Connection, converse
from exporter.net.tcp import dial
from exporter.net.tls import client_context, session_fact
from exporter.run import Run


class Pop3Options(ServerOptions):
    """A mailbox on a POP3 server (RFC 1939), which must know UIDL. A folder for junk cannot be seen over POP3."""

    port: Port | None = None
    """TCP port. Default: 995 with `tls: implicit`, else 110."""

    tls: TlsMode | None = None
    """`none`, `starttls` (STLS) or `implicit`. Default: `implicit` on port 995 and when no port is given; on any other
    port `starttls`, so that no password goes out in the clear unasked."""

    username: Text
    """Who logs in."""

    password: Secret
    """`{file: PATH}`, `{env: NAME}` or the text itself. A file is read again at every use."""

    auth: Literal["user", "plain"] | None = None
    """The one mechanism that is used: the commands USER and PASS, or AUTH PLAIN. Default: what the server offers."""

    poll_interval: Duration = 0.5
    """The least time from one login to the next. POP3 shows new messages only to a new login: about every second while
    a message is fresh, then less and less often. Make it longer for a provider that limits logins; a limit that the
    server announces (LOGIN-DELAY) is kept in any case. A delay is told only if it is known within a second or a tenth
    of it, so with `10s` none that is shorter than 100 s."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Username and password are required, so each of them is missed on its own."""
        yield from ()

    @property
    def tls_mode(self) -> TlsMode:
        """`tls`, or what it defaults to."""
        return "implicit" if self.tls is None and self.port is None else super().tls_mode

    @property
    def tcp_port(self) -> int:
        """`port`, or what it defaults to."""
        return self.port or (995 if self.tls_mode == "implicit" else 110)


class Pop3Mailbox:
    """A configured mailbox. It remembers between two sessions what the last login has shown."""

    listens = False

    def __init__(self, options: Pop3Options, resolver: Resolver) -> None:
        self._options = options
        self._resolver = resolver
        self._maildrop = Maildrop()
        self._tls: TlsSession | None = None

    async def open(self, run: Run, wanted: Callable[[bytes], bool]) -> Pop3Session:
        """Logs in and lists the maildrop. Cancelling it, like every failure, drops the connection."""
        session = Pop3Session(self._connect, self._log_in, self._maildrop, self._options.poll_interval, run, wanted)
        try:
            await session.begin()
        except BaseException:
            session.abort()
            raise
        if self._tls:
            run.fact(self._tls)
        return session

    async def _connect(self, run: Run) -> Pop3Connection:
        options = self._options
        connected = await dial(self._resolver, options.host, options.tcp_port, options, run)
        pop3 = await converse(connected, options.host, run.note)
        try:
            await self._secure_and_greet(pop3, run)
        except BaseException:
            pop3.abort()
            raise
        return pop3

    async def _secure_and_greet(self, pop3: Pop3Connection, run: Run) -> None:
        """The greeting comes inside TLS, or before STLS. A password leaves in the clear only if `tls` says so."""
        mode, server_name = self._options.tls_mode, self._options.server_name or self._options.host
        if mode == "implicit":
            with run.step(Step.TLS):
                await pop3.secure(client_context(self._options), server_name)
        with run.step(Step.GREETING):
            await pop3.greeting()
        if mode == "starttls":
            with run.step(Step.TLS):
                await pop3.stls(client_context(self._options), server_name)
        self._tls = session_fact(pop3.tls, Leg.MAILBOX) if pop3.tls else None
        if self._tls:
            run.note(f"-- {self._tls.version} {self._tls.cipher}")

    async def _log_in(self, pop3: Pop3Connection) -> None:
        user = self._options.username
        try:
            password = self._options.password.reveal()
        except SecretUnavailable as error:
            raise ProbeError(Reason.AUTH, str(error)) from None
        if self._mechanism(await pop3.capa()) == "plain":
            await pop3.plain(user, password)
        else:
            await pop3.user(user, password)

    def _mechanism(self, offered: dict[str, list[str]] | None) -> Literal["user", "plain"]:
        """A server that does not tell what it offers is taken to know USER, as all did before there was CAPA."""
        offers = {"user": offered is None or "USER" in offered, "plain": "PLAIN" in (offered or {}).get("SASL", ())}
        chosen = self._options.auth or ("plain" if offers["plain"] and not offers["user"] else "user")
        if offered is not None and not offers[chosen]:
            command = "USER and PASS" if chosen == "user" else "AUTH PLAIN"
            raise ProbeError(Reason.AUTH, f"{self._options.host} does not offer {command}")
        return chosen
