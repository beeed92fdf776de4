"""What a token is worth: to mailtrip, to whoever forges one, and to whoever has seen one."""

import ast
import asyncio
import base64
import hmac
import inspect
import stat
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.token_key import load_key
from exporter.mail import tokens
from exporter.mail.tokens import (
    Mint,
    NotOurs,
    Rejection,
    candidates,
    without_tokens,
)
from tests.security.conftest import Start
from tests.security.test_receiver import OWN
from tests.support import virtual_time as virtual
from tests.support.answers import header
from tests.support.http_site import GOOD, site
from tests.support.ports import free_port
from tests.support.pretend import PretendMailbox
from tests.support.prober_rig import ProberRig

pytestmark = pytest.mark.slow

KEY = b"k" * 32
SENT_AT = 1_700_000_000


def unpacked(word: str) -> tuple[bytes, int, bytes, bytes]:
    """Number of the key, moment, trip, signature."""
    raw = base64.b32decode(word.removeprefix("mtrip1").upper())
    return raw[:4], int.from_bytes(raw[4:8]), raw[8:15], raw[15:]


def test_what_is_in_a_token() -> None:
    """A token contains a number that identifies the key (4 bytes), its time in seconds (4), the
    trip (7, all random) and the signature (15), and nothing else: no address and no name."""
    one, other = (Mint(KEY).mint(SENT_AT + 0.9) for _ in range(2))
    number, moment, trip, signature = unpacked(one.word)
    assert number == sha256(b"mailtrip instance\0" + KEY).digest()[:4] == unpacked(other.word)[0]
    assert (moment, trip.hex(), len(signature)) == (SENT_AT, one.trip, 15)
    assert trip != unpacked(other.word)[2]
    assert len(one.word) == len("mtrip1") + (4 + 4 + 7 + 15) * 8 // 5


def test_the_signature() -> None:
    """The signature is HMAC-SHA-256 over the other fields, truncated to 120 bits, and compared
    in constant time."""
    number, moment, trip, signature = unpacked(Mint(KEY).mint(SENT_AT).word)
    assert signature == hmac.new(KEY, number + moment.to_bytes(4) + trip, sha256).digest()[:15]
    verify = ast.parse(
        inspect.getsource(tokens.Mint.verify).replace("    def", "def", 1).replace("\n    ", "\n")
    )
    assert not [node for node in ast.walk(verify) if isinstance(node, ast.Compare)]
    assert ast.unparse(verify).count("hmac.compare_digest") == 2


def test_the_key(start: Start, tmp_path: Path) -> None:
    """The key has 256 random bits. It is generated at the first start and stored in
    `state.dir`, in `token.key`, readable only by mailtrip's user (0600), or it is set by
    `state.token_key`."""
    exporter = start(OWN.format(port=free_port()))
    file = tmp_path / "mailtrip-0/state/token.key"
    key = load_key(file)
    assert (
        len(key),
        stat.S_IMODE(file.stat().st_mode),
        stat.S_IMODE(file.parent.stat().st_mode),
    ) == (32, 0o600, 0o700)
    assert load_key(tmp_path / "another") != key
    assert key.hex() not in exporter.get("/config") + exporter.get("/") + exporter.log.read_text()
    given = start(f"state: {{token_key: {KEY.hex()}}}\n{OWN.format(port=free_port())}")
    assert not (tmp_path / "mailtrip-1/state/token.key").exists()
    assert KEY.hex() not in given.get("/config")


def test_forgeries() -> None:
    """A token with one changed letter, or signed with another key, is invalid, and a message
    with fifty invalid tokens before a valid one is not searched further."""
    word = Mint(KEY).mint(SENT_AT).word
    for place in range(len("mtrip1"), len(word)):
        changed = word[:place] + ("a" if word[place] != "a" else "b") + word[place + 1 :]
        with pytest.raises(NotOurs):
            Mint(KEY).verify(changed)
    for key in (b"x" * 32, KEY + b"\0", KEY[:-1] + b"l"):
        with pytest.raises(NotOurs) as caught:
            Mint(KEY).verify(Mint(key).mint(SENT_AT).word)
        assert caught.value.why is Rejection.FOREIGN_INSTANCE
    false = " ".join(
        Mint(b"x" * 32).mint(SENT_AT + number).word for number in range(tokens.MAX_CANDIDATES)
    )
    assert word not in candidates(f"{false} {word}")


@virtual.on_a(ProberRig)
async def test_strange_tokens_in_a_mailbox(rig: ProberRig) -> None:
    """A message whose token is forged, or belongs to another mailtrip, is left unchanged in the
    mailbox, ends no trip, and counts in `mailtrip_tokens_rejected_total`."""
    rig.sender.on_the_way = lambda raw: raw.replace(candidates(raw.decode())[0].encode(), foreign)
    foreign = Mint(b"x" * 32).mint(SENT_AT).word.encode()
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason == "overdue"
    assert len(rig.mailbox.messages) == 1
    assert dict(rig.watchers["monitor"].statistics.rejected) == {Rejection.FOREIGN_INSTANCE: 1}


@virtual.on_a(ProberRig)
async def test_replay_under_way(rig: ProberRig) -> None:
    """An attacker who sees a message in transit can send another one with its token. Until the
    trip is over, that message is accepted as ours if its text is intact; such an attacker could
    also delay or deliver our message."""
    rig.sender.delay = None
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(100)
    (raw,) = rig.sender.sent
    rig.mailbox.deliver(raw.replace(b"probe@example.org", b"thief@example.org"))
    outcome = await flight
    assert outcome.failure
    assert outcome.failure.reason == "altered"
    again = rig.prober.start(rig.probe)
    await asyncio.sleep(100)
    rig.mailbox.deliver(b"Received: from elsewhere\r\n" + rig.sender.sent[1])
    assert (await again).success


@virtual.on_a(ProberRig)
async def test_replay_afterwards(rig: ProberRig) -> None:
    """After the trip, its token has no effect: a message with it counts as a duplicate and is
    deleted, the result of the trip does not change, and no other trip ends."""
    outcome = await rig.trip()
    assert outcome.success
    rig.sender.delay = None
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(50)
    rig.mailbox.deliver(rig.sender.sent[0])
    later = await flight
    assert later.failure
    assert later.failure.reason == "overdue"
    assert rig.series()["mailtrip_duplicates_total"] == 1
    assert rig.mailbox.messages == {}
    assert await rig.store.outcome(outcome.trip) == outcome


@virtual.on_a(ProberRig)
async def test_replay_long_afterwards(rig: ProberRig) -> None:
    """A token that is no longer known, after `late_after` and the retention of the state, has
    no effect either; its message is deleted when it is older than an hour."""
    other = ProberRig(mailbox=PretendMailbox(), key=KEY)
    other.sender.delay = None
    await other.trip()
    await asyncio.sleep(4000)
    rig.mailbox.deliver(other.sender.sent[0])
    assert (await rig.trip()).success
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}
    assert rig.series()["mailtrip_duplicates_total"] == 0
    await other.close()


async def test_tokens_on_the_web() -> None:
    """So no token appears on a page or in `debug=true`, even if a server repeats it."""
    async with site(delay=None) as here:
        here.rig.sender.says = lambda raw: [f"250 taken {candidates(raw.decode())[0].upper()}"]
        scraping = asyncio.create_task(here.get(GOOD, X_Prometheus_Scrape_Timeout_Seconds="1"))
        while not here.rig.sender.sent:
            await asyncio.sleep(0.01)
        (trip,) = (trip for one in here.probes for trip in one.flights)
        pages = [
            (await here.get(path))[1]
            for path in (
                "/",
                f"/trips/{trip}",
                f"{GOOD}&debug=true",
                "/metrics",
                f"/api/v1/trips/{trip}",
                "/api/v1/probes",
            )
        ]
        assert sum("token&gt;" in page or "<token>" in page for page in pages) == 3
        assert not any("mtrip1" in page.lower() for page in pages)
        await scraping


def test_the_address_of_a_trip() -> None:
    """The part of an address that replaces `{trip}` in `from` contains the time (4 bytes), the trip
    (7) and an HMAC-SHA-256 of both for this purpose alone, truncated to 72 bits. Without the key it
    cannot be made from the trip's ID on a page, and no token can be made from it. It appears on no
    page."""
    token = Mint(KEY).mint(SENT_AT)
    raw = base64.b32decode(token.address_part.removeprefix("mtrip1").upper())
    named, signature = raw[:11], raw[11:]
    assert named == SENT_AT.to_bytes(4) + bytes.fromhex(token.trip)
    instance = sha256(b"mailtrip instance\0" + KEY).digest()[:4]
    made_for = b"mailtrip address\0" + instance + named
    assert signature == hmac.new(KEY, made_for, sha256).digest()[:9]
    assert signature != hmac.new(KEY, instance + named, sha256).digest()[:9]
    for place in range(len("mtrip1"), len(token.address_part)):
        letter = "a" if token.address_part[place] != "a" else "b"
        with pytest.raises(NotOurs):
            Mint(KEY).verify_address(
                token.address_part[:place] + letter + token.address_part[place + 1 :]
            )
    with pytest.raises(NotOurs):
        Mint(b"x" * 32).verify_address(token.address_part)
    shown = without_tokens(f"MAIL FROM:<probe+{token.address_part.upper()}@example.org>")
    assert shown == "MAIL FROM:<probe+<token>@example.org>"


ADDRESSED: dict[str, Any] = {"from": "probe+{trip}@example.org"}


@virtual.on_a(partial(ProberRig, **ADDRESSED))
async def test_other_mail_to_the_address_of_a_trip(rig: ProberRig) -> None:
    """Without a token, mail to such an address is used only if it is a bounce or an answer: it
    never counts as the arrival of the message itself, and other mail to the address is left
    unchanged."""
    rig.sender.on_the_way = lambda raw: (
        f"To: {header(raw, 'From')}\r\nSubject: mailtrip\r\n\r\n".encode()
        + without_tokens(raw.partition(b"\r\n\r\n")[2].decode()).encode()
    )
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason == "overdue"
    assert len(rig.mailbox.messages) == 1


@virtual.on_a(ProberRig)
async def test_another_key(rig: ProberRig) -> None:
    """After a change of the key (remove `token.key`, or change `state.token_key`, and restart)
    all tokens of the old key are foreign: messages in transit stay in the mailbox, and their
    trips are overdue."""
    old = ProberRig(mailbox=rig.mailbox, key=b"o" * 32)
    old.sender.delay = None
    old.prober.start(old.probe)
    await asyncio.sleep(10)
    await old.close()
    rig.mailbox.deliver(old.sender.sent[0])
    assert (await rig.trip()).success
    await asyncio.sleep(4000)
    assert (await rig.trip()).success
    assert [raw for raw, _ in rig.mailbox.messages.values()] == old.sender.sent
