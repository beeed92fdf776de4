"""One conversation with an IMAP server: aioimaplib with its own network layer.

The library provides tags, commands, their valid states, and the coroutines for SELECT, FETCH or
LOGOUT. All network code is ours: a lost connection fails at once without a time-out, responses are
read in a loop without recursion, STARTTLS works, and no password gets into a log. There are no
time-outs: the caller cancels, and a cancelled command ends the connection, whose next reply would
be the wrong one.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from aioimaplib.aioimaplib import AUTH, CONNECTED, NONAUTH, Command, Commands, IMAP4ClientProtocol

from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.imap.names import quote
from exporter.net.imap.reader import Malformed, Response
from exporter.net.imap.reply import Reply
from exporter.net.imap.wire import MAX_ANSWER as MAX_ANSWER
from exporter.net.imap.wire import ImapWire, invited
from exporter.net.redaction import Redaction
from exporter.net.tls.handshake import handshake_errors, start_tls
from exporter.net.wrong_port import await_greeting, await_greeting_in_tls, plaintext_hint

Answer = bytes | Callable[[str], Awaitable[bytes]]
"""What is said to a continuation, or what makes it of its text."""

SHOWN = 2000  # bytes of a response that go into the transcript, where a line has 500 characters
MOST_STRANGE = 50  # lines of a session that are not IMAP, and are ignored
_LOGINS = frozenset({"LOGIN", "AUTHENTICATE"})


class ImapConnection(ImapWire, IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """Call `greeting` first. One command at a time. Every failure is a ProbeError and ends the
    connection."""

    simple_commands = frozenset({*IMAP4ClientProtocol.simple_commands, "MYRIGHTS"})

    def __init__(
        self,
        server: str,
        clock: Callable[[], float],
        note: Callable[[str], None],
        redaction: Redaction | None = None,
    ) -> None:
        IMAP4ClientProtocol.__init__(self, asyncio.get_running_loop())
        ImapWire.__init__(self, server, clock, redaction)
        self._note = note
        self._heard: deque[Response] = deque()
        self._call: Callable[[], None] | None = None  # when there is something to hear
        self._pending: Command | None = None
        self._awaited_tag = ""
        self._strange = 0  # lines that are not IMAP
        # It does not understand CAPABILITY, or has answered with nothing.
        self._tells_nothing = False
        self.passed_over = 0  # responses that were not understood
        self._bye = ""  # the server's last words, if it has said any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.state = CONNECTED

    def connection_lost(self, exc: Exception | None) -> None:
        if self._bye and not self._behind:
            self._fail(Reason.DISCONNECTED, self._bye)
        super().connection_lost(exc)

    def _words(self, problem: Malformed) -> str:
        piece = self._pending and self._pending.name == "FETCH"  # of a message, perhaps
        return problem.what if piece else self._clean(str(problem))

    def _handle_response(self, response: Response) -> None:
        command, response = (
            self._pending.name if self._pending else "",
            invited(response, self._awaited_tag),
        )
        if response.tag == "?" or (response.tag == "*" and not response.name):
            self._pass_over(response, command)
            return
        tagged = response.tag not in ("*", "+")
        if tagged and response.tag.upper() == "DONE":
            self._note(
                "-- DONE arrived after the end of IDLE, and the server took it for a command"
            )
            return
        if tagged and response.tag != self._awaited_tag:
            self._fail(Reason.PROTOCOL, f"{self._server} sent a reply with an unknown tag")
            return
        if not (command == "NOOP" and tagged and response.name == "OK"):
            self._note(f"S: {self._shown(response)}")
        self._learn(response)
        if response.name == "BYE" and self._greeted and command != "LOGOUT":
            self._bye = f"{self._server} closed the session: {self._clean(response.text)}"
            # There, what has been wrong follows, or the end of the connection.
            if command not in _LOGINS:
                self._fail(Reason.DISCONNECTED, self._bye)
                return
        if response.tag != "+" or command:
            self._awaited_tag = "" if tagged else self._awaited_tag
            self._greeted = True
            self._heard.append(response)
            self._wake()

    def _pass_over(self, response: Response, command: str) -> None:
        """Ignores a malformed response, unless a greeting, an answer or a message is expected."""
        self._strange += response.tag == "?"
        needed = (
            response.text.startswith(self._awaited_tag) if self._awaited_tag else not self._greeted
        )
        # A line end before the end (Domino).
        needed |= command == "FETCH" and response.text.strip() != ")"
        if response.tag == "?" and (needed or self._strange > MOST_STRANGE):
            raise Malformed("a line that is not IMAP", response.text.encode())
        self._note(f"S: {self._shown(response)}")
        self._note("-- invalid response, ignored")
        self.passed_over += 1

    def _shown(self, response: Response) -> str:
        return self._clean(response.shown[:SHOWN].decode("utf-8", "replace"))

    def _learn(self, response: Response) -> None:
        """Reads capabilities, which a server may send in the greeting, after the login, or on
        request (RFC 3501 section 7.1)."""
        if response.name == "CAPABILITY":
            self.capabilities = {
                str(word, "ascii", "replace").upper()
                for word in response.values
                if isinstance(word, bytes)
            }
        elif response.code == "CAPABILITY":
            self.capabilities = set(response.argument.upper().split())

    async def next(self) -> Response:
        """The next response of any kind. Cancelling it loses no data."""
        while not self._heard:
            await self._more()
        return self._heard.popleft()

    async def execute(self, command: Command, scrub: str | None = None) -> Reply:
        """Executes the commands of the library's coroutines. (`scrub`, the library's way to hide a
        password, is insufficient.)"""
        return await self._converse(command)

    async def _converse(self, command: Command, answers: Sequence[Answer] = ()) -> Reply:
        """Sends a command and, at every continuation of the server, the next of `answers`."""
        self._start_command(command)
        lines: list[Response] = []
        for answer in answers:
            if (turn := await self._turn(lines)).tag != "+":
                return self._end(turn, lines)
            self._write(answer if isinstance(answer, bytes) else await answer(turn.text))
        if (turn := await self._turn(lines)).tag == "+":
            raise self._failure(
                Reason.PROTOCOL,
                f"unexpected continuation request from {self._server} after {command.name}",
            )
        return self._end(turn, lines)

    def _start_command(self, command: Command) -> None:
        self._raise_if_lost()
        if self._pending or self.state not in Commands[command.name].valid_states:
            raise RuntimeError(f"{command.name} is out of order in state {self.state}")
        self._pending, self._awaited_tag, self._received = command, command.tag, 0
        self._write(str(command).encode("utf-8", "surrogateescape"), silent=command.name == "NOOP")

    def _write(self, line: bytes, *, silent: bool = False) -> None:
        if not silent:  # thousands of polls would fill the transcript
            self._note(f"C: {self._clean(line.decode('utf-8', 'replace'))}")
        self.transport.write(line + b"\r\n")

    async def _turn(self, lines: list[Response]) -> Response:
        """Collects data until the server sends a continuation, or the tagged end of the command."""
        try:
            while (response := await self.next()).tag == "*":
                lines.append(response)
        except BaseException:
            self.abort()
            raise
        return response

    def _end(self, end: Response, lines: list[Response]) -> Reply:
        self._pending = None
        text = "" if end.name == "OK" else self._clean(end.text)  # of a refusal only
        return Reply(self._server, end.name, end.code, text, lines)

    # login

    async def greeting(self, seconds: float | None = None, *, direct: bool = True) -> None:
        """Waits for the greeting. If a silent server is not behind a proxy (`direct`), detects its
        protocol. `seconds` are those of the whole conversation, if they are bounded."""
        if self.tls:
            response = await await_greeting_in_tls(self.next(), self._server, "IMAP", seconds)
        elif not direct:
            response = await self.next()
        else:
            peer = self.transport.get_extra_info("peername")
            response = await await_greeting(self.next(), peer, self._server, "IMAP")
        if response.tag != "*" or response.name not in ("OK", "PREAUTH"):
            self.abort()
            raise self._end(response, []).no_greeting()
        self.state = NONAUTH if response.name == "OK" else AUTH

    @property
    def authenticated(self) -> bool:
        return bool(self.state != CONNECTED and self.state != NONAUTH)

    async def capability(self) -> set[str]:
        """The capabilities, requested only if the server has not sent them unasked; empty if it
        does not reply."""
        if not (self.capabilities or self._tells_nothing):
            await self.execute(Command("CAPABILITY", self.new_tag()))
            if not self.capabilities:
                self._note("-- the server sent no capabilities; assuming IMAP4rev1 only")
                self._tells_nothing = True
        return set(self.capabilities)

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> None:
        """STARTTLS and the handshake. Discards earlier plain-text data (RFC 3501 section 6.2.1).

        Raises ProbeError(tls) if the server does not offer it, or if the handshake fails."""
        if self.authenticated:  # an attacker on the path may have sent it to prevent TLS
            raise self._failure(
                Reason.TLS, f"{self._server} greeted with PREAUTH, so STARTTLS is not possible"
            )
        if "STARTTLS" not in await self.capability() and not self._tells_nothing:
            raise self._failure(Reason.TLS, f"{self._server} does not offer STARTTLS")
        (await self.execute(Command("STARTTLS", self.new_tag()))).data("STARTTLS", Reason.TLS)
        await self.secure(context, server_name)
        self.capabilities, self._tells_nothing = set(), False

    async def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """The TLS handshake. Plain text before it may be an attacker's, and is an error
        (CVE-2011-0411)."""
        if self._heard or not self._silent:
            words = plaintext_hint(self._first, "IMAP") if self.state == CONNECTED else ""
            detail = f"{self._server} sent plain text before the TLS handshake"
            raise self._failure(Reason.TLS, f"{detail} ({words})" if words else detail)
        self._raise_if_lost()
        try:
            with handshake_errors(self._server, Leg.MAILBOX, "IMAP", note=self._note):
                self.transport = await start_tls(self.transport, self, context, server_name)
        except BaseException:
            self.abort()
            # asyncio tells a protocol nothing of a connection that ends in the handshake
            self._closed.set()
            raise

    async def log_in(self, name: str, arguments: Sequence[str], answers: Sequence[Answer]) -> Reply:
        """LOGIN or AUTHENTICATE. The caller registers secrets with `redaction` before."""
        offered, self.capabilities = self.capabilities, set()
        reply = await self._converse(Command(name, self.new_tag(), *arguments), answers)
        if reply.result == "OK":
            self.state = AUTH
            self.redaction.logged_in()
            self._tells_nothing = False
            await self.capability()
        else:
            self.capabilities = offered
        return reply

    async def identify(self, who: Mapping[str, str]) -> None:
        """ID (RFC 2971), if offered. Ignores the server's answer."""
        if "ID" in await self.capability():
            words = " ".join(f"{quote(name)} {quote(value)}" for name, value in who.items())
            await self.execute(Command("ID", self.new_tag(), f"({words})"))

    @property
    def server(self) -> str:
        return self._server

    def note(self, line: str) -> None:
        self._note(line)

    async def idle(self) -> bool:
        """Starts IDLE; False if the server refuses. `pushed` has its responses, `done` ends it."""
        command = Command("IDLE", self.new_tag())
        self._start_command(command)
        lines: list[Response] = []
        turn = await self._turn(lines)
        self._heard.extendleft(reversed(lines))
        if turn.tag != "+":
            self._end(turn, lines)
        return turn.tag == "+"

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """In its block, calls this when there is something for `pushed`, or the connection
        ends."""
        self._call = call
        try:
            yield
        finally:
            self._call = None

    def _wake(self) -> None:
        super()._wake()
        if self._call:
            self._call()

    def pushed(self) -> Response | None:
        """The next unsolicited response, during IDLE or between two commands; None if there is
        none. Raises the error that ended the connection."""
        if not self._heard:
            self._raise_if_lost()
            return None
        response = self._heard.popleft()
        if response.tag not in ("*", "+"):  # it ends the idling of its own accord
            self._pending = None
        return response

    async def done(self) -> list[Response]:
        """Ends IDLE, and returns the responses until then."""
        lines: list[Response] = []
        if self._pending:
            if self._awaited_tag:  # else it has ended the idling already
                self._write(b"DONE")
            while (turn := await self._turn(lines)).tag == "+":
                pass  # "+ still here", from a server that says so with the wrong word
            self._end(turn, lines)
        return lines


async def converse(
    connected: socket.socket,
    server: str,
    clock: Callable[[], float],
    note: Callable[[str], None],
    redaction: Redaction | None = None,
) -> ImapConnection:
    """A conversation over a connected socket, which it closes. `server` is the name in errors."""
    connection = ImapConnection(server, clock, note, redaction)
    try:
        await connection.loop.create_connection(lambda: connection, sock=connected)
    except BaseException:
        connected.close()
        raise
    return connection
