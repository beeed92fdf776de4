"""What hostile servers can do to us: mail servers, name servers, identity providers, and a file
system."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest

from exporter.core.facts import MailServer
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.mailboxes.session import READ_LIMIT, Session, Sighting
from exporter.net.dns.answer import DnsResult
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from exporter.net.pop3.connection import converse
from exporter.net.tcp import connect
from tests.security.test_credentials import KINDS, refused, visit
from tests.support import maildir_rig
from tests.support.name_server import names
from tests.support.oauth2_rig import refusal, rig
from tests.support.recording_peers import Endless, Listener
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.wanting import all_of_them

Listening = Callable[..., Listener]
MIB = 1 << 20
# What the kernel may take of a server's data before the client reads it: both buffers, see tcp(7).
AHEAD = sum(
    int(Path(f"/proc/sys/net/ipv4/{buffer}").read_text().split()[2])
    for buffer in ("tcp_rmem", "tcp_wmem")
)
ME = {"host": "127.0.0.1", "username": "me", "password": "hunter2", "tls": "none"}


@contextmanager
def costs_at_most(memory: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory


async def problem(action: Awaitable[Any]) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await action
    return caught.value


@pytest.mark.parametrize("greeting", ["", Endless("x", pause=0.02)])
@pytest.mark.parametrize("kind", KINDS)
async def test_silence(listener: Listening, kind: str, greeting: str | Endless) -> None:
    """A server that does not answer, or whose answer does not end, is disconnected after
    `session_timeout`."""
    assert (
        await refused(visit(kind, listener(greeting).port, patience=0.1, tls="none"))
        is Reason.TIMEOUT
    )


@pytest.mark.parametrize("words", ["250-and so on\r\n" * 1000, "x" * MIB, "250 " + "x" * MIB])
@pytest.mark.parametrize("place", ["greeting", "EHLO", "RCPT"])
async def test_endless_replies(listener: Listening, place: str, words: str) -> None:
    """SMTP limits: 32 KiB per reply, 8 KiB per line. A server that exceeds them is
    disconnected."""
    usual = {"EHLO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok"}
    server = listener("220 hello", usual | {place: Endless(words)})
    if place == "greeting":
        server = listener(Endless(words))
    sender = make_sender(
        "smtp", {"host": "127.0.0.1", "port": server.port, "tls": "none"}, Resolver()
    )
    with costs_at_most(MIB + 3 * len(words)):
        failure = await send(sender, probe_message(), new_run())
    assert failure
    assert (failure.reason, failure.detail) == (
        Reason.PROTOCOL,
        "127.0.0.1 does not speak SMTP: Response too long",
    )
    assert server.said < AHEAD


IMAP = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK",
    "LOGIN": "{tag} OK [CAPABILITY IMAP4rev1] hello",
    "LIST": '* LIST () "/" INBOX\r\n{tag} OK',
    "SELECT": "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] valid\r\n* OK [UIDNEXT 1] next\r\n{tag} OK",
    "NOOP": "* 1 EXISTS\r\n{tag} OK",
}


async def looked(port: int) -> list[Sighting]:
    """What a first look into an IMAP mailbox shows."""
    options = ImapOptions.model_validate({**ME, "port": port, "folders": ["INBOX"]})
    session: Session = await ImapMailbox(options, Resolver()).open(Trace(Clock()), all_of_them)
    try:
        return await session.scan()
    finally:
        session.abort()


LINE, COMMAND, RESPONSE = (
    "a line of more than 1024 KiB",
    "more than 32 MiB for one command",
    "a response of more than 16 MiB",
)
ENDLESS_IMAP = {  # the limit that ends it, and how many bytes of it are read
    "a line without end": ("x" * MIB, LINE, MIB),
    "a line without end, of ours": ("* " + "x" * MIB, LINE, MIB),
    "short ones": ("* 1 FETCH (UID 1)\r\n" * 10_000, COMMAND, MIB),
    "lists without end": ("* SEARCH" + " 12" * 300_000 + "\r\n", COMMAND, 4 * MIB),
    "literals without end": (
        "* 1 FETCH (UID 1 BODY[]<0> {999999}\r\n" + "x" * 999_999 + ")\r\n",
        COMMAND,
        32 * MIB,
    ),
    "one that is larger than anybody asked for": (
        "* 1 FETCH (UID 1 BODY[]<0> {52428800}\r\nX: y\r\n",
        RESPONSE,
        0,
    ),
    "literals in literals": (
        "* 1 FETCH (X {100000}\r\n" + "x" * 100_000 + " {100000}\r\n" + "x" * 99_998,
        RESPONSE,
        16 * MIB,
    ),
}


@pytest.mark.parametrize("what", ENDLESS_IMAP)
async def test_endless_responses(listener: Listening, what: str) -> None:
    """IMAP limits: 32 MiB per command, 16 MiB per response, 1 MiB per line, and less if a
    response needs more memory than it has bytes. A server that exceeds them is disconnected."""
    words, limit, most = ENDLESS_IMAP[what]
    server = listener("* OK hello", IMAP | {"UID": Endless(words)}, default="{tag} OK")
    error = await problem(looked(server.port))
    assert (error.reason, error.detail) == (Reason.PROTOCOL, f"127.0.0.1 sent {limit}")
    assert server.said < most + AHEAD + len(words)


async def test_memory_of_literals(listener: Listening) -> None:
    """No memory is reserved for a literal that an IMAP server announces; one of more than 16
    MiB ends the session immediately."""
    server = listener(
        "* OK hello", IMAP | {"UID": Endless("x" * MIB, "* 1 FETCH (BODY[] {16777217}\r\n")}
    )
    with costs_at_most(4 * MIB):
        error = await problem(looked(server.port))
    assert error.detail == "127.0.0.1 sent a response of more than 16 MiB"


async def test_large_messages_over_imap(listener: Listening) -> None:
    """mailtrip requests the first 64 KiB of a message from an IMAP server, and keeps no more if
    the server sends more."""
    large = "* 1 FETCH (UID 1 BODY[]<0> {5000000}\r\n" + "X: y\r\n" * 833_333 + "x\n)\r\n{tag} OK"
    server = listener("* OK hello", IMAP | {"UID": large})
    (sighting,) = await looked(server.port)
    assert b"BODY.PEEK[]<0.65536>" in bytes(server.heard)
    assert (len(sighting.raw), sighting.cut) == (READ_LIMIT, True)


POP3 = {
    "CAPA": "+OK\r\nUSER\r\nTOP\r\nUIDL\r\n.",
    "UIDL": "+OK\r\n1 a\r\n.",
    "LIST": "+OK 1 52428800",
}
POP3_LISTINGS = {"CAPA": 64, "UIDL": 8192, "TOP": 65536}  # KiB


async def read_maildrop(port: int) -> list[Sighting]:
    options = Pop3Options.model_validate({**ME, "port": port})
    session: Session = await Pop3Mailbox(options, Resolver()).open(Trace(Clock()), all_of_them)
    try:
        return await session.scan()
    finally:
        session.abort()


@pytest.mark.parametrize("command", ["greeting", "CAPA", "USER", "UIDL", "TOP"])
@pytest.mark.parametrize(
    "words",
    [
        "x" * 10_000,
        ("1 " + "x" * 900 + "\r\n") * 100,
        pytest.param("..\r\n" * 5_000, marks=pytest.mark.slow),
    ],
)
async def test_endless_listings(listener: Listening, command: str, words: str) -> None:
    """POP3 limits: 64 KiB for a status line and for the capabilities, 8 MiB for a listing, 64
    MiB for a message, of which 64 KiB are kept. A server that exceeds them is disconnected."""
    answer = Endless(words, "+OK\r\n" if command in POP3_LISTINGS else "")
    server = listener(
        answer if command == "greeting" else "+OK", POP3 | {command: answer}, default="+OK"
    )
    with costs_at_most(24 * MIB):
        error = await problem(read_maildrop(server.port))
    assert error.reason is Reason.PROTOCOL, error
    most = {"UIDL": 8 * MIB, "TOP": 64 * MIB}
    if command in POP3_LISTINGS:
        assert (
            error.detail == f"127.0.0.1 sent more than {POP3_LISTINGS[command]} KiB for {command}"
        )
    assert server.said < most.get(command, 0) + AHEAD


async def test_unasked_words(listener: Listening) -> None:
    """At most 1 MiB of unsolicited data from a POP3 server is kept; then the session ends."""
    server = listener(Endless("and so on\r\n" * 1000, "+OK\r\n"))
    connection = await converse(
        await connect(["127.0.0.1"], server.port), "pop.test", lambda line: None
    )
    await connection.greeting()
    await connection.closed()
    assert (await problem(connection.capa())).reason is Reason.PROTOCOL
    assert server.said < AHEAD


async def test_large_headers_over_pop3(listener: Listening) -> None:
    """If a message in a POP3 maildrop has a header of 50 MB, 64 KiB are kept; POP3 cannot fetch
    a part of a header."""
    large = "+OK\r\n" + ("X: " + "y" * 995 + "\r\n") * 50_000 + "\r\n."
    server = listener("+OK", POP3 | {"TOP": large}, default="+OK")
    (sighting,) = await read_maildrop(server.port)
    assert (len(sighting.raw), sighting.cut) == (READ_LIMIT, True)


async def test_large_messages_in_a_maildir(tmp_path: Path) -> None:
    """If a file in a Maildir has 50 MB, 64 KiB are read; links and files that are not regular
    are not read at all."""
    maildir = maildir_rig.Maildir(tmp_path / "Maildir")
    async with maildir_rig.opened(maildir.mailbox()) as session:
        name = maildir.deliver(b"Subject: large\n\n")
        with (maildir.path / "new" / name).open("r+b") as file:
            file.truncate(50_000_000)
        secret = tmp_path / "secret"
        secret.write_text("hunter2")
        for number, link in enumerate((secret, Path("/dev/zero"), Path("../../secret"))):
            (maildir.path / "new" / f"1700000001.M{number}.link").symlink_to(link)
        with costs_at_most(MIB):
            (sighting,) = await session.scan()
        assert (len(sighting.raw), sighting.cut) == (READ_LIMIT, True)
        assert await session.scan() == []


def chain(*names: str) -> Callable[[dns.message.Message], None]:
    """Each name is an alias of the next one."""

    def answer(reply: dns.message.Message) -> None:
        for name, alias in pairwise(names):
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", alias))
        if names[-1] not in names[:-1]:
            reply.answer.append(dns.rrset.from_text(names[-1], 60, "IN", "A", "127.0.0.2"))

    return answer


@asynccontextmanager
async def name_server(answer: Callable[[dns.message.Message], None]) -> AsyncIterator[Resolver]:
    loop = asyncio.get_running_loop()

    def respond() -> None:
        wire, client = listening.recvfrom(4096)
        reply = dns.message.make_response(dns.message.from_wire(wire))
        answer(reply)
        listening.sendto(reply.to_wire(want_shuffle=False), client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        loop.add_reader(listening, respond)
        yield Resolver([f"127.0.0.1:{listening.getsockname()[1]}"])
        loop.remove_reader(listening)


async def test_aliases_without_end() -> None:
    """Circular CNAME records, and chains of more than 16 names, do not resolve."""
    short, long = (["a.test.", *(f"n{n}.test." for n in range(length))] for length in (15, 17))
    async with name_server(chain(*short)) as resolver:
        assert await resolver.addresses("a.test.", "4") == ["127.0.0.2"]
    for way in (long, ["a.test.", "b.test.", "a.test."]):
        async with name_server(chain(*way)) as resolver:
            assert (
                await DnsQueries(resolver, Clock()).query("a.test.", "A")
            ).result is DnsResult.SENSELESS
            assert (await problem(resolver.addresses("a.test.", "4"))).reason is Reason.DNS


async def test_many_exchangers(listener: Listening) -> None:
    """At most 10 exchangers of a domain are tried, the best preferences first."""
    server = listener("421 busy")
    hosts = {f"mx{n}.example.test": {"A": ["127.0.0.1"]} for n in range(30)}
    zone = {"example.test": {"MX": [f"{n} mx{n}.example.test." for n in range(30)]}, **hosts}
    async with names(zone) as resolver:
        await send(
            make_sender("mx", {"port": server.port}, resolver),
            probe_message("a@example.test"),
            new_run(),
        )
    assert server.visits == 10


async def test_exchangers_that_change(listener: Listening) -> None:
    """At most 20 servers are recorded for a trip, even if a domain names others at each attempt."""
    server, run = listener("421 busy"), new_run()
    for attempt in range(3):
        hosts = {f"mx{n}-{attempt}.example.test": {"A": ["127.0.0.1"]} for n in range(10)}
        records = [f"{n} mx{n}-{attempt}.example.test." for n in range(10)]
        async with names({"example.test": {"MX": records}, **hosts}) as resolver:
            sender = make_sender("mx", {"port": server.port}, resolver)
            await send(sender, probe_message("a@example.test"), run)
    assert len([fact for fact in run.facts if isinstance(fact, MailServer)]) == 20


@pytest.mark.parametrize(("place", "reason"), [(20, Reason.UNAVAILABLE), (21, Reason.CONNECT)])
async def test_many_addresses(listener: Listening, place: int, reason: Reason) -> None:
    """At most the first 20 addresses of a host are tried."""
    server = listener("421 busy")
    addresses = [f"127.0.9.{number}" for number in range(1, place)]  # where nobody listens

    def answer(reply: dns.message.Message) -> None:
        reply.answer.append(
            dns.rrset.from_text("many.test.", 60, "IN", "A", *addresses, "127.0.0.1")
        )

    async with name_server(answer) as resolver:
        options = {"host": "many.test", "port": server.port, "ip": "4", "tls": "none"}
        failure = await send(make_sender("smtp", options, resolver), probe_message(), new_run())
    assert failure
    assert failure.reason is reason


async def test_endless_answers(tmp_path: Path) -> None:
    """At most 256 KiB of an identity provider's response are read."""
    async with rig(tmp_path, instead=(200, "x" * 2 * MIB)) as here:
        error = await refusal(here.account())
    assert (error.reason, error.detail[-22:]) == (Reason.PROTOCOL, "sent more than 256 KiB")
