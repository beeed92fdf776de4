"""The ways to log in to an IMAP server. Each makes one attempt, since many may lock the account."""

import re
from dataclasses import replace

from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.names import quote
from exporter.net.imap.reply import Reply
from exporter.net.sasl.conversation import MOST_CHALLENGES, Conversation, Mechanism, as_it_is

LONGEST_LINE = 8000  # octets; RFC 7162 section 4 has servers take 8192
_UNQUOTABLE = re.compile(r"[^\x01-\x09\x0b\x0c\x0e-\x7f]")  # RFC 3501 section 9: TEXT-CHAR


async def login(imap: ImapConnection, user: str, password: str) -> Reply:
    """The command LOGIN, with quoted strings or, if not possible, literals (RFC 3501 section
    4.3)."""
    first, *rest = _arguments(user, password)
    imap.redaction.learn(password)
    return await imap.log_in("LOGIN", [first.decode()], rest)


async def authenticate(imap: ImapConnection, mechanism: Mechanism) -> Reply:
    """AUTHENTICATE with that mechanism, with its initial response in the command if supported (RFC
    4959).

    Some servers that offer this still send an empty challenge, or do not understand the command.
    """
    talk = Conversation(mechanism, imap.server, imap.redaction, imap.note)

    async def answered(challenge: str) -> bytes:
        return (await talk.answer(challenge)).encode()

    word = talk.initial_response(LONGEST_LINE) if "SASL-IR" in await imap.capability() else ""
    answers = [answered] * MOST_CHALLENGES
    reply = await imap.log_in("AUTHENTICATE", [mechanism.name, *([word] if word else [])], answers)
    if word and reply.result == "BAD" and reply.mechanism_refused and not talk.challenges:
        imap.note("-- the server offers SASL-IR, but does not support it")
        talk.initial_response_refused()
        reply = await imap.log_in("AUTHENTICATE", [mechanism.name], answers)
    if reply.result == "OK":
        talk.succeeded()
    return replace(reply, text=f"{reply.text} ({talk.words})") if talk.words else reply


def _arguments(*strings: str) -> list[bytes]:
    """The arguments of a command, split where the server must request a literal."""
    pieces = [b""]
    for index, string in enumerate(strings):
        space = b" " if index else b""
        if _UNQUOTABLE.search(string):
            literal = as_it_is(string)
            pieces[-1] += space + b"{%d}" % len(literal)
            pieces.append(literal)
        else:
            pieces[-1] += space + quote(string).encode()
    return pieces
