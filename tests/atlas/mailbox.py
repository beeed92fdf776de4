"""Faults of the mailbox: IMAP and POP3 servers that are down, frozen, locked, or refuse."""

from collections.abc import Callable

from exporter.app import App
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.meddler import Rule, answer, cut, freeze
from tests.atlas.table import (
    Changes,
    Fault,
    Known,
    Make,
    Verdict,
    deleting,
    given,
    opening,
    watching,
)
from tests.atlas.world import PLAIN, World

POP3 = {"username": "<user>", "password": "labpass"}


def meddled(*rules: Callable[[], Rule], **module: object) -> Make:
    """A real IMAP server behind a proxy that meddles."""

    async def make(world: World) -> Changes:
        meddler = await world.meddle(*(rule() for rule in rules))
        return {"imap": {**PLAIN, "port": meddler.port}, "module": module}

    return make


def meddled_tls(*rules: Callable[[], Rule]) -> Make:
    """The same with `tls: starttls`."""

    async def make(world: World) -> Changes:
        meddler = await world.meddle(*(rule() for rule in rules))
        return {
            "imap": {
                "host": "127.0.0.1",
                "port": meddler.port,
                "tls": "starttls",
                "server_name": "imap.lab.test",
            }
        }

    return make


def pop3(*rules: Callable[[], Rule], **options: object) -> Make:
    """A real POP3 server behind a proxy that meddles."""

    async def make(world: World) -> Changes:
        meddler = await world.meddle(*(rule() for rule in rules), port=110)
        plain = {
            key: value
            for key, value in {**PLAIN, **POP3, "port": meddler.port, **options}.items()
            if value
        }
        return {"mailbox": {"pop3": world.filled(plain)}}

    return make


def in_mid_wait(*rules: Callable[[], Rule], timeout: str = "10s", bring: bool = False) -> Make:
    """The server does well until the message is in transit; then the rules hold, and all
    connections end."""

    async def make(world: World) -> Changes:
        meddler, courier = await world.meddle(), await world.courier()

        async def then(app: App) -> None:
            await courier.message()
            meddler.rules += [rule() for rule in rules]
            meddler.cut()

        world.then = then
        imap = {**PLAIN, "port": meddler.port}
        return {"imap": imap, "smtp": courier.options, "module": {"timeout": timeout}}

    return make


async def down_in_mid_wait(world: World) -> Changes:
    """Everything is well until the message is in transit; then nothing listens any more."""
    meddler, courier = await world.meddle(), await world.courier()

    async def then(app: App) -> None:
        await courier.message()
        meddler.close()

    world.then = then
    return {"imap": {**PLAIN, "port": meddler.port}, "smtp": courier.options}


def _freezes(word: str, command: str, verdict: Verdict, known: Known, look: str) -> Fault:
    name = f"The IMAP server hangs at {word}"
    return Fault(
        name,
        f"it does not reply to {word}",
        verdict,
        known,
        look,
        meddled(lambda: freeze(command)),
    )


SERVER = "the server's log and its load"
NEVER_BACK = Known.TIMEOUT

IMAP = (
    Fault(
        "The IMAP server refuses our password",
        "a wrong password",
        opening(Step.LOGIN, Reason.AUTH, "AUTHENTICATIONFAILED"),
        Known.AT_ONCE,
        "whether the password was changed, has expired, or the account is locked",
        given(imap={"password": "wrong"}),
    ),
    Fault(
        "The IMAP server's password service is down",
        "`NO [UNAVAILABLE]` to LOGIN",
        opening(Step.LOGIN, Reason.UNAVAILABLE, "UNAVAILABLE"),
        Known.SESSION,
        "LDAP, SQL behind the server",
        meddled(
            lambda: answer(
                r"^(\S+) LOGIN ", r"\1 NO [UNAVAILABLE] Temporary authentication failure."
            )
        ),
    ),
    Fault(
        "The IMAP server accepts no passwords without TLS",
        "`NO [PRIVACYREQUIRED]` to LOGIN",
        opening(Step.LOGIN, Reason.AUTH, "PRIVACYREQUIRED"),
        Known.AT_ONCE,
        "`tls`",
        meddled(
            lambda: answer(
                r"^(\S+) LOGIN ", r"\1 NO [PRIVACYREQUIRED] Plaintext authentication disallowed"
            )
        ),
    ),
    Fault(
        "The file with the mailbox's password does not exist",
        "`password: {file: …}` names a missing file",
        opening(Step.LOGIN, Reason.AUTH),
        Known.AT_ONCE,
        "the secret's file and who may read it",
        given(imap={"password": {"file": "<directory>/none"}}),
    ),
    Fault(
        "The file with the mailbox's password is empty",
        "`password: {file: …}` names an empty file",
        opening(Step.LOGIN, Reason.AUTH),
        Known.AT_ONCE,
        "the secret's file; no empty password is ever tried",
        given(imap={"password": {"file": "/dev/null"}}),
        says="there is no secret in it",
    ),
    Fault(
        "The IMAP server accepts no more connections",
        "`* BYE` as its greeting",
        opening(Step.GREETING, Reason.UNAVAILABLE),
        Known.SESSION,
        "its limits of connections (per user, per address)",
        meddled(lambda: Rule("OK", "say", "server", "* BYE Too many connections")),
    ),
    Fault(
        "Another service answers on the port of the IMAP server",
        "an SMTP server instead",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`host` and `port`: which program listens there?",
        given(imap={**PLAIN, "host": "<relay>", "port": 25}),
    ),
    Fault(
        "A POP3 server answers instead of the IMAP server",
        "`imap` with the port of a real POP3 server",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port`, or `pop3` instead of `imap`",
        given(imap={**PLAIN, "host": "<imap>", "port": 110}),
        says="this is a POP3 server",
    ),
    Fault(
        "The IMAP port expects implicit TLS",
        "`tls: none` on port 993 of a real server",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port` and `tls`",
        given(imap={**PLAIN, "host": "<imap>", "port": 993}),
        says="use `tls: implicit`",
    ),
    Fault(
        "The folder does not exist",
        "a folder that a real server does not have",
        opening(Step.SELECT, Reason.REJECTED),
        Known.AT_ONCE,
        "`folders`, and the mailbox in a mail reader",
        given(imap={"folders": ["Archive"]}),
        newer_code="NONEXISTENT",  # Dovecot 2.4
    ),
    Fault(
        "Access to the folder is denied",
        "`NO [NOPERM]` to SELECT",
        opening(Step.SELECT, Reason.REJECTED, "NOPERM"),
        Known.AT_ONCE,
        "access rights of a shared mailbox",
        meddled(lambda: answer(r"^(\S+) SELECT ", r"\1 NO [NOPERM] Permission denied")),
    ),
    Fault(
        "The folder is read-only",
        "`OK [READ-ONLY]` to SELECT",
        opening(Step.SELECT, Reason.REJECTED),
        Known.AT_ONCE,
        "access rights of a shared mailbox: messages could not be deleted",
        meddled(
            lambda: answer(
                r"^(\S+) SELECT ",
                r"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] Fixed\r\n* OK [UIDNEXT 1] Next\r\n"
                r"\1 OK [READ-ONLY] Select completed.",
            )
        ),
    ),
    Fault(
        "The mailbox is broken on the server",
        "`NO [SERVERBUG]` to SELECT",
        opening(Step.SELECT, Reason.UNAVAILABLE, "SERVERBUG"),
        Known.SESSION,
        "the server's log: indexes, storage",
        meddled(lambda: answer(r"^(\S+) SELECT ", r"\1 NO [SERVERBUG] Internal error occurred")),
    ),
    Fault(
        "The IMAP server does not understand SELECT",
        "`BAD` to SELECT",
        opening(Step.SELECT, Reason.PROTOCOL),
        Known.AT_ONCE,
        "proxies and firewalls on the path",
        meddled(lambda: answer(r"^(\S+) SELECT ", r"\1 BAD Unknown command")),
    ),
    Fault(
        "The IMAP server sends no greeting",
        "it sends nothing after the connection is open",
        opening(Step.GREETING, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        meddled(lambda: freeze("OK", "server")),
        says="no answer from 127.0.0.1",
    ),
    _freezes(
        "LOGIN",
        " LOGIN ",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
    ),
    Fault(
        "The IMAP server hangs at STARTTLS",
        "it does not reply to STARTTLS",
        opening(Step.TLS, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        meddled_tls(lambda: freeze("STARTTLS$")),
    ),
    Fault(
        "The IMAP server refuses STARTTLS",
        "`NO` to STARTTLS",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the server's log: its key or certificate cannot be read",
        meddled_tls(lambda: answer(r"^(\S+) STARTTLS$", r"\1 NO TLS is not available")),
    ),
    _freezes(
        "STATUS",
        " STATUS ",
        opening(Step.SELECT, Reason.TIMEOUT),
        Known.SESSION,
        f"{SERVER}; its storage",
    ),
    _freezes(
        "LIST",
        " LIST ",
        opening(Step.SELECT, Reason.TIMEOUT),
        Known.SESSION,
        f"{SERVER}; its storage",
    ),
    _freezes(
        "SELECT",
        " SELECT ",
        opening(Step.SELECT, Reason.TIMEOUT),
        Known.SESSION,
        f"{SERVER}; locks, storage",
    ),
    Fault(
        "The IMAP server hangs while the message is awaited",
        "it does not reply to NOOP",
        watching(Step.IDLE, Reason.TIMEOUT),
        NEVER_BACK,
        SERVER,
        in_mid_wait(lambda: freeze(" NOOP")),
        says="no answer from 127.0.0.1",
    ),
    _freezes(
        "FETCH",
        "UID FETCH",
        watching(Step.FETCH, Reason.TIMEOUT),
        NEVER_BACK,
        f"{SERVER}; its storage",
    ),
    _freezes(
        "STORE", "UID STORE", deleting(Reason.TIMEOUT), Known.SESSION, f"{SERVER}; its storage"
    ),
    _freezes(
        "EXPUNGE", "UID EXPUNGE", deleting(Reason.TIMEOUT), Known.SESSION, f"{SERVER}; its storage"
    ),
    Fault(
        "The IMAP server goes down while the message is awaited, and stays down",
        "nothing listens any more",
        watching(Step.CONNECT, Reason.CONNECT),
        NEVER_BACK,
        "whether it runs",
        down_in_mid_wait,
    ),
    Fault(
        "The IMAP server cuts the connection at every read of a message",
        "the connection is closed at every FETCH",
        watching(Step.FETCH, Reason.DISCONNECTED),
        NEVER_BACK,
        "the server's log: a crash, a broken message or index",
        meddled(lambda: cut("UID FETCH"), timeout="8s"),
    ),
    Fault(
        "The IMAP server cuts the connection at every IDLE",
        "the connection is closed at every IDLE",
        watching(Step.IDLE, Reason.DISCONNECTED),
        NEVER_BACK,
        "a firewall or proxy that does not support IDLE",
        in_mid_wait(lambda: cut("IDLE"), timeout="32s"),
    ),
    Fault(
        "The IMAP server sends BYE again and again while the message is awaited",
        "`* BYE` instead of the reply to NOOP",
        watching(Step.IDLE, Reason.DISCONNECTED),
        NEVER_BACK,
        "whether it is being restarted; its limits",
        in_mid_wait(lambda: answer(" NOOP", "* BYE Logged out for maintenance")),
    ),
    Fault(
        "The password stops working while the message is awaited",
        "a refused login after the connection was closed",
        watching(Step.LOGIN, Reason.AUTH, "AUTHENTICATIONFAILED"),
        NEVER_BACK,
        "whether the password was changed",
        in_mid_wait(
            lambda: answer(r"^(\S+) LOGIN ", r"\1 NO [AUTHENTICATIONFAILED] Authentication failed.")
        ),
    ),
    Fault(
        "The mailbox is over its quota, so nothing can be deleted",
        "`NO [OVERQUOTA]` to STORE",
        deleting(Reason.MAILBOX_FULL, "OVERQUOTA"),
        Known.NEWS,
        "the quota, and the disk of the server",
        meddled(lambda: answer(r"^(\S+) UID STORE", r"\1 NO [OVERQUOTA] Not enough disk quota")),
    ),
    Fault(
        "mailtrip may not delete messages in the mailbox",
        "`NO [NOPERM]` to STORE",
        deleting(Reason.REJECTED, "NOPERM"),
        Known.NEWS,
        "access rights of a shared mailbox",
        meddled(lambda: answer(r"^(\S+) UID STORE", r"\1 NO [NOPERM] Permission denied")),
    ),
)

IN_DELETE = Verdict(Phase.DELETE, Step.DELETE, Reason.TIMEOUT, "", deleting(Reason.TIMEOUT).leg)

POP3_FAULTS = (
    Fault(
        "The POP3 server refuses our password",
        "a wrong password",
        opening(Step.LOGIN, Reason.AUTH, "AUTH"),
        Known.AT_ONCE,
        "whether the password was changed or has expired",
        pop3(password="wrong"),
    ),
    Fault(
        "The POP3 mailbox is locked",
        "`-ERR [IN-USE]`: another client keeps it locked",
        opening(Step.LOGIN, Reason.UNAVAILABLE, "IN-USE"),
        Known.SESSION,
        "who else reads this mailbox; a session left over from a client that crashed",
        pop3(lambda: answer("^PASS ", "-ERR [IN-USE] Mailbox is locked by another session")),
    ),
    Fault(
        "The POP3 server requires longer pauses",
        "`-ERR [LOGIN-DELAY]`",
        opening(Step.LOGIN, Reason.UNAVAILABLE, "LOGIN-DELAY"),
        Known.SESSION,
        "`poll_interval`",
        pop3(
            lambda: answer(
                "^PASS ", "-ERR [LOGIN-DELAY] minimum time between mail checks violation"
            )
        ),
    ),
    Fault(
        "The POP3 server does not allow a second login before the timeout",
        "LOGIN-DELAY, or `poll_interval`, is longer than `timeout`",
        watching(None, Reason.UNAVAILABLE, "LOGIN-DELAY"),
        NEVER_BACK,
        "`timeout`, and the result of `check --try`",
        pop3(poll_interval="1h"),
    ),
    Fault(
        "Another service answers on the port of the POP3 server",
        "an IMAP server instead",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port`, or `imap` instead of `pop3`",
        pop3(lambda: Rule("OK", "say", "server", "* OK [CAPABILITY IMAP4rev1] ready")),
    ),
    Fault(
        "The POP3 server accepts no connections now",
        "`-ERR` as its greeting",
        opening(Step.GREETING, Reason.UNAVAILABLE),
        Known.SESSION,
        "its limits of connections",
        pop3(lambda: Rule("OK", "say", "server", "-ERR too many connections")),
    ),
    Fault(
        "The POP3 server does not support UIDL",
        "`-ERR` to UIDL",
        opening(Step.FETCH, Reason.REJECTED),
        Known.AT_ONCE,
        "the server's age and settings",
        pop3(lambda: answer("^UIDL", "-ERR unknown command")),
    ),
    Fault(
        "The POP3 server sends no greeting",
        "it sends nothing after the connection is open",
        opening(Step.GREETING, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        pop3(lambda: freeze("OK", "server")),
        says="no answer from 127.0.0.1",
    ),
    Fault(
        "The POP3 server hangs at CAPA",
        "it does not reply to CAPA",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        pop3(lambda: freeze("^CAPA")),
    ),
    Fault(
        "The POP3 server refuses STLS",
        "`-ERR` to STLS, and `tls: starttls`",
        opening(Step.TLS, Reason.TLS),
        Known.AT_ONCE,
        "the server's log: its key or certificate cannot be read",
        pop3(lambda: answer("^STLS", "-ERR TLS is not available"), tls="starttls"),
    ),
    Fault(
        "The POP3 server hangs at USER",
        "it does not reply to USER",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
        pop3(lambda: freeze("^USER ")),
    ),
    Fault(
        "The POP3 server hangs at PASS",
        "it does not reply to PASS",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
        pop3(lambda: freeze("^PASS ")),
    ),
    Fault(
        "The POP3 server hangs at UIDL",
        "it does not reply to UIDL",
        opening(Step.FETCH, Reason.TIMEOUT),
        Known.SESSION,
        f"{SERVER}; a mailbox with many messages",
        pop3(lambda: freeze("^UIDL")),
    ),
    Fault(
        "The POP3 server hangs in the middle of a message",
        "it does not reply to TOP",
        watching(Step.FETCH, Reason.TIMEOUT),
        NEVER_BACK,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^TOP")),
    ),
    Fault(
        "The POP3 server cuts the connection in the middle of a message",
        "the connection is closed at every TOP",
        watching(Step.FETCH, Reason.DISCONNECTED),
        NEVER_BACK,
        "the server's log: a crash, a broken message",
        pop3(lambda: cut("^TOP")),
    ),
    Fault(
        "The POP3 server hangs at DELE",
        "it does not reply to DELE",
        IN_DELETE,
        Known.SESSION,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^DELE")),
    ),
    Fault(
        "The POP3 server hangs at QUIT, which deletes the messages",
        "it does not reply to QUIT",
        IN_DELETE,
        Known.SESSION,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^QUIT")),
        or_step=Step.LOGOUT,
    ),
)
