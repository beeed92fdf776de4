"""Detects another protocol on a port than the expected one, and suggests the cure.

A client that waits for a greeting in plain text waits for ever on a port for TLS or HTTP. A second
connection, which sends only a ClientHello, finds the protocol.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable
from typing import Any, TypeVar

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.fairness import FairTimeout

TLS_SHARE = 0.7  # of the time for a conversation, that may pass without a greeting inside TLS
SILENCE = 2.0  # seconds without a greeting until we try whether the port expects TLS
PATIENCE = 3.0  # seconds for the second connection
MOST = 512  # bytes of a server's first words
_PORTS = {"IMAP": "993 or 143", "POP3": "995 or 110", "SMTP": "587, 465 or 25", "LMTP": "24"}
_TLS_PORTS = {"IMAP": 993, "POP3": 995, "SMTP": 465}
_TLS = re.compile(rb"[\x15\x16]\x03[\0-\4]")  # an alert or a handshake (RFC 8446 section 5.1)
_GREETINGS = {
    "IMAP": re.compile(rb"\* (OK|PREAUTH|BYE)\b", re.IGNORECASE),
    "POP3": re.compile(rb"\+OK\b|-ERR\b", re.IGNORECASE),
    "SSH": re.compile(rb"SSH-\d"),
    "HTTP": re.compile(rb"HTTP/\d|<!doctype html|<html", re.IGNORECASE),
    "FTP": re.compile(rb"220[ -].*\bFTP|220[ -].*\w*FTPd?\b", re.IGNORECASE | re.DOTALL),
    "LMTP": re.compile(rb"220[ -].*\bLMTP\b", re.IGNORECASE | re.DOTALL),
    "NNTP": re.compile(
        rb"20[01] [^\n]*\bN(NTP|NRP|etNews|ews)|(400|502) [^\n]*\bN(NTP|NRP)", re.IGNORECASE
    ),
    "SMTP": re.compile(rb"(220|421|521|554)([ -]|\r?\n)"),
    "ManageSieve": re.compile(rb'"(IMPLEMENTATION|SIEVE|VERSION)"', re.IGNORECASE),
    "XMPP": re.compile(rb"<\?xml[^\n]*jabber|<stream:"),
    "VNC": re.compile(rb"RFB \d{3}\."),
    "rsync": re.compile(rb"@RSYNCD:"),
}

_ALIKE = ({"IMAP", "POP3"}, {"SMTP", "LMTP"})
"""Who wants the one may have meant the other."""

Answer = TypeVar("Answer")


def protocol_of(first: bytes) -> str:
    """The protocol of a server whose first bytes these are: IMAP, POP3, SMTP, TLS, HTTP, …; empty
    if unknown."""
    if _TLS.match(first):
        return "TLS"
    return next((name for name, words in _GREETINGS.items() if words.match(first.lstrip())), "")


def wrong_port_hint(first: bytes, wanted: str) -> str:
    """The cure if a server that should speak `wanted` (IMAP, POP3, SMTP, LMTP) begins with these
    bytes in plain text.

    Empty if the protocol is unknown.
    """
    if (found := protocol_of(first)) == "TLS":
        return "it speaks TLS on this port: use `tls: implicit`"
    # An LMTP server greets as an SMTP server does (RFC 2033 section 4.1).
    if found in ("", wanted) or (found == "SMTP" and wanted == "LMTP"):
        return ""
    option = f"use `{found.lower()}`, or" if {found, wanted} in _ALIKE else f"for {wanted} use"
    return (
        f"this is {'an' if found[0] in 'FHILNSVX' and found != 'VNC' else 'a'} {found} server:"
        f" {option} "
        + (
            f"port {_PORTS[wanted]}"
            if option.endswith("use")
            else f"{wanted}'s port, {_PORTS[wanted]}"
        )
    )


async def await_greeting(
    first: Awaitable[Answer],
    peer: tuple[Any, ...],
    server: str,
    wanted: str,
    silence: float = SILENCE,
) -> Answer:
    """Waits for a greeting in plain text; after a silence it tests whether the port is for TLS or
    another protocol.

    `peer` is the address of the connection. Do not use it for port 25, where some servers punish
    clients that send first. Raises ProbeError (protocol), or what `first` raises.
    """
    tasks: list[asyncio.Future[Any]] = [waiting := asyncio.ensure_future(first)]
    try:
        await asyncio.wait(tasks, timeout=silence)
        if not waiting.done():
            tasks.append(asking := asyncio.ensure_future(_answer(peer, _client_hello())))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and (words := wrong_port_hint(asking.result(), wanted)):
                raise ProbeError(Reason.PROTOCOL, f"{server} does not greet as {wanted}: {words}")
        return await waiting
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def await_greeting_in_tls(
    first: Awaitable[Answer], server: str, wanted: str, seconds: float | None
) -> Answer:
    """Waits for a greeting inside TLS, which does not show the protocol: a web server waits for the
    client.

    `seconds` are those of the whole conversation. Raises ProbeError (timeout) with the likely
    cause, or what `first` raises.
    """
    if seconds is None:
        return await first
    patience = TLS_SHARE * seconds
    try:
        async with FairTimeout(patience, patience):
            return await first
    except TimeoutError:
        silence = (
            f"{server} sent no greeting within {patience:.3g} s after a completed TLS handshake"
        )
        cause = f"is this an {wanted} port?"
        if port := _TLS_PORTS.get(wanted):
            cause += f" With `tls: implicit` it is {port} on most servers"
        raise ProbeError(
            Reason.TIMEOUT, f"{silence}: {cause.replace('an POP3', 'a POP3')}"
        ) from None


def plaintext_hint(first: bytes, wanted: str) -> str:
    """The cure for a server that begins with these bytes where TLS was expected, with its text."""
    if not first or (found := protocol_of(first)) == "TLS":
        return ""
    words = (
        wanted and wrong_port_hint(first, wanted)
    ) or "it does not use TLS on this port: use `tls: starttls`, or `tls: none`"
    said = first.split(b"\n")[0].decode("utf-8", "replace").strip()
    return f"{words}; it says: {said}" if found else words


def _client_hello() -> bytes:
    """A ClientHello without verification: no data will be sent over this session."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


async def _answer(peer: tuple[Any, ...], said: bytes) -> bytes:
    """The server's first bytes in reply to `said` on a separate connection; empty without a
    reply."""
    writer = None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(peer[0], peer[1])
            writer.write(said)
            return await reader.read(MOST)
    except (OSError, TimeoutError):
        return b""
    finally:
        if writer:
            writer.transport.abort()
