"""Faults of the mailbox: IMAP and POP3 servers that are down, frozen, locked, or refuse."""

from collections.abc import Callable

from exporter.app import App
from exporter.core.model import Phase, Reason, Step
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
    """A real IMAP server behind somebody who meddles."""

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
    """A real POP3 server behind somebody who meddles."""

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
    """The server does well until the message is under way; then the rules hold, and all connections
    end."""

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
    """Everything is well until the message is under way; then nobody listens any more."""
    meddler, courier = await world.meddle(), await world.courier()

    async def then(app: App) -> None:
        await courier.message()
        meddler.close()

    world.then = then
    return {"imap": {**PLAIN, "port": meddler.port}, "smtp": courier.options}


def _freezes(word: str, command: str, verdict: Verdict, known: Known, look: str) -> Fault:
    name = f"The IMAP server freezes at {word}"
    return Fault(
        name,
        f"nothing after {word} is answered",
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
        "The IMAP server takes no passwords without TLS",
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
        "The file with the mailbox's password is not there",
        "`password: {file: …}` names no file",
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
        "The IMAP server takes no more connections",
        "`* BYE` as its greeting",
        opening(Step.GREETING, Reason.UNAVAILABLE),
        Known.SESSION,
        "its limits of connections (per user, per address)",
        meddled(lambda: Rule("OK", "say", "server", "* BYE Too many connections")),
    ),
    Fault(
        "It is no IMAP server that answers",
        "an SMTP server in its place",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`host` and `port`: who listens there?",
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
        "The IMAP port expects TLS from the start",
        "`tls: none` on port 993 of a real server",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port` and `tls`",
        given(imap={**PLAIN, "host": "<imap>", "port": 993}),
        says="use `tls: implicit`",
    ),
    Fault(
        "The folder is gone",
        "a folder that a real server does not have",
        opening(Step.SELECT, Reason.REJECTED),
        Known.AT_ONCE,
        "`folders`, and the mailbox in a mail reader",
        given(imap={"folders": ["Archive"]}),
    ),
    Fault(
        "The folder may not be opened",
        "`NO [NOPERM]` to SELECT",
        opening(Step.SELECT, Reason.REJECTED, "NOPERM"),
        Known.AT_ONCE,
        "access rights of a shared mailbox",
        meddled(lambda: answer(r"^(\S+) SELECT ", r"\1 NO [NOPERM] Permission denied")),
    ),
    Fault(
        "The folder may only be read",
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
        "what sits between us and the server",
        meddled(lambda: answer(r"^(\S+) SELECT ", r"\1 BAD Unknown command")),
    ),
    Fault(
        "The IMAP server never greets",
        "nothing is said after the connection",
        opening(Step.GREETING, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        meddled(lambda: freeze("OK", "server")),
    ),
    _freezes(
        "LOGIN",
        " LOGIN ",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
    ),
    Fault(
        "The IMAP server freezes at STARTTLS",
        "nothing after STARTTLS is answered",
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
        "The IMAP server freezes while the message is awaited",
        "nothing after NOOP is answered any more",
        watching(Step.IDLE, Reason.TIMEOUT),
        NEVER_BACK,
        SERVER,
        in_mid_wait(lambda: freeze(" NOOP")),
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
        "The IMAP server goes down while the message is awaited, and stays so",
        "nobody listens any more",
        watching(Step.CONNECT, Reason.CONNECT),
        NEVER_BACK,
        "whether it runs",
        down_in_mid_wait,
    ),
    Fault(
        "The IMAP server cuts the connection whenever a message is read",
        "the connection ends at every FETCH",
        watching(Step.FETCH, Reason.DISCONNECTED),
        NEVER_BACK,
        "the server's log: a crash, a broken message or index",
        meddled(lambda: cut("UID FETCH"), timeout="8s"),
    ),
    Fault(
        "The IMAP server cuts the connection whenever we idle",
        "the connection ends at every IDLE",
        watching(Step.IDLE, Reason.DISCONNECTED),
        NEVER_BACK,
        "a firewall or proxy that does not know IDLE",
        in_mid_wait(lambda: cut("IDLE"), timeout="32s"),
    ),
    Fault(
        "The IMAP server says good-bye whenever the message is awaited",
        "`* BYE` in the place of an answer to NOOP",
        watching(Step.IDLE, Reason.DISCONNECTED),
        NEVER_BACK,
        "whether somebody restarts it; its limits",
        in_mid_wait(lambda: answer(" NOOP", "* BYE Logged out for maintenance")),
    ),
    Fault(
        "The password stops working while the message is awaited",
        "a refused login after a cut",
        watching(Step.LOGIN, Reason.AUTH, "AUTHENTICATIONFAILED"),
        NEVER_BACK,
        "whether the password was changed",
        in_mid_wait(
            lambda: answer(r"^(\S+) LOGIN ", r"\1 NO [AUTHENTICATIONFAILED] Authentication failed.")
        ),
    ),
    Fault(
        "The mailbox is over its quota, so that nothing can be deleted",
        "`NO [OVERQUOTA]` to STORE",
        deleting(Reason.MAILBOX_FULL, "OVERQUOTA"),
        Known.NEWS,
        "the quota, and the disk of the server",
        meddled(lambda: answer(r"^(\S+) UID STORE", r"\1 NO [OVERQUOTA] Not enough disk quota")),
    ),
    Fault(
        "We may not delete in the mailbox",
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
        "`-ERR [IN-USE]`: another client has it, and keeps it",
        opening(Step.LOGIN, Reason.UNAVAILABLE, "IN-USE"),
        Known.SESSION,
        "who else reads this mailbox; a session of a client that has died",
        pop3(lambda: answer("^PASS ", "-ERR [IN-USE] Mailbox is locked by another session")),
    ),
    Fault(
        "The POP3 server wants longer pauses",
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
        "The POP3 server allows no second look in time",
        "LOGIN-DELAY, or `poll_interval`, is longer than `timeout`",
        watching(None, Reason.UNAVAILABLE, "LOGIN-DELAY"),
        NEVER_BACK,
        "`timeout`, and what `check --try` says",
        pop3(poll_interval="1h"),
    ),
    Fault(
        "It is no POP3 server that answers",
        "an IMAP server in its place",
        opening(Step.GREETING, Reason.PROTOCOL),
        Known.AT_ONCE,
        "`port`, or `imap` in the place of `pop3`",
        pop3(lambda: Rule("OK", "say", "server", "* OK [CAPABILITY IMAP4rev1] ready")),
    ),
    Fault(
        "The POP3 server takes no connections now",
        "`-ERR` as its greeting",
        opening(Step.GREETING, Reason.UNAVAILABLE),
        Known.SESSION,
        "its limits of connections",
        pop3(lambda: Rule("OK", "say", "server", "-ERR too many connections")),
    ),
    Fault(
        "The POP3 server has no unique ids",
        "`-ERR` to UIDL",
        opening(Step.FETCH, Reason.REJECTED),
        Known.AT_ONCE,
        "the server's age and settings",
        pop3(lambda: answer("^UIDL", "-ERR unknown command")),
    ),
    Fault(
        "The POP3 server never greets",
        "nothing is said after the connection",
        opening(Step.GREETING, Reason.TIMEOUT),
        Known.SESSION,
        SERVER,
        pop3(lambda: freeze("OK", "server")),
    ),
    Fault(
        "The POP3 server freezes when it is asked what it offers",
        "nothing after CAPA is answered",
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
        "The POP3 server freezes at the name of the user",
        "nothing after USER is answered",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
        pop3(lambda: freeze("^USER ")),
    ),
    Fault(
        "The POP3 server freezes at the login",
        "nothing after PASS is answered",
        opening(Step.LOGIN, Reason.TIMEOUT),
        Known.SESSION,
        "LDAP, SQL behind the server",
        pop3(lambda: freeze("^PASS ")),
    ),
    Fault(
        "The POP3 server freezes when it lists the mailbox",
        "nothing after UIDL is answered",
        opening(Step.FETCH, Reason.TIMEOUT),
        Known.SESSION,
        f"{SERVER}; a mailbox of many messages",
        pop3(lambda: freeze("^UIDL")),
    ),
    Fault(
        "The POP3 server freezes in the middle of a message",
        "nothing after TOP is answered",
        watching(Step.FETCH, Reason.TIMEOUT),
        NEVER_BACK,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^TOP")),
    ),
    Fault(
        "The POP3 server cuts the connection in the middle of a message",
        "the connection ends at every TOP",
        watching(Step.FETCH, Reason.DISCONNECTED),
        NEVER_BACK,
        "the server's log: a crash, a broken message",
        pop3(lambda: cut("^TOP")),
    ),
    Fault(
        "The POP3 server freezes at DELE",
        "nothing after DELE is answered",
        IN_DELETE,
        Known.SESSION,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^DELE")),
    ),
    Fault(
        "The POP3 server freezes at QUIT, with which it deletes",
        "nothing after QUIT is answered",
        IN_DELETE,
        Known.SESSION,
        f"{SERVER}; its storage",
        pop3(lambda: freeze("^QUIT")),
    ),
)
