"""Sends through one server, by SMTP or LMTP."""

from exporter.config.proxy import Proxy
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.oauth2 import Token
from exporter.net.proxy import proxy_of
from exporter.net.sasl.bearer import Bearer, authenticate_with_token, bearer_mechanism, get_token
from exporter.net.sasl.credentials import Credentials
from exporter.net.sasl.mechanisms import external
from exporter.net.smtp.login import authenticate, login
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.reply import Protocol
from exporter.net.smtp.session import Act, SmtpSession, session
from exporter.senders.kind import Means
from exporter.senders.one_server_options import OneServerOptions


class OneServer:
    """One server, one attempt: the server's reply is the verdict."""

    def __init__(
        self,
        options: OneServerOptions,
        means: Means,
        host: str = "",
        port: int = 0,
        protocol: Protocol = "SMTP",
        socket: str = "",
    ) -> None:
        """The server is at this host and port, or at the Unix socket of this path."""
        self._options = options
        self._resolver = means.resolver
        self._server, self._port = socket or host, port
        self._protocol = protocol
        self._socket = socket
        self.gap = options.gap or 0.0
        self._account = (
            means.accounts.of(options.oauth2, options.username or "") if options.oauth2 else None
        )

    def destination(self, message: ProbeMessage) -> str:
        return self._socket or f"{self._server.lower()}:{self._port}"

    async def send(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(lambda smtp: smtp.hand_over(message), run)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(lambda smtp: smtp.preflight(message), run)

    async def _visit(self, act: Act, run: Run) -> None:
        options, name = self._options, self._options.ehlo_name or own_name()
        # Before the server has to wait for us.
        token = await get_token(self._account, run) if self._account else None
        proxy = proxy_of(options.proxy, run)
        credentials = Credentials(
            options.username or "", options.password, token.value if token else "", proxy
        )
        with (
            credentials.redaction.of_errors(),
            session(self._server, run, credentials.redaction, self._protocol) as smtp,
        ):
            async with run.conversation(server=self._server):
                await self._connect(smtp, proxy)
                await smtp.ehlo(name)
                if options.tls_mode == "starttls":
                    await smtp.starttls(options)
                    await smtp.ehlo(name)
                await self._log_in(smtp, credentials, token, run)
                await act(smtp)
            await smtp.quit()

    async def _connect(self, smtp: SmtpSession, proxy: Proxy | None) -> None:
        if self._socket:
            await smtp.connect_to_socket(self._socket)
            return
        implicit = self._options if self._options.tls_mode == "implicit" else None
        await smtp.connect(self._resolver, self._port, self._options, implicit, proxy=proxy)

    async def _log_in(
        self, smtp: SmtpSession, credentials: Credentials, token: Token | None, run: Run
    ) -> None:
        options = self._options
        if options.username is not None and options.password is not None:
            await login(smtp, options.username, credentials, options.auth)
        elif self._account and token:
            user = self._account.username
            with run.step(Step.AUTH):
                mechanism = bearer_mechanism(self._server, options.auth, smtp.mechanisms)

            async def attempt(value: str) -> None:
                await authenticate(smtp, Bearer(mechanism, user, value, self._server, self._port))

            await authenticate_with_token(self._account, token, run, attempt)
        elif options.client_certificate and options.auth != "none":
            needed = options.auth or options.username
            if needed or "external" in smtp.mechanisms:
                with run.step(Step.AUTH):
                    user = options.username or ""
                    certificate = external(self._server, user, smtp.mechanisms, smtp.tls)
                await authenticate(smtp, certificate)
