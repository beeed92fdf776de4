"""Files of a Maildir that are not the message itself, as Dovecot writes them (mu, issue 1272;
neomutt, issue 4675)."""

import bz2
import gzip
import lzma
import zlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mailboxes.maildir.packing import MOST_PACKED, unpacked
from exporter.mailboxes.maildir.zstd import zstd
from exporter.mailboxes.session import READ_LIMIT, ReportsUnreadable
from tests.support import virtual_time as virtual
from tests.support.maildir_rig import Maildir, found, message, opened, subjects
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.prober_rig import ProberRig

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "zstd, well": lambda raw: zstd.compress(raw, 19),
    "gzip, in pieces": lambda raw: gzip.compress(raw[:5]) + gzip.compress(raw[5:]),
    "bzip2, in pieces": lambda raw: bz2.compress(raw[:5]) + bz2.compress(raw[5:]),
    "zstd, in pieces": lambda raw: zstd.compress(raw[:5]) + zstd.compress(raw[5:]),
    "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
    "deflate": zlib.compress,
    "deflate, a little": lambda raw: zlib.compress(raw, 3),
    "deflate, badly": lambda raw: zlib.compress(raw, 0),
    "deflate, well": lambda raw: zlib.compress(raw, 9),
}
OID = bytes.fromhex("06092a864886f70d0107")  # of PKCS #7
LOCKED = {
    "CRYPTED": (
        b"CRYPTED\x03\x07\x02\x00\x00\x00\x01" + bytes(900),
        "it is encrypted (Dovecot's mail_crypt)",
    ),
    "LZ4": (b"Dovecot-LZ4\r\x2a\x9b\xc5" + bytes(90), "it is compressed with LZ4"),
    "gzip": (
        gzip.compress(b"Subject: x\n\n" * 99)[:-20] + bytes(30),
        "it seems to be compressed with gzip, but cannot be",
    ),
    "bzip2": (
        b"BZh91AY&SY" + bytes(50),
        "it seems to be compressed with bzip2, but cannot be unpacked",
    ),
    "xz": (b"\xfd7zXZ\0" + bytes(50), "it seems to be compressed with xz, but cannot be unpacked"),
    "zstd": (
        b"\x28\xb5\x2f\xfd" + b"\xff" * 50,
        "it seems to be compressed with zstd, but cannot be unpacked",
    ),
    "LZ4 of the command": (
        b"\x04\x22\x4d\x18\x64\x40\xa7" + bytes(90),
        "it is compressed with LZ4",
    ),
    "PGP": (
        b"-----BEGIN PGP MESSAGE-----\nVersion: GnuPG v2\n\nhQEMA0\n-----END",
        "it is encrypted with PGP as a whole",
    ),
    "PGP, CRLF": (
        b"\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA0\r\n",
        "it is encrypted with PGP as a whole",
    ),
    "PGP, bytes": (b"\x85\x01\x0c\x03" + b"k" * 99, "it is encrypted with PGP as a whole"),
    "PGP, short key": (b"\x84\x5e\x03" + b"k" * 99, "it is encrypted with PGP as a whole"),
    "PGP, new bytes": (b"\xc1\xc0\x4c\x03" + b"k" * 99, "it is encrypted with PGP as a whole"),
    "PGP, a passphrase": (b"\x8c\x0d\x04\x09" + b"k" * 99, "it is encrypted with PGP as a whole"),
    "age": (b"age-encryption.org/v1\n-> X25519 abc\n", "it is encrypted with age as a whole"),
    "age, armoured": (
        b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
        "it is encrypted with age as a whole",
    ),
    "S/MIME": (
        b"\x30\x82\x05\x39" + OID + b"\x03\xa0" + bytes(90),
        "it is encrypted or signed with S/MIME",
    ),
    "S/MIME, in pieces": (
        b"\x30\x80" + OID + b"\x03\xa0" + bytes(90),
        "it is encrypted or signed with S/MIME",
    ),
    "S/MIME, base64": (
        b64encode(b"\x30\x82\x05\x39" + OID + bytes(90)),
        "it is encrypted or signed with S/MIME",
    ),
    "S/MIME, base64 in pieces": (
        b64encode(b"\x30\x80" + OID + bytes(90)),
        "it is encrypted or signed with S/MIME",
    ),
    "S/MIME, PEM": (
        b"-----BEGIN PKCS7-----\nMIIF\n-----END PKCS7-----\n",
        "it is encrypted or signed with S/MIME",
    ),
    "OpenSSL": (b"Salted__\x01\x02" + bytes(90), "it is encrypted with OpenSSL"),
    "compress": (
        b"\x1f\x9d\x90" + bytes(90),
        "it is not text: perhaps it is encrypted, or compressed",
    ),
    "ZIP": (
        b"PK\x03\x04\x14" + bytes(90),
        "it is not text: perhaps it is encrypted, or compressed",
    ),
    "anything": (
        b"\x9e\xfa" + bytes(range(256)),
        "it is not text: perhaps it is encrypted, or compressed",
    ),
}


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "Maildir")


@pytest.mark.parametrize("kind", PACKED)
async def test_a_compressed_message_is_found_read_and_deleted(maildir: Maildir, kind: str) -> None:
    pack = PACKED[kind]
    maildir.deliver(pack(message("old")))
    async with opened(maildir.mailbox()) as session:
        (old,) = await session.scan()
        assert (subjects([old]), old.raw.endswith(b"\n\n")) == (["old"], True)
        maildir.deliver(pack(message("new", "Hello.\n" * 20_000)))
        (new,) = await found(session)
        assert (subjects([new]), len(new.raw), new.cut) == (["new"], READ_LIMIT, True)
        maildir.deliver(pack(message("short")))
        (short,) = await found(session)
        assert (short.raw, short.cut) == (message("short"), False)
        await session.delete([old, new, short])
        assert maildir.files() == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"BZh: a header\n\nx",
        b"x-a: b\n\n",
        b"\x1f\x8b",
        b"CRYPTED: no\n\n",
        b"",
        b"x\n",
        b"x^: a header that nobody writes but everybody may\n\nx",
        b"MIME-Version: 1.0\nSubject: -----BEGIN PGP MESSAGE\n\n",
        b"\xef\xbb\xbfFrom: a@example.org\nSubject: a message with a mark in front of it\n\nx",
        b"age-of-x: 1\n\n-----BEGIN AGE ENCRYPTED FILE-----\n",
        "Über: alles, was so schön mit einem Umlaut beginnt\n\n".encode(),
        b"PK: a header of a program that has short names, and a value\n\n",
    ],
)
async def test_what_only_looks_like_it_is_read_as_it_is(raw: bytes) -> None:
    assert unpacked(raw, lambda size: b"", READ_LIMIT) == raw


@pytest.mark.slow
async def test_of_a_bomb_as_much_is_unpacked_as_is_read() -> None:
    for pack in PACKED.values():
        assert unpacked(pack(bytes(10 << 20)), lambda size: b"", READ_LIMIT) == bytes(READ_LIMIT)


@pytest.mark.parametrize("kind", LOCKED)
async def test_what_cannot_be_read_is_named_and_left_alone(
    maildir: Maildir, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw, words = LOCKED[kind]
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        moment = run.now()
        assert session.unreadable_since(moment) is None
        maildir.deliver(raw)
        maildir.deliver(message("plain"))
        (plain,) = await found(session)
        assert words in str(session.unreadable_since(moment))
        assert session.unreadable_since(run.now()) is None
        assert words in "\n".join(run.transcript)
        assert words in caplog.text
        await session.delete([plain])
        assert [content for content, _ in maildir.files().values()] == [raw]


async def test_what_was_there_before_is_logged_and_blamed_for_nothing(
    maildir: Maildir, caplog: pytest.LogCaptureFixture
) -> None:
    maildir.deliver(LOCKED["CRYPTED"][0])
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        assert await session.scan() == []
        assert session.unreadable_since(run.started) is None
        assert "it is encrypted" in caplog.text


def test_only_so_much_of_a_file_is_read() -> None:
    """The name in a header of gzip may go on without end, and unpacks to nothing."""
    asked = 0

    def more(size: int) -> bytes:
        nonlocal asked
        asked += size
        return b"x" * size

    assert unpacked(b"\x1f\x8b\x08\x08" + bytes(6) + b"x", more, READ_LIMIT) == b""
    assert asked <= MOST_PACKED + READ_LIMIT


class UnreadableMessage(PretendMailbox):
    """What comes cannot be read."""

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> "IllegibleSession":
        await super().open(trace, wanted)
        return IllegibleSession(self, trace)


class IllegibleSession(PretendSession, ReportsUnreadable):
    def unreadable_since(self, moment: float) -> ProbeError | None:
        encrypted = ProbeError(Reason.UNAVAILABLE, "it is encrypted")
        return encrypted if self._mailbox.messages else None


def test_a_trip_whose_message_may_have_come_does_not_blame_the_delivery() -> None:
    async def course() -> None:
        rig = ProberRig(mailbox=UnreadableMessage())
        rig.sender.on_the_way = lambda raw: b"CRYPTED"
        outcome = await rig.trip()
        assert outcome.failure
        assert (outcome.failure.phase, outcome.failure.reason) == (
            Phase.DELIVER,
            Reason.UNAVAILABLE,
        )
        assert (
            outcome.failure.detail
            == "a message arrived in mailbox monitor, perhaps the one sent, but cannot be read: it"
            " is encrypted"
        )
        assert outcome.legs == {Leg.MAILBOX: False, Leg.SEND: True}
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("folder", ["", ".Junk"])
async def test_what_is_deleted_is_taken_out_of_maildirsize(maildir: Maildir, folder: str) -> None:
    """maildirquota(7), as Courier's deliverquota and maildrop count."""
    maildir.make(".Junk")
    quota = maildir.path / "maildirsize"
    quota.write_text("1000000S\n5000 10\n")
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("hello"), folder)
        sightings = await found(session)
        maildir.read(name, "S", folder)
        await session.delete(sightings)
    assert quota.read_text() == f"1000000S\n5000 10\n-{len(message('hello'))} -1\n"


async def test_the_size_in_the_name_counts(maildir: Maildir) -> None:
    quota = maildir.path / "maildirsize"
    quota.write_text("1000000S\n")
    async with opened(maildir.mailbox()) as session:
        (maildir.path / "new" / "1700000000.M1P2.host,S=907,W=930").write_bytes(
            gzip.compress(message("hello"))
        )
        await session.delete(await found(session))
    assert quota.read_text() == "1000000S\n-907 -1\n"


async def test_what_is_in_the_trash_never_counted(maildir: Maildir) -> None:
    maildir.make(".Trash")
    quota = maildir.path / "maildirsize"
    quota.write_text("1000000S\n")
    async with opened(maildir.mailbox(folders=["INBOX", "Trash"])) as session:
        maildir.deliver(message("hello"), ".Trash")
        await session.delete(await found(session))
    assert quota.read_text() == "1000000S\n"


@pytest.mark.parametrize("kind", ["none", "link", "directory"])
async def test_where_there_is_no_maildirsize_none_is_made(
    maildir: Maildir, tmp_path: Path, kind: str
) -> None:
    quota, other = maildir.path / "maildirsize", tmp_path / "other"
    other.write_text("")
    if kind == "link":
        quota.symlink_to(other)
    elif kind == "directory":
        quota.mkdir()
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("hello"))
        await session.delete(await found(session))
    assert maildir.files() == {}
    assert other.read_text() == ""
    assert quota.exists() == (kind in ("link", "directory"))


@pytest.mark.parametrize("separator", [":", "!", ";"])
async def test_flags_are_told_apart_from_the_name_wherever_they_stand(
    maildir: Maildir, separator: str
) -> None:
    """offlineimap and isync write others than a colon where a file system does not have it."""
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("hello"))
        (sighting,) = await found(session)
        (maildir.path / "new" / name).rename(maildir.path / "cur" / f"{name}{separator}2,S")
        assert await session.scan() == []
        await session.delete([sighting])
        assert maildir.files() == {}
