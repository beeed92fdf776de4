"""The steps in the phases of a trip: one row each, with all their properties."""

from collections.abc import Collection
from enum import Enum, StrEnum, auto

from exporter.core.phases import Phase


class Timed(Enum):
    """The gauge that shows the newest duration of a step."""

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
    """Where its newest duration is shown."""
    distribution: bool
    """Whether its durations have a histogram, too: where the server works for us, and does more
    than to answer. A histogram is as many series as five newest values."""

    def __new__(
        cls,
        word: str,
        meaning: str,
        phases: tuple[Phase, ...],
        timed: Collection[Timed] = (),
        distribution: bool = False,
    ) -> "Step":
        step = str.__new__(cls, word)
        step._value_ = word
        step.meaning, step.phases, step.timed = meaning, phases, frozenset(timed)
        step.distribution = distribution
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
        "the TCP connection, by HTTPS with the TLS handshake; for the SMTP receiver, listening",
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
    AUTH = "auth", "the login at an SMTP or JMAP server", (Phase.SEND,), {Timed.SENDING}, True
    MAIL = (
        "mail",
        "MAIL FROM: the server judges the sender; for JMAP, its identity is looked up",
        (Phase.SEND,),
        {Timed.SENDING},
    )
    RCPT = "rcpt", "RCPT TO: the server judges the recipient", (Phase.SEND,), {Timed.SENDING}
    DATA = (
        "data",
        "the message, up to the reply to its final dot or, by HTTPS, to the request",
        (Phase.SEND,),
        {Timed.SENDING},
        True,
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
    LOGIN = "login", "the login at a mailbox (IMAP, POP3, JMAP)", _MAILBOX, {Timed.MAILBOX}, True
    SELECT = (
        "select",
        "a folder is opened, or a Maildir; for JMAP, its mailboxes are looked up",
        _MAILBOX,
        {Timed.MAILBOX},
        True,
    )
    IDLE = "idle", "the mailbox is watched: IDLE, NOOP and their like", _MAILBOX
    FETCH = "fetch", "a message is read", _MAILBOX, {Timed.MAILBOX}, True
    DELETE = "delete", "a message is deleted", _MAILBOX, {Timed.MAILBOX}, True
    LOGOUT = (
        "logout",
        "the session ends, which for POP3 is when messages are deleted",
        _MAILBOX,
    )
