"""Sends through an SMTP server given by name."""

from collections.abc import Iterator
from typing import ClassVar

from exporter.config.address import PLACEHOLDER, EhloName, HostTemplate, check_filled, check_host
from exporter.config.finding import Finding
from exporter.config.server import Port, Ports, ServerOptions
from exporter.core.reasons import Reason
from exporter.core.run import Run
from exporter.core.steps import Step
from exporter.mail.composition import ProbeMessage
from exporter.net.bearer import Bearer, authenticate_with_token, bearer_mechanism, get_token
from exporter.net.credentials import Credentials
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts, Token
from exporter.net.smtp.login import Auth, authenticate, login
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.ports import BETWEEN_SERVERS, SMTP_PORTS
from exporter.net.smtp.scope import REASONS, STEPS
from exporter.net.smtp.session import SmtpSession, session
from exporter.senders.kind import Introduction, Means
from exporter.senders.pace import PacedOptions


class SmtpOptions(ServerOptions, PacedOptions):
    """An SMTP server given by name (RFC 5321), or a submission server with a login (RFC 6409)."""

    ports: ClassVar[Ports] = SMTP_PORTS
    most_servers: ClassVar[int] = 1

    host: HostTemplate
    """Name or address of the server; `{target}` stands for the target."""

    port: Port | None = None
    """TCP port. Default: 465 with `tls: implicit`, 587 with a login or `tls: starttls`, else 25."""

    auth: Auth | None = None
    """The only mechanism that is used. Default: the first of plain, login, scram-sha-256,
    scram-sha-512, scram-sha-1, cram-md5 that the server offers; with `oauth2` the first of
    oauthbearer, xoauth2. The `-plus` mechanisms bind the login to its TLS session: up to TLS 1.2
    they come before the other SCRAM mechanisms (tls-unique), and with TLS 1.3 after all others
    (tls-server-end-point). NTLM and GSSAPI are not supported."""

    ehlo_name: EhloName | None = None
    """The name for EHLO. Default: the name of this machine."""

    @property
    def tcp_port(self) -> int:
        """`port`, or what it defaults to."""
        return self.port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls_mode]

    @property
    def steps(self) -> frozenset[Step]:
        return STEPS | self.steps_of_access(Step.AUTH)

    @property
    def reasons(self) -> frozenset[Reason]:
        return REASONS | self.reasons_of_access

    @property
    def falls_back(self) -> bool:
        return False

    @property
    def visits_each(self) -> bool:
        return False

    @property
    def template(self) -> str:
        return self.host

    @property
    def introduction(self) -> Introduction | None:
        """A server of the Internet that takes mail on port 25 without a login does not know us."""
        if self.tcp_port != BETWEEN_SERVERS or self.username:
            return None
        return Introduction(self.ehlo_name or own_name(), self, only_if_public=True)

    def check_target(self, target: str) -> None:
        if PLACEHOLDER in self.host:
            check_filled("host", check_host, self.host, target)

    def needs_target(self, recipient: str) -> bool:
        return PLACEHOLDER in self.host

    def review(self, timeout: float) -> Iterator[Finding]:
        yield from ()

    def sender(self, target: str, means: Means) -> "SmtpSender":
        return SmtpSender(self, means.resolver, target, means.accounts)


class SmtpSender:
    """One server, one attempt: the server's reply is the verdict."""

    def __init__(
        self, options: SmtpOptions, resolver: Resolver, target: str, accounts: Accounts
    ) -> None:
        self._options = options
        self._resolver = resolver
        self._host = options.host.replace("{target}", target)
        self.gap = options.gap or 0.0
        self._account = (
            accounts.of(options.oauth2, options.username or "") if options.oauth2 else None
        )

    def destination(self, message: ProbeMessage) -> str:
        return f"{self._host.lower()}:{self._options.tcp_port}"

    async def send(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(message, run)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(None, run)

    async def _visit(self, message: ProbeMessage | None, run: Run) -> None:
        options, name = self._options, self._options.ehlo_name or own_name()
        # Before the server has to wait for us.
        token = await get_token(self._account, run) if self._account else None
        credentials = Credentials(
            options.username or "", options.password, token.value if token else ""
        )
        with (
            credentials.redaction.of_errors(),
            session(self._host, run, credentials.redaction) as smtp,
        ):
            async with run.conversation(server=self._host):
                implicit = options if options.tls_mode == "implicit" else None
                await smtp.connect(self._resolver, options.tcp_port, options, implicit)
                await smtp.ehlo(name)
                if options.tls_mode == "starttls":
                    await smtp.starttls(options)
                    await smtp.ehlo(name)
                await self._log_in(smtp, credentials, token, run)
                if message:
                    await smtp.hand_over(message)
            await smtp.quit()

    async def _log_in(
        self, smtp: SmtpSession, credentials: Credentials, token: Token | None, run: Run
    ) -> None:
        options = self._options
        if options.username is not None and options.password is not None:
            await login(smtp, options.username, credentials, options.auth)
        elif self._account and token:
            user = self._account.username
            with run.step(Step.AUTH):
                mechanism = bearer_mechanism(self._host, options.auth, smtp.mechanisms)

            async def attempt(value: str) -> None:
                await authenticate(
                    smtp, Bearer(mechanism, user, value, self._host, options.tcp_port)
                )

            await authenticate_with_token(self._account, token, run, attempt)
