"""What happens to mailboxes while a message is awaited, and must raise no alarm."""

import asyncio
import imaplib
from collections.abc import Awaitable, Callable

from exporter.app import App
from tests.atlas.harmless_transit import DUPLICATES, trip
from tests.atlas.mailbox import POP3
from tests.atlas.meddler import Meddler, Rule, answer, cut
from tests.atlas.table import Changes, Disturbance, Lever, Make
from tests.atlas.world import PLAIN, World
from tests.support.pauses import at_once

FOREIGN = b"From: boss@lab.test\r\nSubject: please read\r\n\r\nThis is private.\r\n"
MANY = 10_000

Event = Callable[[World, Meddler], Awaitable[None]]


def in_mid_wait(event: Event, prepare: Event | None = None, **module: object) -> Make:
    """Something happens while the message is awaited, and then the message comes."""

    async def make(world: World) -> Changes:
        meddler, courier = await world.meddle(), await world.courier()
        if prepare:
            await prepare(world, meddler)

        async def then(app: App) -> None:
            await courier.taken.wait()
            await event(world, meddler)
            await courier.deliver()

        world.then = then
        return {"imap": {**PLAIN, "port": meddler.port}, "smtp": courier.options, "module": module}

    return make


async def again(meddler: Meddler, before: int) -> None:
    """Returns when a client has connected again."""
    while meddler.connections == before:
        await asyncio.sleep(0.02)


async def restarted(world: World, meddler: Meddler) -> None:
    await asyncio.to_thread(world.lab.stop, "imap")
    await asyncio.to_thread(world.lab.start, "imap")


async def cut_once(world: World, meddler: Meddler) -> None:
    before = meddler.connections
    meddler.cut()
    await again(meddler, before)


async def good_bye(world: World, meddler: Meddler) -> None:
    before = meddler.connections
    meddler.say("* BYE Server shutting down.")
    meddler.cut()
    await again(meddler, before)


async def idle_is_cut(world: World, meddler: Meddler) -> None:
    """We idle only when the message has been in transit for a while."""
    before = meddler.connections
    meddler.rules.append(cut(" IDLE", times=1))
    await again(meddler, before)


async def idle_is_frozen(world: World, meddler: Meddler) -> None:
    before = meddler.connections
    meddler.rules.append(Rule(" IDLE", "freeze", times=1))
    await again(meddler, before)


async def sorry_once(world: World, meddler: Meddler) -> None:
    meddler.rules.append(answer(r"^(\S+) LOGIN ", r"\1 NO [UNAVAILABLE] try again", times=2))


async def nothing(world: World, meddler: Meddler) -> None:
    pass


async def emptied(world: World, meddler: Meddler) -> None:
    """Another client deletes all that is there."""

    def delete() -> None:
        with imaplib.IMAP4(world.lab.imap_ip) as reader:
            reader.login(world.user.name, world.lab.password)
            reader.select()
            reader.store("1:*", "+FLAGS", "\\Deleted")
            reader.expunge()

    await asyncio.to_thread(delete)


async def with_mail(world: World, meddler: Meddler) -> None:
    for _ in range(3):
        await asyncio.to_thread(world.user.deliver, FOREIGN)


async def foreign_mail_comes(world: World, meddler: Meddler) -> None:
    await with_mail(world, meddler)
    world.stay = 3


async def with_unreadable_mail(world: World, meddler: Meddler) -> None:
    """At such a message Dovecot ends the session (`imap_fetch_failure`)."""
    await asyncio.to_thread(world.user.deliver, FOREIGN)
    (file,) = (world.user.maildir / "new").iterdir()
    file.chmod(0)
    world.stay = 1


async def made_anew(world: World, meddler: Meddler) -> None:
    """The mailbox is recreated, as after it was restored or moved to another server."""
    await asyncio.to_thread(world.user.purge)


async def ten_thousand(world: World, meddler: Meddler) -> None:
    """The server makes the mailbox for the first message."""
    await asyncio.to_thread(world.user.deliver, FOREIGN)
    new = world.user.maildir / "new"
    for number in range(MANY):
        file = new / f"1700000000.M{number}P1.host"
        file.write_bytes(FOREIGN)
        await asyncio.sleep(0)
    world.stay = MANY + 1


async def copy_in_junk(world: World) -> Changes:
    """The message comes to the mailbox, and a moment later a copy of it to the folder for spam."""
    courier = await world.courier()

    def make_junk() -> None:
        with imaplib.IMAP4(world.lab.imap_ip) as reader:
            reader.login(world.user.name, world.lab.password)
            reader.create("Junk")

    def file_as_junk(raw: bytes) -> None:
        with imaplib.IMAP4(world.lab.imap_ip) as reader:
            reader.login(world.user.name, world.lab.password)
            reader.append("Junk", "", "", raw)

    await asyncio.to_thread(make_junk)

    async def then(app: App) -> None:
        raw = await courier.message()
        await courier.bring(raw)
        while world.mails():  # it has been seen, and is deleted
            await asyncio.sleep(0.02)
        await asyncio.to_thread(file_as_junk, raw)
        while (
            "mailtrip_duplicates_total 1.0"
            not in at_once(app.metrics.probe(app.probes.key("trip", "the-row"))).decode()
        ):
            await asyncio.sleep(0.05)

    world.then = then
    return {"smtp": courier.options}


async def pop3_locked(world: World) -> Changes:
    """Another client has the mailbox for a moment when a trip begins."""
    meddler = await world.meddle(
        answer("^PASS ", "-ERR [IN-USE] Mailbox is locked", times=1), port=110
    )
    pop3 = {**{key: value for key, value in PLAIN.items() if value}, **POP3, "port": meddler.port}
    module = {"timeout": "40s", "session_timeout": "20s"}
    return {"mailbox": {"pop3": world.filled(pop3)}, "module": module}


async def silent_logout(world: World) -> Changes:
    meddler = await world.meddle(Rule("LOGOUT", "freeze"))
    return {"imap": {**PLAIN, "port": meddler.port}}


def refused_once(word: str, words: str) -> Event:
    async def event(world: World, meddler: Meddler) -> None:
        meddler.rules.append(answer(word, words, times=1))

    return event


AGAIN = "reconnects and finds the message"
WATCHED = "continues"

MAILBOX = (
    Disturbance(
        "The IMAP server is restarted while the message is awaited",
        "a real server is stopped and started",
        AGAIN,
        trip(in_mid_wait(restarted, timeout="60s")),
        lever=Lever.ALONE,
    ),
    Disturbance(
        "The connection to the mailbox breaks while the message is awaited",
        "it is closed once",
        AGAIN,
        trip(in_mid_wait(cut_once)),
    ),
    Disturbance(
        "The IMAP server sends BYE while the message is awaited",
        "`* BYE`, and the connection is closed",
        AGAIN,
        trip(in_mid_wait(good_bye)),
    ),
    Disturbance(
        "A server or a firewall drops idle connections",
        "the connection is closed during IDLE",
        AGAIN,
        trip(in_mid_wait(idle_is_cut, timeout="60s")),
    ),
    Disturbance(
        "The IMAP server hangs at IDLE",
        "it does not reply to IDLE, on that connection",
        "closes the connection after `session_timeout`, reconnects and finds the message",
        trip(in_mid_wait(idle_is_frozen, timeout="60s")),
    ),
    Disturbance(
        "The IMAP server's password service fails for a moment",
        "two logins get `NO [UNAVAILABLE]`",
        "retries within `session_timeout`",
        trip(in_mid_wait(nothing, sorry_once)),
    ),
    Disturbance(
        "The IMAP server is busy for a moment",
        "`NO Server Unavailable. 15` to one login, as Exchange says it",
        "retries within `session_timeout`",
        trip(in_mid_wait(nothing, refused_once(r"^(\S+) LOGIN ", r"\1 NO Server Unavailable. 15"))),
    ),
    Disturbance(
        "The IMAP server cannot show a message yet",
        "`NO` to the first FETCH",
        "fetches it again",
        trip(
            in_mid_wait(refused_once(r"^(\S+) UID FETCH ", r"\1 NO The message is being delivered"))
        ),
    ),
    Disturbance(
        "The IMAP server offers UIDPLUS and refuses it",
        "`BAD` to UID EXPUNGE",
        "expunges without it, if no other message is flagged as deleted",
        trip(in_mid_wait(nothing, refused_once(r"^(\S+) UID EXPUNGE ", r"\1 BAD Unknown command"))),
    ),
    Disturbance(
        "The IMAP server refuses ID",
        "`BAD` to ID",
        WATCHED,
        trip(in_mid_wait(nothing, refused_once(r"^(\S+) ID ", r"\1 BAD Unknown command"))),
    ),
    Disturbance(
        "Another client empties the mailbox while the message is awaited",
        "all messages are expunged",
        WATCHED,
        trip(in_mid_wait(emptied, with_mail)),
    ),
    Disturbance(
        "Other messages arrive while the message is awaited",
        "three of them",
        "does not touch them; they stay unread",
        trip(in_mid_wait(foreign_mail_comes)),
    ),
    Disturbance(
        "The mailbox is recreated while the message is awaited (UIDVALIDITY)",
        "a real one is deleted and created again",
        "searches it from the beginning",
        trip(in_mid_wait(made_anew)),
    ),
    Disturbance(
        "There are 10,000 other messages in the mailbox",
        "a real mailbox with that many",
        "reads only new messages",
        trip(in_mid_wait(nothing, ten_thousand, timeout="60s", session_timeout="30s")),
    ),
    Disturbance(
        "The IMAP server closes the connection at one of the other messages",
        "a real Dovecot that cannot read a message",
        "reads the others",
        trip(in_mid_wait(nothing, with_unreadable_mail, timeout="60s", session_timeout="30s")),
    ),
    Disturbance(
        "A second copy arrives in the folder for spam",
        "the same message in Junk, a moment later",
        "deletes it, and counts it in `mailtrip_duplicates_total`",
        trip(copy_in_junk),
        DUPLICATES,
    ),
    Disturbance(
        "A POP3 mailbox is locked for a moment",
        "`-ERR [IN-USE]` to the first login",
        "retries after five seconds",
        trip(pop3_locked),
    ),
    Disturbance(
        "The IMAP server does not answer LOGOUT",
        "it does not reply to LOGOUT",
        "disconnects after two seconds",
        trip(silent_logout),
    ),
)
