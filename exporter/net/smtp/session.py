"""One conversation with an SMTP server (RFC 5321) or an LMTP server (RFC 2033); every command is a
timed step.

aiosmtplib implements the protocol. Its `SMTP` class merges steps that we time separately, so this
uses its protocol class directly. Time-outs are the caller's: a cancelled session is aborted, never
reused.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, cast

from aiosmtplib.errors import SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.esmtp import parse_esmtp_extensions
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from exporter.config.proxy import Proxy
from exporter.config.server import NetworkOptions, TlsOptions
from exporter.core.facts import MailServer
from exporter.core.model import ProbeError, Reply
from exporter.core.one_line import one_line
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage, dot_stuffed
from exporter.net.dns.resolver import Resolver
from exporter.net.exceptions import Kinds, Words, map_exceptions
from exporter.net.redaction import Redaction
from exporter.net.smtp.introduction import introduction_of
from exporter.net.smtp.ports import BETWEEN_SERVERS
from exporter.net.smtp.reply import Protocol, not_this_protocol
from exporter.net.smtp.reply import reason_for as reason_for
from exporter.net.tcp import dial, peer_of
from exporter.net.tls.handshake import (
    NEVER,
    RefusesOurs,
    chain_of,
    client_context,
    handshake_errors,
    lines_about_session,
    refused_ours,
    session_fact,
    start_tls,
)
from exporter.net.unix_socket import dial_socket
from exporter.net.wrong_port import MOST, await_greeting, await_greeting_in_tls, wrong_port_hint

CODES = range(200, 600)  # RFC 5321 section 4.2; other codes never become labels
QUIT_PATIENCE = 2.0  # seconds; by then the message is accepted, and QUIT is only good manners
_LAST_LINE = re.compile(rb"[2-5]\d\d(?: [^\r\n]*)?\r?")
Judge = Callable[[Sequence[bytes]], None]
"""Looks at the certificates that the server sent (DER, its own first). Raises ProbeError."""

Act = Callable[["SmtpSession"], Awaitable[None]]
"""What is done with a session that is ready for a message."""

_NOT_ESMTP = frozenset({500, 501, 502, 504})


class _Protocol(SMTPProtocol):
    """Tracks whether the end of a message is still unsent, and servers that send too much."""

    refused_ours: RefusesOurs | None = None  # the server's verdict on our certificate
    unsent = False
    first = b""  # what the server has begun with
    too_much = False  # with the last reply came more

    def data_received(self, data: bytes) -> None:
        self.first += data[: MOST - len(self.first)]
        pending = (
            self._response_pending and self._response_waiter and not self._response_waiter.done()
        )
        # An empty line is no reply.
        super().data_received(data if self._buffer else data.lstrip(b"\r\n"))
        if not self._buffer.strip():
            self._buffer.clear()
        self.too_much = bool(
            not pending or (self._response_waiter and self._response_waiter.done() and self._buffer)
        )

    def eof_received(self) -> bool:
        """Accepts a last line without its line end."""
        if _LAST_LINE.fullmatch(self._buffer.rpartition(b"\n")[2]):
            self.data_received(b"\r\n")
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, RefusesOurs):
            self.refused_ours = exc
        super().connection_lost(exc)

    @property
    def unasked(self) -> str:
        """The data after the last reply."""
        return bytes(self._buffer).partition(b"\n")[0].decode("utf-8", "replace").strip()

    async def tls_handshake(self, context: ssl.SSLContext, name: str) -> None:
        """The handshake after STARTTLS. The library's own method discards early data, and then
        blocks."""
        if self.transport is None or self.transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        clear = cast(asyncio.Transport, self.transport)
        self.transport, self._over_ssl = await start_tls(clear, self, context, name), True

    def pause_writing(self) -> None:
        self.unsent = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self.unsent = False
        super().resume_writing()


MOST_SERVERS = 20  # that a trip keeps as facts


class SmtpSession:
    """A conversation from connecting to QUIT. Every failure is a ProbeError. See `session`."""

    def __init__(
        self,
        server: str,
        run: Run,
        redaction: Redaction | None = None,
        protocol: Protocol = "SMTP",
    ) -> None:
        self.extensions: dict[str, str] = {}
        self.mechanisms: list[str] = []
        self._protocol = connection = _Protocol(loop=asyncio.get_running_loop())
        self.server = server
        self._speaks = protocol
        self.address = ""  # its IP address, or that of the proxy, once it is connected
        self._proxy = ""  # that connects to it
        self.run = run
        self.redaction = redaction = redaction or Redaction()
        self.tls_broken = False  # it was begun, and nothing has been said inside it yet
        # Without `self`: a session that refers to itself would keep its trip until the garbage
        # collector finds it.
        self._translations: Mapping[Kinds, Words] = {
            SMTPServerDisconnected: lambda _: (
                refused_ours(server, connection.refused_ours)
                if connection.refused_ours
                else ProbeError(Reason.DISCONNECTED, f"{server} cut the connection")
            ),
            SMTPResponseException: lambda error: ProbeError(
                Reason.PROTOCOL,
                f"{server} does not speak {protocol}: {_cleaned(error.message, redaction)}",
            ),
            ValueError: lambda _: ProbeError(
                Reason.PROTOCOL, "an address or name contains a control character"
            ),
        }

    async def connect(
        self,
        resolver: Resolver,
        port: int,
        network: NetworkOptions,
        implicit_tls: TlsOptions | None = None,
        address: str = "",
        proxy: Proxy | None = None,
        origin: str = "",
    ) -> None:
        """Connects, to this `address` of the server if there is one, or through a proxy,
        optionally with TLS from the start, and reads the greeting. `origin` says for people where
        the name of the server comes from."""
        self._proxy = str(proxy) if proxy else ""
        connected = await dial(
            resolver, self.server, port, network, self.run, address, self._found, proxy, origin
        )
        with self.run.failing_step(Step.CONNECT):
            connected_to = peer_of(connected, self._proxy or self.server)
        self.address = connected_to[0]
        if (known := self._known) and not proxy:
            self._note_server(replace(known, address=self.address))
        peer = None if port == BETWEEN_SERVERS or proxy else connected_to
        await self._begin(connected, peer, implicit_tls)

    async def connect_to_socket(self, path: str) -> None:
        """Connects to a Unix socket, and reads the greeting."""
        await self._begin(dial_socket(path, self.run), None, None)

    async def _begin(
        self,
        connected: socket.socket,
        peer: tuple[Any, ...] | None,
        implicit_tls: TlsOptions | None,
    ) -> None:
        """A server that sends no greeting may be asked at `peer` what it speaks."""
        try:
            if implicit_tls:
                with (
                    self.run.step(Step.TLS),
                    handshake_errors(self.server, Leg.SEND, self._speaks, note=self.note),
                ):
                    await self._take_over(
                        connected,
                        ssl=client_context(implicit_tls),
                        server_hostname=implicit_tls.server_name or self.server,
                        ssl_handshake_timeout=NEVER,
                    )
                    self._note_tls()
            else:
                await self._take_over(connected)
        finally:
            if self._protocol.transport is None:
                connected.close()
        with self.run.step(Step.GREETING):
            if implicit_tls:
                reply = await await_greeting_in_tls(
                    self._answer(), self.server, self._speaks, self.run.session_timeout
                )
            else:
                reply = await self._greeting(peer)
            self.expect(reply, 220, Step.GREETING)

    async def ehlo(self, name: str) -> None:
        """EHLO, or HELO for a server that does not know it; LHLO in LMTP."""
        with self.run.step(Step.EHLO):
            lmtp = self._speaks == "LMTP"
            reply = await self._command(f"{'LHLO' if lmtp else 'EHLO'} {name}")
            if reply.code in _NOT_ESMTP and not lmtp:
                reply = await self._command(f"HELO {name}")
            self.expect(reply, 250, Step.EHLO)
            self._introduced(self._clean(reply.message))
            self.extensions, self.mechanisms = parse_esmtp_extensions(
                reply.message.replace("\t", " ")
            )

    async def starttls(self, options: TlsOptions, judge: Judge | None = None) -> None:
        """STARTTLS and the handshake. Earlier capabilities are discarded: send EHLO again."""
        with self.run.step(Step.TLS):
            if "starttls" not in self.extensions:
                raise ProbeError(Reason.TLS, f"{self.server} does not offer STARTTLS")
            context, name = client_context(options), options.server_name or self.server
            self.tls_broken = True
            reply = await self._command("STARTTLS")
            self.tls_broken = True  # for any reply
            self.expect(reply, 220, Step.TLS)
            # It may be an attacker's on the path (CVE-2011-0411).
            if self._protocol.too_much:
                raise ProbeError(
                    Reason.TLS,
                    f"{self.server} sent plain text before the TLS handshake",
                )
            with (
                self._library_errors(),
                handshake_errors(self.server, Leg.SEND, starttls=True, note=self.note),
            ):
                await self._protocol.tls_handshake(context, name)
            self.extensions, self.mechanisms = {}, []
            self._note_tls()
            if judge:
                judge(chain_of(self._tls_object()))

    async def mail(self, message: ProbeMessage) -> None:
        """MAIL, with the size of the message if the server supports SIZE (RFC 1870), so that it may
        refuse at once."""
        with self.run.step(Step.MAIL):
            self._expect_extensions(message)
            parameters = f" SIZE={len(message.raw)}" if "size" in self.extensions else ""
            parameters += " BODY=8BITMIME SMTPUTF8" if message.needs_utf8 else ""
            if message.envelope_id:
                parameters += f" RET=HDRS ENVID={message.envelope_id}"
            command = f"MAIL FROM:<{message.sender}>{parameters}"
            self.expect(await self._command(command), 250, Step.MAIL)

    async def rcpt(self, message: ProbeMessage) -> None:
        """RCPT. If a server is to report the delivery, it reports failures and delays as well,
        which it would do without."""
        recipient = message.recipient
        with self.run.step(Step.RCPT, recipient):
            parameters = " NOTIFY=SUCCESS,FAILURE,DELAY" if message.envelope_id else ""
            if parameters and recipient.isascii():
                parameters += f" ORCPT=rfc822;{_xtext(recipient)}"
            command = f"RCPT TO:<{recipient}>{parameters}"
            self.expect(await self._command(command), 250, Step.RCPT)

    def _expect_extensions(self, message: ProbeMessage) -> None:
        if message.needs_utf8 and "smtputf8" not in self.extensions:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self.server} does not offer SMTPUTF8, which these addresses need",
            )
        if message.envelope_id and "dsn" not in self.extensions:
            raise ProbeError(
                Reason.PROTOCOL,
                f"{self.server} does not offer DSN (RFC 3461), which `home: delivery_status` needs",
            )

    async def data(self, message: bytes) -> None:
        """DATA up to the final reply, by which the server takes responsibility."""
        with self.run.step(Step.DATA):
            self.expect(await self._command("DATA"), 354, Step.DATA)
            self.run.note(f"C: {{{len(message)} bytes}}")
            reply = await self._final_answer(dot_stuffed(message))
            self.expect(reply, 250, Step.DATA)
            self.run.accept(f"{reply.code} {self._decide(reply)}")

    async def hand_over(self, message: ProbeMessage) -> None:
        """Sends the envelope and the message."""
        await self.mail(message)
        await self.rcpt(message)
        await self.data(message.raw)

    async def preflight(self, message: ProbeMessage) -> None:
        """Raises ProbeError (protocol), as MAIL would, if the server cannot report the delivery of
        the message as that asks. Sends nothing."""
        if message.envelope_id:
            with self.run.step(Step.MAIL):
                self._expect_extensions(message)

    async def quit(self) -> None:
        """QUIT. Ignores failures: the server already has the message."""
        try:
            async with asyncio.timeout(QUIT_PATIENCE):
                await self._command("QUIT")
        except (ProbeError, TimeoutError):
            self.note("-- QUIT was not answered")

    def close(self) -> None:
        """Closes the connection at once."""
        transport = cast("asyncio.Transport | None", self._protocol.transport)
        if transport is not None:
            transport.abort()

    def _found(self, addresses: list[str]) -> None:
        """Records whom we are going to talk to."""
        self._note_server(MailServer(self.server, tuple(sorted(addresses)), proxy=self._proxy))

    def _introduced(self, reply: str) -> None:
        """Records what the reply to EHLO says of the server and of us (RFC 5321 4.1.1.1)."""
        calls_itself, sees_us_as = introduction_of(reply)
        if known := self._known:
            found = replace(known, calls_itself=calls_itself, sees_us_as=sees_us_as)
            self._note_server(found)

    @property
    def _known(self) -> MailServer | None:
        """What the trip has recorded of this server."""
        facts = (fact for fact in self.run.facts if isinstance(fact, MailServer))
        return next((fact for fact in facts if fact.host == self.server), None)

    def _note_server(self, server: MailServer) -> None:
        """The newest visit of a server counts, of few servers: a domain may name others each
        time that a message is sent again."""
        known = [fact for fact in self.run.facts if isinstance(fact, MailServer)]
        others = [fact for fact in known if fact.host != self.server]
        kept = others[1 - MOST_SERVERS :]
        self.run.facts = [fact for fact in self.run.facts if fact not in known or fact in kept]
        self.run.fact(server)

    async def _take_over(self, connected: socket.socket, **tls: Any) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: self._protocol, sock=connected, **tls
        )

    async def _command(self, line: str) -> SMTPResponse:
        """Sends a command that contains no secret."""
        self.run.note(f"C: {line}")
        return await self.execute(line.encode())

    async def execute(self, *words: bytes) -> SMTPResponse:
        """Sends a command without adding it to the transcript."""
        self._expect_silence()
        with self._library_errors():
            return self._note_reply(await self._protocol.execute_command(*words, timeout=None))

    def _expect_silence(self) -> None:
        """After an unsolicited response, later replies would be matched to the wrong commands; but
        421 may come at any time."""
        if unasked := self._protocol.unasked:
            self.note(f"S: {unasked}")
            if unasked.startswith("421") and self.run.accepted is None:
                self.expect(SMTPResponse(421, unasked[4:]), 250, self.run.here or Step.MAIL)
            detail = f"unsolicited response from {self.server}: {one_line(self._clean(unasked))}"
            raise ProbeError(Reason.PROTOCOL, detail)

    async def _answer(self) -> SMTPResponse:
        """The reply to the connection or to a message."""
        with self._library_errors():
            return self._note_reply(await self._protocol.read_response())

    async def _greeting(self, peer: tuple[Any, ...] | None) -> SMTPResponse:
        """Reads the greeting; if it is missing or another protocol's, the error has the likely
        cure."""
        try:
            return await (
                await_greeting(self._answer(), peer, self.server, self._speaks)
                if peer
                else self._answer()
            )
        except ProbeError as error:
            if error.reason is Reason.PROTOCOL and (
                words := wrong_port_hint(self._protocol.first, self._speaks)
            ):
                raise ProbeError(error.reason, f"{error.detail} ({words})") from None
            raise

    async def _final_answer(self, message: bytes) -> SMTPResponse:
        """The reply to the whole message. Without one, the message may have been accepted, unless
        its end was never sent."""
        self._expect_silence()
        with self._library_errors():
            self._protocol.write(message)
        self.run.uncertain = True
        try:
            reply = await self._answer()
        except BaseException:
            self.run.uncertain = not self._protocol.unsent
            raise
        self.run.uncertain = False
        return reply

    def _note_reply(self, reply: SMTPResponse) -> SMTPResponse:
        self.tls_broken = False
        for line in self._clean(reply.message).split("\n"):
            self.run.note(f"S: {reply.code} {line}")
        return reply

    def note(self, line: str) -> None:
        """Adds a line to the transcript."""
        self.run.note(self._clean(line))

    def _clean(self, text: str) -> str:
        """Valid text without secrets, since some servers repeat the command that they reject."""
        return _cleaned(text, self.redaction)

    def expect(self, reply: SMTPResponse, code: int, step: Step) -> None:
        """Accepts any code of the expected class: 251 is as good as 250."""
        if reply.code // 100 != code // 100:
            valid = reply.code in CODES
            if valid:
                self._decide(reply)
            detail = f"{self.server} answered {reply.code} {one_line(self._clean(reply.message))}"
            if step is Step.EHLO:
                detail += not_this_protocol(self._speaks, reply.code, self._protocol.first)
            raise ProbeError(
                reason_for(step, reply.code, reply.message),
                detail,
                code=reply.code if valid else "",
            )

    def _decide(self, reply: SMTPResponse) -> str:
        """Records the decisive reply, and returns its text: the final one after DATA, or the one
        that ended the attempt. Never that to QUIT."""
        text = one_line(self._clean(reply.message))
        self.run.replace_fact(Reply(reply.code, text))
        return text

    def _library_errors(self) -> AbstractContextManager[None]:
        """Translates the library's exceptions."""
        return map_exceptions(self._translations)

    @property
    def tls(self) -> ssl.SSLObject | None:
        transport = cast(asyncio.Transport, self._protocol.transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        return tls

    def _tls_object(self) -> ssl.SSLObject:
        return cast(ssl.SSLObject, self.tls)

    def _note_tls(self) -> None:
        fact = session_fact(self._tls_object(), Leg.SEND, self.server)
        self.run.fact(fact)
        for line in lines_about_session(fact, self._tls_object()):
            self.note(line)


@contextmanager
def session(
    server: str, run: Run, redaction: Redaction | None = None, protocol: Protocol = "SMTP"
) -> Iterator[SmtpSession]:
    """A conversation with `server`, the name to resolve, for TLS to verify and for errors."""
    conversation = SmtpSession(server, run, redaction, protocol)
    try:
        yield conversation
    finally:
        conversation.close()


def _xtext(text: str) -> str:
    """As a parameter's value (RFC 3461 section 4)."""
    return "".join(f"+{ord(c):02X}" if c in "+=" or not "!" <= c <= "~" else c for c in text)


def _cleaned(text: str, redaction: Redaction) -> str:
    return redaction.clean(text).encode(errors="surrogateescape").decode(errors="replace")
