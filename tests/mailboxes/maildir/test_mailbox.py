"""A Maildir of real files: every message found once, timed and deleted, and nothing else
touched."""

import asyncio
import contextlib
import gc
import os
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from exporter.core.steps import Step
from exporter.core.threads import Worker
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.maildir.files import INBOX, MaildirFiles
from exporter.mailboxes.maildir.folder import Folder
from exporter.mailboxes.maildir.mailbox import MaildirSession
from exporter.mailboxes.session import READ_LIMIT, Sighting
from tests.support.maildir_rig import LONG, Maildir, found, message, opened, subjects


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "Maildir")


async def test_a_message_is_found_timed_and_deleted(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        assert await session.scan() == []
        before = run.now()
        maildir.deliver(message("hello"))
        (sighting,) = await session.scan()
        assert (subjects([sighting]), sighting.folder, sighting.watched) == (
            ["hello"],
            "INBOX",
            True,
        )
        assert not sighting.junk
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
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
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


async def test_a_reader_that_flags_what_is_known_does_not_wake_us(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("hello"))
        await session.scan()
        await session.wait(0.01, Wake())
        await session.scan()
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await asyncio.sleep(0)
        maildir.read(name, "FS")
        await asyncio.sleep(0.02)
        assert not waiting.done()
        maildir.deliver(message("news"))
        await waiting


async def test_a_message_that_a_reader_moved_before_we_looked_keeps_its_moment(
    maildir: Maildir,
) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
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
            await session.wait(0.01, Wake())
        await moving
        assert sorted(subjects(sightings)) == sorted(names)
        assert all(sighting.watched for sighting in sightings)
        assert await session.scan() == []
        assert maildir.files() == {}


async def test_a_scan_that_is_given_up_loses_nothing(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        for number in range(20):
            maildir.deliver(message(f"{number}"))
            scan = asyncio.create_task(session.scan())
            await asyncio.sleep(number / 10_000)
            if not scan.cancel():
                assert subjects(scan.result()) == [f"{number}"]
            elif await asyncio.wait([scan]) and scan.cancelled():
                assert subjects(await session.scan()) == [f"{number}"]


async def test_a_long_message_is_read_in_part_and_still_deleted(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("long", "x" * 200_000))
        (sighting,) = await session.scan()
        assert len(sighting.raw) == READ_LIMIT
        await session.delete([sighting])
        assert maildir.files() == {}


async def test_the_newest_thousand_of_older_messages_are_looked_at_bit_by_bit_header_only(
    maildir: Maildir,
) -> None:
    for number in range(1200):
        maildir.deliver(message(f"old {number}"), second=1_600_000_000 + number)
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(message("new"))
        first = await session.scan()
        assert subjects(first)[:2] == ["new", "old 1199"]
        assert [sighting.watched for sighting in first] == [True] + [False] * 100
        assert first[1].raw == b"From: <a@lab.test>\nTo: <b@lab.test>\nSubject: old 1199\n\n"
        # So nobody calls their text altered.
        assert [sighting.cut for sighting in first] == [False] + [True] * 100
        rest = await found(session, 900)
        assert subjects(rest)[-1] == "old 200"
        assert await session.scan() == []
        await session.delete([rest[-1]])
    assert len(maildir.files()) == 1200
    assert "Subject: old 200\n" not in "".join(
        content.decode() for content, _ in maildir.files().values()
    )


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
        assert all(
            one.raw.endswith(b"Hello.\n") for one in sightings if "old" not in subjects([one])[0]
        )
        assert await session.scan() == []


async def test_of_many_new_messages_the_oldest_come_first_and_nobody_waits_before_the_rest(
    maildir: Maildir,
) -> None:
    async with opened(maildir.mailbox()) as session:
        for number in range(250):
            maildir.deliver(message(f"{number}"), second=1_700_000_000 + number)
        seen = []
        for expected in (100, 100, 50):
            seen.append(await session.scan())
            assert len(seen[-1]) == expected
            if len(seen) < 3:
                await session.wait(LONG, Wake())
        assert [int(subject) for chunk in seen for subject in subjects(chunk)] == list(range(250))


@pytest.mark.slow
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


async def test_what_is_no_longer_what_was_seen_is_not_deleted(maildir: Maildir) -> None:
    run = Run(Clock())
    async with opened(maildir.mailbox(), run) as session:
        name = maildir.deliver(message("ours"))
        sightings = await session.scan()
        (maildir.path / "new" / name).write_bytes(message("somebody else's"))
        await session.delete(sightings)
        assert [content for content, _ in maildir.files().values()] == [message("somebody else's")]
        assert "has changed since it was seen; not deleted" in "\n".join(run.transcript)


async def test_of_two_files_with_one_unique_name_the_right_one_is_deleted(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as session:
        name = maildir.deliver(message("ours"))
        sightings = await session.scan()
        other = maildir.path / "cur" / f"{name},S=12:2,S"
        other.write_bytes(message("theirs"))
        await session.delete(sightings)
        assert list(maildir.files()) == [str(other.relative_to(maildir.path))]


async def test_symbolic_links_are_neither_read_nor_deleted(
    maildir: Maildir, tmp_path: Path
) -> None:
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


class FolderThatTells(Folder):
    """Notes the thread that frees it, by its `id`."""

    freed_in: ClassVar[dict[int, threading.Thread]] = {}

    def __del__(self) -> None:
        self.freed_in.setdefault(id(self), threading.current_thread())


async def test_what_a_large_folder_was_before_is_freed_in_its_thread(maildir: Maildir) -> None:
    run = Run(Clock())
    files = MaildirFiles(str(maildir.path), ["INBOX"], run.now)
    thread, folders = Worker(), dict[str, Folder]()
    session = MaildirSession(files, run, folders, thread)
    try:
        await session.open()
        known = folders[INBOX]
        folders[INBOX] = FolderThatTells(known.title, known.new, known.cur)
        number = id(folders[INBOX])
        maildir.deliver(message("hello"))
        assert subjects(await session.scan()) == ["hello"]
        await session.scan()
    finally:
        session.abort()
        thread.stop()
    assert FolderThatTells.freed_in[number] is not threading.main_thread()


async def test_two_sessions_on_one_maildir_do_not_disturb_each_other(maildir: Maildir) -> None:
    async with opened(maildir.mailbox()) as one, opened(maildir.mailbox()) as other:
        maildir.deliver(message("hello"))
        ours, theirs = await found(one), await found(other)
        await one.delete(ours)
        await other.delete(theirs)
        assert maildir.files() == {}


async def test_a_mailbox_that_is_no_longer_configured_leaves_no_thread(maildir: Maildir) -> None:
    before = set(threading.enumerate())
    mailbox = maildir.mailbox()
    async with opened(mailbox) as session:
        await session.scan()
    (thread,) = set(threading.enumerate()) - before
    del mailbox, session
    gc.collect()
    await asyncio.to_thread(thread.join, LONG)
    assert not thread.is_alive()
