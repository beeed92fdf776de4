"""A Maildir of real files, in other hands and a real Dovecot's: found, timed, deleted, nothing else touched."""

import asyncio
import contextlib
import imaplib
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import ValidationError

from exporter.mailboxes.maildir import MaildirMailbox, MaildirOptions, MaildirSession
from exporter.mailboxes.maildir_files import READ_LIMIT
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher import Watcher
from exporter.message import FoundIn, compose
from exporter.model import ProbeError, Reason, Step
from exporter.net.dns import Resolver
from exporter.run import Clock, Run
from exporter.tokens import Mint
from tests.lab.client import LabUser

LONG = 60.0
_numbers = count(1)


def message(subject: str, body: str = "Hello.\n") -> bytes:
    return f"From: <a@lab.test>\nTo: <b@lab.test>\nSubject: {subject}\n\n{body}".encode()


def subjects(sightings: list[Sighting]) -> list[str]:
    lines = [line for sighting in sightings for line in sighting.raw.decode().splitlines()]
    return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]


class Maildir:
    """A Maildir, and what delivering programs and mail readers do with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self.make()

    def make(self, folder: str = "") -> None:
        for name in ("cur", "new", "tmp"):
            (self.path / folder / name).mkdir(parents=True, exist_ok=True)

    def deliver(self, raw: bytes, folder: str = "", *, second: int = 1_700_000_000) -> str:
        """Writes into tmp and links into new, as the specification has it. Returns the name."""
        name = f"{second}.M{next(_numbers)}P7.host"
        draft = self.path / folder / "tmp" / name
        draft.write_bytes(raw)
        os.link(draft, self.path / folder / "new" / name)
        draft.unlink()
        return name

    def read(self, name: str, flags: str = "S", folder: str = "") -> Path:
        """Moves a message from new to cur, or gives it other flags."""
        (old,) = [*self.path.glob(f"{folder or '.'}/new/{name}*"), *self.path.glob(f"{folder or '.'}/cur/{name}*")]
        return old.rename(self.path / folder / "cur" / f"{name}:2,{flags}")

    def files(self) -> dict[str, tuple[bytes, int]]:
        """The messages: path, content, mtime."""
        found = [file for file in self.path.rglob("*") if file.is_file() and file.parent.name in ("new", "cur")]
        return {str(file.relative_to(self.path)): (file.read_bytes(), file.stat().st_mtime_ns) for file in found}

    def mailbox(self, **options: object) -> MaildirMailbox:
        return MaildirMailbox(MaildirOptions.model_validate({"path": str(self.path), **options}), Resolver())


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "Maildir")


@asynccontextmanager
async def opened(mailbox: MaildirMailbox, run: Run | None = None) -> AsyncIterator[MaildirSession]:
    session = await mailbox.open(run or Run(Clock()), lambda raw: True)
    try:
        yield session
        await session.close()
    finally:
        session.abort()


async def found(session: MaildirSession, number: int = 1, seconds: float = LONG) -> list[Sighting]:
    """Scans until there are so many messages; in between it waits as long as `seconds`."""
    sightings: list[Sighting] = []
    while len(sightings) < number:
        sightings += await session.scan()
        if len(sightings) < number:
            await session.wait(seconds, asyncio.Event())
    return sightings


async def refusal(mailbox: MaildirMailbox) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await mailbox.open(Run(Clock()), lambda raw: True)
    return caught.value


# ------------------------------------------------------------ found, timed, deleted


async def test_a_message_is_found_timed_and_deleted(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        assert await session.scan() == []
        before = run.now()
        maildir.deliver(message("hello"))
        (sighting,) = await session.scan()
        assert (subjects([sighting]), sighting.folder, sighting.watched) == (["hello"], "INBOX", True)
        assert before < sighting.seen_at < run.now()
        assert session.messages == 1
        await session.delete([sighting])
        assert maildir.files() == {}
        assert await session.scan() == []
        assert session.messages == 0
    assert [span.step for span in run.spans] == [Step.SELECT, Step.FETCH, Step.DELETE]


async def test_the_kernel_tells_of_a_message_and_of_its_moment(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        waiting = asyncio.ensure_future(session.wait(LONG, asyncio.Event()))
        await asyncio.sleep(0)
        maildir.deliver(message("hello"))
        await waiting
        told = run.now()
        (sighting,) = await session.scan()
        assert sighting.seen_at <= told


async def test_without_inotify_a_message_is_found_by_looking(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        session.abort()  # the kernel tells no more
        assert await session.scan() == []
        maildir.deliver(message("hello"))
        assert subjects(await found(session, seconds=0.01)) == ["hello"]


async def test_waking_ends_the_wait(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        wake = asyncio.Event()
        asyncio.get_running_loop().call_soon(wake.set)
        await session.wait(LONG, wake)


async def test_messages_under_way_in_tmp_are_not_looked_at(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        (maildir.path / "tmp" / "1.half.host").write_bytes(message("half"))
        (maildir.path / "new" / ".hidden").write_bytes(message("hidden"))
        assert await session.scan() == []


async def test_a_message_is_seen_once_though_a_reader_moves_and_flags_it(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("hello"))
        (sighting,) = await session.scan()
        for flags in ("", "S", "RS", "FRST"):
            maildir.read(name, flags)
            assert await session.scan() == []
        assert session.messages == 1
        await session.delete([sighting])
        assert maildir.files() == {}


async def test_a_message_that_a_reader_moved_before_we_looked_keeps_its_moment(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        waiting = asyncio.ensure_future(session.wait(LONG, asyncio.Event()))
        await asyncio.sleep(0)
        name = maildir.deliver(message("hello"))
        await waiting
        told = run.now()
        maildir.read(name)
        await asyncio.sleep(0.01)
        (sighting,) = await session.scan()
        assert sighting.watched
        assert sighting.seen_at <= told


async def test_a_reader_that_is_always_quicker_hides_nothing(maildir: Maildir) -> None:
    """Every message is moved and flagged while we list, read and delete."""
    names = [f"message {number}" for number in range(300)]

    def traffic() -> None:
        for subject in names:
            delivered = maildir.deliver(message(subject))
            for flags in ("", "S", "FS"):
                with contextlib.suppress(ValueError, FileNotFoundError):  # we have deleted it
                    maildir.read(delivered, flags)

    async with opened(maildir.mailbox()) as session:
        moving = asyncio.create_task(asyncio.to_thread(traffic))
        sightings: list[Sighting] = []
        while len(sightings) < len(names):
            some = await session.scan()
            await session.delete(some)
            sightings += some
            await session.wait(0.01, asyncio.Event())
        await moving
        assert sorted(subjects(sightings)) == sorted(names)
        assert all(sighting.watched for sighting in sightings)
        assert await session.scan() == []
        assert maildir.files() == {}


async def test_a_long_message_is_read_in_part_and_still_deleted(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("long", "x" * 200_000))
        (sighting,) = await session.scan()
        assert len(sighting.raw) == READ_LIMIT
        await session.delete([sighting])
        assert maildir.files() == {}


# ------------------------------------------------------------ what was there before


async def test_the_newest_thousand_of_older_messages_are_looked_at_bit_by_bit_header_only(maildir: Maildir) -> None:
    for number in range(1200):
        maildir.deliver(message(f"old {number}"), second=1_600_000_000 + number)
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("new"))
        first = await session.scan()
        assert subjects(first)[:2] == ["new", "old 1199"]
        assert [sighting.watched for sighting in first] == [True] + [False] * 100
        assert first[1].raw == b"From: <a@lab.test>\nTo: <b@lab.test>\nSubject: old 1199\n\n"
        rest = await found(session, 900)
        assert subjects(rest)[-1] == "old 200"
        assert await session.scan() == []
        await session.delete([rest[-1]])
    assert len(maildir.files()) == 1200
    assert "Subject: old 200\n" not in "".join(content.decode() for content, _ in maildir.files().values())


async def test_a_later_session_goes_on_where_the_last_one_ended(maildir: Maildir) -> None:
    mailbox = maildir.mailbox()
    for number in range(150):
        maildir.deliver(message(f"old {number}"))
    async with opened(mailbox) as session:
        assert len(await session.scan()) == 100
    maildir.deliver(message("between"))
    async with opened(mailbox) as session:
        maildir.deliver(message("watched"))
        sightings = await found(session, 52)
        watched = {subject: one.watched for one in sightings for subject in subjects([one])}
        assert (watched["between"], watched["watched"]) == (False, True)
        assert all(one.raw.endswith(b"Hello.\n") for one in sightings if "old" not in subjects([one])[0])
        assert await session.scan() == []


async def test_of_many_new_messages_the_oldest_come_first_and_nobody_waits_before_the_rest(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        for number in range(250):
            maildir.deliver(message(f"{number}"), second=1_700_000_000 + number)
        seen = []
        for expected in (100, 100, 50):
            seen.append(await session.scan())
            assert len(seen[-1]) == expected
            if len(seen) < 3:
                await session.wait(LONG, asyncio.Event())
        assert [int(subject) for chunk in seen for subject in subjects(chunk)] == list(range(250))


async def test_ten_thousand_messages_of_others_stay_as_they_are(maildir: Maildir) -> None:
    for number in range(10_000):
        file = maildir.path / "new" / maildir.deliver(message(f"theirs {number}"))
        if number % 2:
            os.utime(file, ns=(10**18, 10**18 + number))
            file.rename(maildir.path / "cur" / f"{file.name}:2,FS")
    before = maildir.files()
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("ours"))
        sightings = await found(session, 1001)
        assert session.messages == 10_001
        await session.delete([sightings[0]])
        assert subjects(sightings[:1]) == ["ours"]
    assert maildir.files() == before


# ------------------------------------------------------------ deleting


async def test_a_message_that_is_gone_already_is_no_mistake(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("hello"))
        sightings = await session.scan()
        (maildir.path / "new" / name).unlink()
        await session.delete(sightings)


async def test_what_is_no_longer_what_was_seen_is_not_deleted(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        name = maildir.deliver(message("ours"))
        sightings = await session.scan()
        (maildir.path / "new" / name).write_bytes(message("somebody else's"))
        await session.delete(sightings)
        assert [content for content, _ in maildir.files().values()] == [message("somebody else's")]
        assert "is not what was seen, and stays" in "\n".join(run.transcript)


async def test_of_two_files_with_one_unique_name_the_right_one_is_deleted(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("ours"))
        sightings = await session.scan()
        other = maildir.path / "cur" / f"{name},S=12:2,S"
        other.write_bytes(message("theirs"))
        await session.delete(sightings)
        assert list(maildir.files()) == [str(other.relative_to(maildir.path))]


async def test_symbolic_links_are_neither_read_nor_deleted(maildir: Maildir, tmp_path: Path) -> None:
    elsewhere = Maildir(tmp_path / "elsewhere")
    name = elsewhere.deliver(message("elsewhere"))
    async with opened(maildir.mailbox()) as session:
        (maildir.path / "new" / "1.link.host").symlink_to(elsewhere.path / "new" / name)
        (maildir.path / ".Junk").symlink_to(elsewhere.path)
        (maildir.path / "new" / "1.directory.host").mkdir()
        os.mkfifo(maildir.path / "new" / "1.pipe.host")
        assert await session.scan() == []
        ours = maildir.deliver(message("ours"))
        (sighting,) = await session.scan()
        (maildir.path / "new" / ours).unlink()
        (maildir.path / "new" / ours).symlink_to(elsewhere.path / "new" / name)
        await session.delete([sighting])
    assert (maildir.path / "new" / ours).is_symlink()
    assert len(elsewhere.files()) == 1


# ------------------------------------------------------------ folders


@pytest.mark.parametrize(
    "name", [".Junk", ".Spam", ".INBOX.Junk", ".Junk E-Mail", ".Courrier ind&AOk-sirable", ".Спам"]
)
async def test_junk_is_known_by_many_names(maildir: Maildir, name: str) -> None:
    maildir.make(name)
    maildir.make(".Spamassassin")
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("not looked for"), ".Spamassassin")
        maildir.deliver(message("cheap"), name)
        (sighting,) = await session.scan()
        assert subjects([sighting]) == ["cheap"]
        assert session.messages == 0
        await session.delete([sighting])
        assert list((maildir.path / name / "new").iterdir()) == []


async def test_a_folder_for_junk_that_is_made_later_is_found(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        assert await session.scan() == []
        maildir.make(".Junk")
        maildir.deliver(message("cheap"), ".Junk")
        (sighting,) = await session.scan()
        assert (sighting.folder, sighting.watched) == ("Junk", True)
        waiting = asyncio.ensure_future(session.wait(LONG, asyncio.Event()))
        await asyncio.sleep(0)
        maildir.deliver(message("and more"), ".Junk")
        await waiting
        assert subjects(await found(session)) == ["and more"]


async def test_folders_are_written_as_people_know_them(maildir: Maildir) -> None:
    maildir.make(".Archiv.Entw&APw-rfe")
    async with opened(maildir.mailbox(folders=["Archiv/Entwürfe", "inbox"])) as session:
        maildir.deliver(message("filed"), ".Archiv.Entw&APw-rfe")
        (sighting,) = await session.scan()
        assert sighting.folder == "Archiv.Entwürfe"
        assert session.messages == 1


async def test_a_folder_that_is_not_there_is_named(maildir: Maildir) -> None:
    error = await refusal(maildir.mailbox(folders=["INBOX", "../Archive"]))
    assert error.reason is Reason.UNAVAILABLE
    assert f"{maildir.path} has no folder ../Archive" in error.detail
    assert "none of the folders" in (await refusal(maildir.mailbox(folders=["\\Junk"]))).detail


def test_a_special_folder_other_than_junk_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="the only special folder of a Maildir is"):
        MaildirOptions.model_validate({"path": "/nowhere", "folders": ["\\Sent"]})


# ------------------------------------------------------------ trouble


async def test_a_missing_maildir_is_tried_again(tmp_path: Path) -> None:
    error = await refusal(MaildirMailbox(MaildirOptions(path=str(tmp_path / "none")), Resolver()))
    assert (error.reason, error.code) == (Reason.UNAVAILABLE, "ENOENT")
    assert error.detail == (
        f"{tmp_path}/none: no such file or directory; a Maildir is a directory that holds new and cur; is it mounted?"
    )


async def test_a_directory_that_is_no_maildir_is_named(tmp_path: Path) -> None:
    error = await refusal(MaildirMailbox(MaildirOptions(path=str(tmp_path)), Resolver()))
    assert (error.reason, error.detail.partition(":")[0]) == (Reason.UNAVAILABLE, f"{tmp_path}/new")


async def test_a_file_in_place_of_a_maildir_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mbox").write_text("From someone\n")
    error = await refusal(MaildirMailbox(MaildirOptions(path=str(tmp_path / "mbox")), Resolver()))
    assert (error.reason, error.code) == (Reason.REJECTED, "ENOTDIR")


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, if we have them."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("mode", "words"), [(0o000, "Maildir: permission denied"), (0o555, "new: no permission to")])
async def test_a_maildir_that_we_may_not_read_or_not_delete_in_is_refused(mode: int, words: str) -> None:
    with TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        maildir = Maildir(Path(directory) / "Maildir")
        (maildir.path / "new").chmod(mode or 0o755)
        maildir.path.chmod(mode or 0o000)
        with nobody():
            error = await refusal(maildir.mailbox())
            assert error.reason is Reason.REJECTED
            assert words in error.detail
            assert f"the user with the id {os.geteuid()} must be allowed" in error.detail
        maildir.path.chmod(stat.S_IRWXU)
        (maildir.path / "new").chmod(stat.S_IRWXU)


async def test_a_message_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    with TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        maildir = Maildir(Path(directory) / "Maildir")
        (maildir.path / "new").chmod(0o777)
        (maildir.path / "cur").chmod(0o777)
        with nobody():
            session = await maildir.mailbox().open(Run(Clock()), lambda raw: True)
        secret = maildir.deliver(message("secret"))
        (maildir.path / "new" / secret).chmod(0o000)
        maildir.deliver(message("hello"))
        with nobody():
            assert subjects(await session.scan()) == ["hello"]
        session.abort()
    assert f"a message cannot be read: ./new/{secret}: Permission denied" in caplog.text


async def test_a_maildir_that_vanishes_is_noticed_at_once(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        assert await session.scan() == []
        waiting = asyncio.ensure_future(session.wait(LONG, asyncio.Event()))
        await asyncio.sleep(0)
        shutil.rmtree(maildir.path)
        await waiting
        with pytest.raises(ProbeError) as caught:
            await session.scan()
    assert caught.value.reason is Reason.UNAVAILABLE
    assert run.failure(caught.value).step is Step.IDLE


async def test_a_maildir_put_in_place_of_another_is_watched(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        maildir.path.rename(maildir.path.parent / "old")
        maildir.make()
        await session.wait(LONG, asyncio.Event())
        assert await session.scan() == []
        waiting = asyncio.ensure_future(session.wait(LONG, asyncio.Event()))
        await asyncio.sleep(0)
        maildir.deliver(message("hello"))
        await waiting
        assert subjects(await session.scan()) == ["hello"]


async def test_a_directory_whose_time_stamp_does_not_change_is_read_again_after_a_while(maildir: Maildir) -> None:
    """As on file systems that do not keep it. What was seen late by then says so."""
    now = 1000.0
    async with opened(maildir.mailbox(), Run(Clock(monotonic=lambda: now))) as session:
        new = maildir.path / "new"
        for _ in range(2):
            assert await session.scan() == []
            now += 5
        stamp = new.stat().st_mtime_ns
        session.abort()
        maildir.deliver(message("hello"))
        os.utime(new, ns=(stamp, stamp))
        assert await session.scan() == []
        now += 10
        (sighting,) = await session.scan()
        assert sighting.lag > 10
        assert sighting.delay_since(now - 20) is None


# ------------------------------------------------------------ with others


async def test_two_sessions_on_one_maildir_do_not_disturb_each_other(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as one, opened(maildir.mailbox()) as other:
        maildir.deliver(message("hello"))
        ours, theirs = await found(one), await found(other)
        await one.delete(ours)
        await other.delete(theirs)
        assert maildir.files() == {}


@pytest.fixture
def of_dovecot(lab_user: LabUser) -> Maildir:
    """A Maildir with one message of somebody else; Dovecot makes its directories at the first delivery."""
    lab_user.deliver(message("somebody else's").replace(b"\n", b"\r\n"))
    return Maildir(lab_user.maildir)


@contextmanager
def reader(user: LabUser) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(user.lab.imap_ip, 143) as client:
        client.login(user.name, user.lab.password)
        yield client


async def test_dovecot_delivers_and_moves_what_we_find(of_dovecot: Maildir, lab_user: LabUser) -> None:
    """A mail reader selects and flags over and over while messages come and go."""
    names = [f"message {number}" for number in range(40)]
    done = asyncio.Event()

    def reading() -> None:
        with reader(lab_user) as client:
            while not done.is_set():
                client.select("INBOX")
                client.store("1:*", "+FLAGS", "(\\Seen \\Flagged)")
                client.close()

    def delivering() -> None:
        for subject in names:
            lab_user.deliver(message(subject).replace(b"\n", b"\r\n"))

    async with opened(of_dovecot.mailbox()) as session:
        (theirs,) = await session.scan()
        others = asyncio.gather(asyncio.to_thread(reading), asyncio.to_thread(delivering))
        sightings: list[Sighting] = []
        try:
            while len(sightings) < len(names):
                some = await session.scan()
                await session.delete(some)
                sightings += some
                await session.wait(0.05, asyncio.Event())
        finally:
            done.set()
            await others
        assert sorted(subjects(sightings)) == sorted(names)
        assert await session.scan() == []
        assert [mail.content for mail in lab_user.mails()] == [theirs.raw + b"Hello.\n"]


async def test_a_whole_trip_goes_through_the_watcher(of_dovecot: Maildir, lab_user: LabUser) -> None:
    mint = Mint(b"k" * 32)
    here = Watcher("local", of_dovecot.mailbox(), mint, Clock(), 20, lambda token, sighting: 0)
    token, run = mint.mint(0), Run(Clock(), session_timeout=20)
    try:
        with here.expect(token.trip, run) as expected:
            await expected.ready()
            raw = compose(token, "probe@lab.test", lab_user.address, 0).raw
            sent = run.now()
            await asyncio.to_thread(lab_user.deliver, raw)
            run.accept()
            got = await expected.arrival()
            await expected.delete()
        assert (got.token.trip, got.found_in, got.sighting.folder) == (token.trip, FoundIn.HEADER, "INBOX")
        assert got.sighting.watched
        assert sent < got.sighting.seen_at
        assert got.sighting.delay_since(run.accepted) is not None
        (left,) = lab_user.mails()
        assert b"somebody else's" in left.content
        assert (here.statistics.messages, here.statistics.deleted) == (2, 1)
    finally:
        await here.close()
