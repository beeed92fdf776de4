"""One conversation with a POP3 server (RFC 1939, with CAPA of RFC 2449, STLS of RFC 2595 and AUTH
of RFC 5034).

It is a client of our own, since poplib is limited to lines of 2 KiB, blocks, and has no SASL. All
input is limited. There are no time-outs: the caller cancels, and a cancelled command ends the
connection, whose next reply would be the wrong one.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.pop3.listing import MOST_MESSAGES, Changes, Listing, TooMany
from exporter.net.pop3.reader import MAX_LINE, Pop3Reader
from exporter.net.pop3.reply import Reply, capabilities_in, size_in
from exporter.net.sasl.conversation import Conversation, Mechanism, refused
from exporter.net.sasl.credentials import Credentials
from exporter.net.tls.handshake import handshake_errors, start_tls
from exporter.net.wrong_port import await_greeting, await_greeting_in_tls, plaintext_hint

MAX_LISTING = 8 << 20  # bytes; a hundred thousand messages and more
MAX_MESSAGE = 64 << 20  # bytes that are read of a message; most of them are thrown away


class Pop3Connection(Pop3Reader):
    """Call `greeting` first, and one method at a time. Every failure is a ProbeError."""

    def __init__(
        self, server: str, note: Callable[[str], None], credentials: Credentials | None = None
    ) -> None:
        self.credentials = credentials or Credentials()
        super().__init__(server, note, self.credentials.redaction)
        self.capabilities: dict[str, list[str]] | None = None  # None: the server does not tell
        self.offers_top = True  # until the server says otherwise
        self._loop = asyncio.get_running_loop()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Ends the connection if its block is interrupted."""
        try:
            yield
        except BaseException:
            self.abort()
            raise

    def _send_line(self, line: str) -> None:
        if unasked := self._clean(
            self._heard[:MAX_LINE].partition(b"\n")[0].decode("utf-8", "replace")
        ):
            reason = Reason.DISCONNECTED if unasked.startswith("-ERR") else Reason.PROTOCOL
            raise self._failure(
                reason, f"unsolicited response from {self._server}: {self._strange(unasked)}"
            )
        self._raise_if_lost()
        self._note(f"C: {self._clean(line)}")
        self.transport.write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    async def _command(self, line: str) -> Reply:
        with self._whole():
            self._send_line(line)
            return await self._reply()

    async def _multiline_command(
        self, line: str, keep: int = MAX_LISTING, most: int = MAX_LISTING
    ) -> tuple[Reply, bytes]:
        """Sends a command whose successful answer has many lines."""
        with self._whole():
            self._send_line(line)
            reply = await self._reply()
            return reply, await self._data(line.partition(" ")[0], keep, most) if reply.ok else b""

    # login

    async def greeting(
        self, known: bool = False, seconds: float | None = None, *, direct: bool = True
    ) -> None:
        """Waits for the greeting. If a server that is not `known` to greet, and not behind a proxy
        (`direct`), is silent, detects its protocol.

        `seconds` are those of the whole conversation, if they are bounded.
        """
        with self._whole():
            if known:
                reply = await self._reply()
            elif self.tls:
                reply = await await_greeting_in_tls(self._reply(), self._server, "POP3", seconds)
            elif not direct:
                reply = await self._reply()
            else:
                peer = self.transport.get_extra_info("peername")
                reply = await await_greeting(self._reply(), peer, self._server, "POP3")
            self._greeted = True
            reply.expect("the connection", Reason.UNAVAILABLE)

    async def capa(self) -> dict[str, list[str]] | None:
        """The capabilities in upper case, with arguments; None without CAPA."""
        reply, data = await self._multiline_command("CAPA", MAX_LINE, MAX_LINE)
        self.capabilities = capabilities_in(data) if reply.ok else None
        self.offers_top = self.capabilities is None or "TOP" in self.capabilities
        return self.capabilities

    @property
    def login_delay(self) -> float:
        """The minimum seconds between two logins, set by the server (RFC 2449 section 6.5)."""
        told = next(iter((self.capabilities or {}).get("LOGIN-DELAY", ())), "")
        return float(told) if re.fullmatch(r"\d{1,6}", told) else 0.0

    async def stls(self, context: ssl.SSLContext, server_name: str) -> None:
        """STLS and the handshake. Discards earlier plain-text data (RFC 2595 section 4)."""
        if (offered := await self.capa()) is not None and "STLS" not in offered:
            raise self._failure(Reason.TLS, f"{self._server} does not offer STLS")
        (await self._command("STLS")).expect("STLS", Reason.TLS)
        self.capabilities = None
        await self.secure(context, server_name)

    async def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """The TLS handshake. Plain text before it may be an attacker's, and is an error
        (CVE-2011-0411)."""
        if self._heard or (self._first and not self._greeted):
            words = "" if self._greeted else plaintext_hint(self._first, "POP3")
            detail = f"{self._server} sent plain text before the TLS handshake"
            raise self._failure(Reason.TLS, f"{detail} ({words})" if words else detail)
        self._raise_if_lost()
        try:
            with handshake_errors(self._server, Leg.MAILBOX, "POP3", note=self._note):
                self.transport = await start_tls(self.transport, self, context, server_name)
        except BaseException:
            self.abort()
            # asyncio tells a protocol nothing of a connection that ends in the handshake
            self._closed.set()
            raise

    async def user(self, user: str, password: str) -> None:
        """USER and PASS. The password never gets into the transcript or an error.

        Raises ProbeError(auth) if the server refuses the login."""
        if re.search(r"[\r\n\0]", user + password):
            raise ProbeError(
                Reason.AUTH,
                "a line break in the username or password cannot be sent with USER and PASS",
            )
        self.redaction.learn(password)
        (await self._command(f"USER {user}")).expect("USER", Reason.AUTH)
        (await self._command(f"PASS {password}")).expect("the login", Reason.AUTH)
        self.redaction.logged_in()

    async def authenticate(self, mechanism: Mechanism) -> None:
        """AUTH with that mechanism. The initial response is on a separate line.

        With an initial response in the command (RFC 5034 section 4), older servers refuse it,
        Microsoft 365 disconnects, and a refusal does not show whether it was checked.

        Raises ProbeError: `auth` if the server refuses the login, `protocol` if it accepts it
        before its challenges have ended.
        """
        talk = Conversation(mechanism, self._server, self.redaction, self._note)
        with self._whole():
            self._send_line(f"AUTH {mechanism.name}")
            while (reply := await self._reply()).continues:
                self._send_line(await talk.answer(reply.text))
        try:
            reply.expect("the login", Reason.AUTH)
        except ProbeError as error:
            raise refused(error, talk.words) from None
        if talk.held:
            raise self._failure(
                Reason.PROTOCOL,
                f"{self._server} does not support AUTH {mechanism.name}: {reply.text}",
            )
        talk.succeeded()

    async def uidl(self, listing: Listing) -> Changes:
        """Updates the listing with the number and the unique id of every message (RFC 1939 section
        7)."""
        reply, data = await self._multiline_command("UIDL")
        if reply.says_empty:
            data = b""
        else:
            reply.expect("UIDL, which mailtrip needs to identify messages", Reason.REJECTED)
        try:
            changes = await listing.update(data)
        except TooMany:
            raise self._failure(
                Reason.PROTOCOL, f"{self._server} lists more than {MOST_MESSAGES:,} messages"
            ) from None
        except ValueError as problem:
            words = self._clean(str(problem))
            raise self._failure(
                Reason.PROTOCOL, f"{self._server} answered UIDL with {words}"
            ) from None
        if odd := changes.odd:
            shown = self._clean(odd[0][:80].decode("ascii", "replace"))
            self._note(f"-- UIDL: ignored {len(odd)} invalid or repeated lines: {shown}")
        return changes

    async def size(self, number: int) -> int | None:
        """The size of a message; None if the server does not tell."""
        return size_in(await self._command(f"LIST {number}"))

    async def top(self, number: int, lines: int, keep: int) -> tuple[Reply, bytes]:
        """The header and so many lines of the body; returns `keep` bytes of them. The reply may be
        a refusal."""
        return await self._read(f"TOP {number} {lines}", keep)

    async def retr(self, number: int, keep: int) -> tuple[Reply, bytes]:
        """Like `top`, with the whole message."""
        return await self._read(f"RETR {number}", keep)

    async def _read(self, line: str, keep: int) -> tuple[Reply, bytes]:
        answer = await self._multiline_command(line, keep, MAX_MESSAGE)
        self._read_messages = True
        return answer

    async def dele(self, number: int) -> None:
        """Marks a message for deletion at QUIT."""
        (await self._command(f"DELE {number}")).expect("DELE", Reason.UNAVAILABLE)

    async def quit(self) -> None:
        """QUIT. Marked messages are deleted when this returns (RFC 1939 section 6); if it raises,
        perhaps not."""
        (await self._command("QUIT")).expect("QUIT", Reason.UNAVAILABLE)


async def converse(
    connected: socket.socket,
    server: str,
    note: Callable[[str], None],
    credentials: Credentials | None = None,
) -> Pop3Connection:
    """A conversation over a connected socket, which it closes. `server` is the name in errors."""
    connection = Pop3Connection(server, note, credentials)
    try:
        await asyncio.get_running_loop().create_connection(lambda: connection, sock=connected)
    except BaseException:
        connected.close()
        raise
    return connection
