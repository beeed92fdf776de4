"""The ways to log in to an IMAP server. Each takes one try, since accounts get locked for many."""

import re
from base64 import b64decode, b64encode
from dataclasses import replace

from exporter.model import ProbeError, Reason
from exporter.net.imap import Answer, ImapConnection
from exporter.net.imap_names import quote
from exporter.net.imap_reply import Reply
from exporter.net.sasl import Mechanism

_UNQUOTABLE = re.compile(r"[^\x01-\x09\x0b\x0c\x0e-\x7f]")  # RFC 3501 section 9: TEXT-CHAR


async def login(imap: ImapConnection, user: str, password: str) -> Reply:
    """The command LOGIN, its strings quoted or, where that is not possible, as literals (RFC 3501 section 4.3)."""
    first, *rest = _arguments(user, password)
    return await imap.log_in("LOGIN", [first.decode()], rest, _secrets(password))


async def plain(imap: ImapConnection, user: str, password: str) -> Reply:
    """AUTHENTICATE PLAIN (RFC 4616). A challenge is not part of it, and ends it."""
    return await _authenticate(imap, "PLAIN", f"\0{user}\0{password}", b"*", password)


async def authenticate(imap: ImapConnection, mechanism: Mechanism) -> Reply:
    """AUTHENTICATE by a mechanism that has something to say to challenges."""
    first = b64encode(mechanism.begin())

    def answered(challenge: str) -> bytes:
        try:
            word = mechanism.answer(b64decode(challenge, validate=True))
        except ValueError:
            raise ProbeError(Reason.PROTOCOL, "the server sent a challenge that is no base64") from None
        if mechanism.words:
            imap.note(f"-- {mechanism.words}")
        encoded = b64encode(word)
        if len(word) > 1:
            imap.conceal(encoded.decode())
        return encoded

    with_it = "SASL-IR" in await imap.capability()
    arguments = [mechanism.name, first.decode()] if with_it else [mechanism.name]
    answers: list[Answer] = [answered, answered] if with_it else [first, answered, answered]
    reply = await imap.log_in(
        "AUTHENTICATE", arguments, answers, _secrets(next(iter(mechanism.secrets), ""), first.decode())
    )
    if reply.result == "OK":
        mechanism.succeeded()
    return replace(reply, text=f"{reply.text} ({mechanism.words})") if mechanism.words else reply


async def _authenticate(imap: ImapConnection, mechanism: str, word: str, at_a_challenge: bytes, secret: str) -> Reply:
    """The word goes with the command where the server allows it (RFC 4959), else when it asks for it."""
    encoded = b64encode(_bytes(word))
    secrets = _secrets(secret, encoded.decode())
    if "SASL-IR" in await imap.capability():
        return await imap.log_in("AUTHENTICATE", [mechanism, encoded.decode()], [at_a_challenge], secrets)
    return await imap.log_in("AUTHENTICATE", [mechanism], [encoded, at_a_challenge], secrets)


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
