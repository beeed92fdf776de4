"""The ways to log in to an IMAP server. Each takes one try, since accounts get locked for many."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

from exporter.model import ProbeError, Reason
from exporter.net.imap import ImapConnection
from exporter.net.imap_names import quote
from exporter.net.imap_reply import Reply
from exporter.net.sasl import Mechanism

CANCEL = b"*"  # ends an authentication (RFC 3501 section 6.2.2)
_UNQUOTABLE = re.compile(r"[^\x01-\x09\x0b\x0c\x0e-\x7f]")  # RFC 3501 section 9: TEXT-CHAR


async def login(imap: ImapConnection, user: str, password: str) -> Reply:
    """The command LOGIN, its strings quoted or, where that is not possible, as literals (RFC 3501 section 4.3)."""
    first, *rest = _arguments(user, password)
    return await imap.log_in("LOGIN", [first.decode()], rest, _secrets(password))


async def plain(imap: ImapConnection, user: str, password: str) -> Reply:
    """AUTHENTICATE PLAIN (RFC 4616). A challenge is not part of it, and ends it."""
    return await _authenticate(imap, "PLAIN", _bytes(f"\0{user}\0{password}"), lambda _: CANCEL, password)


async def authenticate(imap: ImapConnection, mechanism: Mechanism) -> Reply:
    """AUTHENTICATE by a mechanism that has something to say to challenges."""
    first = mechanism.begin()

    def answered(challenge: bytes) -> bytes:
        word = mechanism.answer(challenge)
        if mechanism.words:
            imap.note(f"-- {mechanism.words}")
        return word

    reply = await _authenticate(imap, mechanism.name, first, answered, next(iter(mechanism.secrets), ""))
    if reply.result == "OK":
        mechanism.succeeded()
    return replace(reply, text=f"{reply.text} ({mechanism.words})") if mechanism.words else reply


async def _authenticate(
    imap: ImapConnection, mechanism: str, first: bytes, answer: Callable[[bytes], bytes], secret: str
) -> Reply:
    """The first word goes with the command where the server allows it (RFC 4959), else when it asks for it.

    Some that allow it ask all the same, with an empty challenge, or do not understand the command.
    """
    encoded = b64encode(first)
    secrets = _secrets(secret, encoded.decode())
    waiting = [encoded]  # to be said when the server asks for it

    def answered(challenge: str) -> bytes:
        if waiting and not challenge.strip(" ="):
            return waiting.pop()
        waiting.clear()
        try:
            asked = b64decode(challenge, validate=True)
        except ValueError:
            raise ProbeError(Reason.PROTOCOL, "the server sent a challenge that is no base64") from None
        if (word := answer(asked)) == CANCEL:
            return word
        if len(word) > 1:
            imap.conceal(b64encode(word).decode())
        return b64encode(word)

    if "SASL-IR" in await imap.capability():
        reply = await imap.log_in("AUTHENTICATE", [mechanism, encoded.decode()], [answered] * 3, secrets)
        if reply.result != "BAD" or not reply.mechanism_refused or not waiting:
            return reply
        imap.note("-- SASL-IR was offered and is not understood")
    return await imap.log_in("AUTHENTICATE", [mechanism], [lambda _: waiting.pop(), answered, answered], secrets)


def _arguments(*strings: str) -> list[bytes]:
    """The arguments of a command, cut where the server has to ask for a literal."""
    pieces = [b""]
    for index, string in enumerate(strings):
        space = b" " if index else b""
        if _UNQUOTABLE.search(string):
            literal = _bytes(string)
            pieces[-1] += space + b"{%d}" % len(literal)
            pieces.append(literal)
        else:
            pieces[-1] += space + quote(string).encode()
    return pieces


def _secrets(secret: str, *more: str) -> tuple[str, ...]:
    """All the ways in which the secret is written; with its quotes, so that a short one does not hide half the line."""
    return tuple(form for form in (*more, quote(secret), secret) if form)


def _bytes(string: str) -> bytes:
    """UTF-8; an environment variable that is none goes out as it is."""
    return string.encode("utf-8", "surrogateescape")
