"""The boundary to aiosmtpd: an SMTP receiver (RFC 5321) for unknown clients.

aiosmtpd implements the protocol. This module adds limits on connections and on the length of
sessions and lines, replies without internal details, and complete closing of connections.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any, AnyStr, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from exporter.config.address import Network
from exporter.config.grammar import ip_of
from exporter.config.types import Listen
from exporter.core.facts import Client
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.mail.headers.stamp import stamp
from exporter.mail.tokens import address_parts
from exporter.net.exceptions import map_exceptions
from exporter.net.listening import listen_error
from exporter.net.smtpd.clients import Clients
from exporter.net.smtpd.limits import UNENDED_LINE, Limits
from exporter.net.smtpd.proxy_header import LONGEST as LONGEST_HEADER
from exporter.net.smtpd.proxy_header import MalformedHeader, header_in
from exporter.net.smtpd.text import incoming_text
from exporter.net.tls.certificate import ServerCertificate

# RFC 5321 section 4.1.2: esmtp-param.
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(=[^\s=]\S*)?")
_OFFERED = frozenset({"BODY", "SIZE", "SMTPUTF8"})

log = logging.getLogger(__name__)


class MailPolicy(Protocol):
    """Decides which recipients and messages the receiver accepts."""

    def refusal(self, recipient: str) -> str | None:
        """The reply that refuses mail for this recipient, or None."""

    keep: int
    """So many bytes of a message are kept, if it is not wanted."""

    def turned_away(self, peer: str, why: str) -> None:
        """Notes that this peer did not keep to the PROXY protocol."""

    async def is_wanted(self, beginning: bytes) -> bool:
        """Whether a message is ours, by its beginning, with our trace on top. It is then kept as a
        whole."""

    async def receive(self, raw: bytes, size: int, client: Client, wanted: bool | None) -> str:
        """Processes a message by its beginning, with our trace on top, its size, who brought it,
        and whether it is `wanted`, if that is known. With the reply 250 we are responsible.

        It processes one message per client address at a time.
        """


class Receiver:
    """An SMTP server on one address. It offers STARTTLS if it has a certificate, and never AUTH."""

    def __init__(
        self,
        hostname: str,
        policy: MailPolicy,
        max_message_size: int,
        certificate: ServerCertificate | None,
        limits: Limits,
        clock: Clock,
        proxies: Sequence[Network] = (),
    ) -> None:
        """From the networks of `proxies`, every connection must begin with a PROXY header."""
        self.hostname = hostname
        self.policy = policy
        self.max_message_size = max_message_size
        self.certificate = certificate
        self.limits = limits
        self.clock = clock
        self.proxies = proxies
        self.closing = False
        self.clients: Clients[_Connection] = Clients(limits)
        self._server: asyncio.Server | None = None

    async def listen(self, listen: Listen) -> None:
        """Starts to accept connections. Raises ProbeError (connect)."""
        # aiosmtpd logs every command of unknown clients.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        unusable = (OSError, UnicodeError)
        with map_exceptions(
            {unusable: lambda error: ProbeError(Reason.CONNECT, listen_error(listen, error))}
        ):
            # In two steps: one that is cancelled at its end would leave its sockets open.
            self._server = await loop.create_server(
                lambda: _Connection(self), listen.host or None, listen.port, start_serving=False
            )
            try:
                await self._server.start_serving()
            except BaseException:
                self._server.close()
                raise

    @property
    def port(self) -> int:
        """The port that it listens on; if configured as 0, the one chosen by the system."""
        return (
            cast(int, self._server.sockets[0].getsockname()[1])
            if self._server and self._server.sockets
            else 0
        )

    def admit(self, connection: "_Connection", peer: object) -> str | None:
        """Gives a connection a place; or the reply that turns it away."""
        if self.closing:
            return "421 4.3.2 Shutting down"
        return self.clients.admit(connection, peer)

    def admit_unknown(self, connection: "_Connection", proxy: object) -> str | None:
        """The same, for a connection of a proxy whose client is not known yet."""
        if self.closing:
            return "421 4.3.2 Shutting down"
        return self.clients.admit_unknown(connection, proxy)

    def is_proxy(self, peer: object) -> bool:
        address = ip_of(_address_of(peer))
        return address is not None and any(address in network for network in self.proxies)

    async def close(self) -> None:
        """Stops listening, says goodbye to all clients, and waits for their connections to end."""
        self.closing = True
        for listener in self._server.sockets if self._server else ():
            asyncio.get_running_loop().remove_reader(listener)
        # Asyncio forgets a connection that is half accepted when its server is closed.
        await asyncio.sleep(0)
        self._stop_listening()
        gone = [connection.gone for connection in self.clients]
        for connection in self.clients:
            connection.part("421 4.3.2 Shutting down")
        if gone:
            await asyncio.wait(gone, timeout=2 * self.limits.goodbye)

    def abort(self) -> None:
        """Stops listening and drops all connections. May be called twice."""
        self._stop_listening()
        for connection in self.clients:
            connection.abort()

    def _stop_listening(self) -> None:
        self.closing = True
        if self._server:
            self._server.close()


class _Hooks:
    """The hooks that aiosmtpd calls by name during a session."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [reply for reply in replies if not reply.startswith("250-AUTH")]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._receiver.policy.refusal(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        if not isinstance(error, TLSSetupException | ConnectionError):
            log.error("SMTP receiver: unexpected error in a session", exc_info=error)
        return "451 4.3.0 Local error"


class _Connection(SMTP):
    """The connection of one client, with or without TLS."""

    def __init__(self, receiver: Receiver) -> None:
        certificate, limits = receiver.certificate, receiver.limits
        super().__init__(
            _Hooks(receiver),
            data_size_limit=receiver.max_message_size,
            enable_SMTPUTF8=True,
            hostname=receiver.hostname,
            ident="ESMTP",
            tls_context=certificate.context() if certificate else None,
            timeout=limits.idle,
            command_call_limit=limits.commands,
            loop=asyncio.get_running_loop(),
        )
        self.gone: asyncio.Future[None] = self.loop.create_future()
        self._receiver = receiver
        self._link: asyncio.Transport | None = None  # the TCP connection, also below TLS
        self._header: bytearray | None = None  # what has come of a proxy's, while it is awaited
        self._peer: Any = None  # the address of the client, perhaps behind a proxy
        self._deadline: asyncio.TimerHandle | None = None
        self._last_byte = b""
        self._unended = 0
        self._refusals = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called a second time after the handshake of STARTTLS."""
        if self._link is None:
            self._link, peer = (
                cast(asyncio.Transport, transport),
                transport.get_extra_info("peername"),
            )
            if not self._receiver.is_proxy(peer):
                self._serve(peer, self._receiver.admit(self, peer))
            elif reply := self._receiver.admit_unknown(self, peer):
                _reject_connection(self._link, reply)
            else:
                self._header = bytearray()
                patience = self._receiver.limits.header
                why = f"no PROXY header within {patience:g} s"
                self._deadline = self.loop.call_later(patience, self._turn_away, why)
            return
        super().connection_made(transport)
        if self.session:
            self.session.peer = self._peer

    def _serve(self, peer: Any, refusal: str | None) -> None:
        """Begins the session of this client, unless it is refused."""
        link, limits = self._link, self._receiver.limits
        assert link  # noqa: S101 - from the first byte on
        if refusal:
            self._receiver.clients.forget(self)
            _reject_connection(link, refusal)
            return
        self._peer = peer
        self._deadline = self.loop.call_later(
            limits.session, self.part, "421 4.4.2 Session time limit exceeded"
        )
        super().connection_made(link)
        if self.session:
            self.session.peer = peer

    def _read_header(self, header: bytearray, data: bytes) -> None:
        """Waits for the whole header of a proxy. What follows it is the client's."""
        header += data
        try:
            found = header_in(bytes(header[:LONGEST_HEADER]))
        except MalformedHeader as problem:
            self._turn_away(str(problem))
            return
        if not found:
            return
        if self._deadline:
            self._deadline.cancel()
        self._header = None
        link = self._link
        peer = found.client or (link.get_extra_info("peername") if link else None)
        self._serve(peer, self._receiver.admit(self, peer))
        if self.session and len(header) > found.size:
            self.data_received(bytes(header[found.size :]))

    def _turn_away(self, why: str) -> None:
        """Ends a connection of a proxy that does not say for which client."""
        peer = self._link.get_extra_info("peername") if self._link else None
        self._receiver.policy.turned_away(_address_of(peer), why)
        self.abort()

    def data_received(self, data: bytes) -> None:
        if self._header is not None:
            self._read_header(self._header, data)
            return
        recent = self._last_byte + data
        end = recent.rfind(b"\r\n")
        self._unended = self._unended + len(data) if end < 0 else len(recent) - end - 2
        self._last_byte = data[-1:]
        if self._unended > UNENDED_LINE:
            self.abort()
        else:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Called twice if the handshake of STARTTLS fails."""
        if self._deadline:
            self._deadline.cancel()
        self._receiver.clients.forget(self)
        if self.session:  # else it ended before the header of a proxy was complete
            super().connection_lost(error)
        if not self.gone.done():
            self.gone.set_result(None)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self.session else False

    async def push(self, status: AnyStr) -> None:
        """Sends a reply, unless the client has disconnected: it may have left hundreds of commands.

        Other tasks run after each reply. aiosmtpd answers all received commands without
        interruption, and does not limit invalid ones: a flood of empty lines would block the event
        loop for seconds.
        """
        if self._link and self._link.is_closing():
            raise ConnectionResetError
        await super().push(status)
        self._refusals += status[:1] in ("5", b"5")
        if self._refusals > self._receiver.limits.refusals:
            self.part("421 4.7.0 Too many errors")
        await asyncio.sleep(0)

    def part(self, reply: str) -> None:
        """Says goodbye. Drops a client that does not read it."""
        if self._deadline:
            self._deadline.cancel()
        if not self.session:
            self.abort()
            return
        self._deadline = self.loop.call_later(self._receiver.limits.goodbye, self.abort)
        # A transport of TLS that is closed breaks when it is written to.
        if not self._writer.is_closing():
            self._writer.write(reply.encode() + b"\r\n")
        self._writer.close()

    def abort(self) -> None:
        if self._link:
            self._link.abort()

    # answer

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Parses an address: the standard library's parser raises unexpected exceptions on some
        malformed ones."""
        try:
            return super()._getaddr(arg)
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return None, None

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        """Ignores parameters that were not offered: a refusal would cause a bounce.

        Exchange Online sends XOORG, sendmail AUTH, others DSN parameters (aiosmtpd, issues 299 and
        367).
        """
        if not all(map(_PARAMETER.fullmatch, params)):
            return None
        return super()._getparams([one for one in params if one.partition("=")[0] in _OFFERED])

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if self._tls_protocol:
            await self.push("503 5.5.1 TLS already active")
            return
        await super().smtp_STARTTLS(arg)
        # asyncio does not report a connection that broke in the handshake.
        if self._link and self._link.is_closing():
            self.connection_lost(None)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        if arg or not (self.envelope and self.envelope.rcpt_tos):
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        envelope, policy = self.envelope, self._receiver.policy
        wanted: bool | None = None

        async def keep_of(beginning: bytes) -> int:
            nonlocal wanted
            above = self._trace(envelope, self._client(envelope))
            async with self._receiver.clients.turn(self):
                wanted = await policy.is_wanted((above + beginning)[: policy.keep])
            return self._receiver.max_message_size if wanted else policy.keep

        text = await incoming_text(self._reader, policy.keep, keep_of)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if text.size > self._receiver.max_message_size:
            reply = "552 Error: Too much mail data"
        elif self._receiver.closing:
            reply = "421 4.3.2 Shutting down"
        else:
            client = self._client(envelope)
            above = self._trace(envelope, client)
            async with self._receiver.clients.turn(self):
                size = len(above) + text.size
                reply = await policy.receive(above + text.beginning, size, client, wanted)
        await self.push(reply)

    def _client(self, envelope: Envelope) -> Client:
        """Who brings a message."""
        session, transport = self.session, self.transport
        assert session and transport  # noqa: S101, PT018 - from the first byte on
        cipher = transport.get_extra_info("cipher")
        return Client(
            address=str(ip_of(_address_of(session.peer)) or ""),
            helo=session.host_name or "",
            # The null sender comes as <>.
            sender=(envelope.mail_from or "").removeprefix("<").removesuffix(">"),
            tls_version=cipher[1] if cipher else "",
            tls_cipher=cipher[0] if cipher else "",
        )

    def _trace(self, envelope: Envelope, client: Client) -> bytes:
        """The trace headers, written above an accepted message."""
        session = self.session
        assert session  # noqa: S101 - from the first byte on
        protocol = (
            "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP" if session.extended_smtp else "SMTP"
        )
        return stamp(
            helo=client.helo,
            address=client.address,
            name=self._receiver.hostname,
            protocol=f"{protocol}S" if session.ssl else protocol,  # RFC 3848, RFC 6531
            sender=client.sender,
            at=self._receiver.clock.wall(),
            # A bounce may name its trip nowhere else.
            recipient=next(filter(address_parts, envelope.rcpt_tos), ""),
        )

    async def smtp_PROXY(self, arg: str) -> None:  # noqa: N802
        """The first line of a proxy that we do not know."""
        peer = self.session.peer if self.session else None
        self._receiver.policy.turned_away(
            _address_of(peer), "a PROXY header, which is not expected"
        )
        await self.push("502 5.5.1 PROXY not expected from your address")

    async def smtp_VRFY(self, arg: str) -> None:  # noqa: N802
        await self.push("252 2.5.1 Send a message to find out")

    async def smtp_HELP(self, arg: str) -> None:  # noqa: N802
        await self.push("214 2.0.0 See RFC 5321")

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        await self.push("502 5.5.1 Authentication not supported")


def _address_of(peer: object) -> str:
    """The address of a client, without a zone."""
    return str(peer[0]).partition("%")[0] if isinstance(peer, tuple) and peer else ""


def _reject_connection(link: asyncio.Transport, reply: str) -> None:
    link.set_protocol(asyncio.Protocol())
    link.write(reply.encode() + b"\r\n")
    link.close()
