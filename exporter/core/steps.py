"""The steps in the phases of a trip: one row each, with all their properties."""

from collections.abc import Collection
from enum import Enum, StrEnum, auto

from exporter.core.phases import Phase


class Timed(Enum):
    """The histogram in which the duration of a step is observed."""

    SENDING = auto()
    MAILBOX = auto()


_MAILBOX = (Phase.OPEN, Phase.DELIVER, Phase.DELETE)
_EITHER_SIDE = (Phase.OPEN, Phase.SEND, Phase.DELIVER, Phase.DELETE)


class Step(StrEnum):
    """The steps in a phase."""

    meaning: str
    """For people."""
    phases: tuple[Phase, ...]
    """Where it can happen."""
    timed: frozenset[Timed]
    """Where its time is observed; every probe has these series from the start."""

    def __new__(
        cls, word: str, meaning: str, phases: tuple[Phase, ...], timed: Collection[Timed] = ()
    ) -> "Step":
        step = str.__new__(cls, word)
        step._value_ = word
        step.meaning, step.phases, step.timed = meaning, phases, frozenset(timed)
        return step

    RESOLVE = (
        "resolve",
        "the names of the server, and of its domain, are looked up in DNS",
        (Phase.OPEN, Phase.SEND, Phase.DELIVER, Phase.VERIFY, Phase.DELETE),
        Timed,
    )
    TOKEN = "token", "asking an identity provider for a token (OAuth 2.0)", _EITHER_SIDE
    CONNECT = (
        "connect",
        "the TCP connection; for the SMTP receiver, listening",
        _EITHER_SIDE,
        Timed,
    )
    TLS = "tls", "the TLS handshake, and STARTTLS or STLS before it", _EITHER_SIDE, Timed
    GREETING = "greeting", "the server's first line", _EITHER_SIDE, Timed
    EHLO = (
        "ehlo",
        "EHLO, and HELO where that is all that it knows (SMTP)",
        (Phase.SEND,),
        {Timed.SENDING},
    )
    AUTH = "auth", "the login at an SMTP server", (Phase.SEND,), {Timed.SENDING}
    MAIL = "mail", "MAIL FROM: the server judges the sender", (Phase.SEND,), {Timed.SENDING}
    RCPT = "rcpt", "RCPT TO: the server judges the recipient", (Phase.SEND,), {Timed.SENDING}
    DATA = (
        "data",
        "the message, up to the reply to its final dot",
        (Phase.SEND,),
        {Timed.SENDING},
    )
    PROGRAM = (
        "program",
        "the sendmail program of this machine, from its start to its end",
        (Phase.SEND,),
        {Timed.SENDING},
    )
    RETRY = (
        "retry",
        "waiting until the message is sent again to an exchanger that deferred it",
        (Phase.SEND,),
    )
    LOGIN = "login", "the login at a mailbox (IMAP, POP3)", _MAILBOX, {Timed.MAILBOX}
    SELECT = "select", "a folder is opened, or a Maildir", _MAILBOX, {Timed.MAILBOX}
    IDLE = "idle", "the mailbox is watched: IDLE, NOOP and their like", _MAILBOX
    FETCH = "fetch", "a message is read", _MAILBOX, {Timed.MAILBOX}
    DELETE = "delete", "a message is deleted", _MAILBOX, {Timed.MAILBOX}
    LOGOUT = (
        "logout",
        "the session ends, which for POP3 is when messages are deleted",
        _MAILBOX,
    )
