"""Which directories are a Maildir and its folders, and what is said of those that are not."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mailboxes.maildir.folder import SWEEP, DirectoryListing, Folder
from exporter.mailboxes.maildir.mailbox import MaildirMailbox
from exporter.mailboxes.maildir.options import MaildirOptions
from exporter.net.dns.resolver import Resolver
from tests.support.maildir_rig import LONG, Maildir, found, message, opened, refusal, subjects


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "Maildir")


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
        assert (subjects([sighting]), sighting.junk) == (["cheap"], True)
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
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
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


def test_a_message_that_one_listing_lacks_is_not_forgotten() -> None:
    """POSIX lets a file that is renamed while a directory is listed be left out, or be there
    twice."""

    folder = listed(Folder("INBOX"), "a", "b").as_found()
    hidden = listed(folder, "", "b")
    assert list(listed(hidden, "", "ab").fresh) == []
    gone = listed(hidden, "", "b")
    assert list(listed(gone, "a", "b").fresh) == ["a"]


def listed(folder: Folder, new: str, cur: str) -> Folder:
    """Another poll of the folder, with files of these names, which are single letters."""
    return folder.listed(
        DirectoryListing((), 0, 0, 0, frozenset(new)).compared_with(folder.new),
        DirectoryListing((), 0, 0, 0, frozenset(cur)).compared_with(folder.cur),
    )


def test_only_names_that_differ_are_looked_at() -> None:
    """Also if a file is there twice while it is renamed, or one that is not read yet is renamed."""
    states = (
        ({"a", "b"}, {"a": "a", "b": "b"}, "ab", ""),
        ({"a", "b:2,S"}, {"a": "a", "b": "b:2,S"}, "b", ""),
        ({"a", "b:2,S", "b:2,RS"}, None, "b", ""),
        ({"a", "b:2,RS"}, {"a": "a", "b": "b:2,RS"}, None, ""),
        ({"b:2,RS", "c"}, {"b": "b:2,RS", "c": "c"}, "c", "a"),
    )
    before = None
    for names, files, appeared, vanished in states:
        after = DirectoryListing((), 0, 0, 0, frozenset(names)).compared_with(before)
        assert files in (None, dict(after.files))
        assert appeared is None or after.appeared == frozenset(appeared)
        assert after.vanished == frozenset(vanished)
        before = after


def test_a_listing_that_shows_nothing_new_makes_no_copies() -> None:
    before = DirectoryListing((), 0, 0, 0, frozenset({"1.a:2,S", "2.b"})).compared_with(None)
    after = DirectoryListing((), 0, 9, 0, frozenset({"1.a:2,S", "2.b"})).compared_with(before)
    assert (after.listed_at, after.appeared, after.vanished) == (9, frozenset(), frozenset())
    assert after.names is before.names
    assert after.files is before.files


@pytest.mark.parametrize("sub", ["new", "cur"])
def test_a_new_message_among_many_costs_a_few_calls(sub: str) -> None:
    many = [f"{1_700_000_000 + number}.M1P1.host:2,S" for number in range(100_000)]
    listings = {
        name: DirectoryListing((), 0, 0, 0, frozenset(names)).compared_with(None)
        for name, names in (("new", ()), ("cur", many))
    }
    folder = Folder("INBOX").listed(*listings.values()).as_found()
    assert (folder.messages, len(folder.older)) == (len(many), SWEEP)
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    names = listings[sub].names | {"1800000000.M1P1.host"}
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        after = DirectoryListing((), 0, 0, 0, names).compared_with(listings[sub])
        folder = folder.listed(*({**listings, sub: after}.values()))
    finally:
        sys.setprofile(before)
    assert list(folder.fresh) == ["1800000000.M1P1.host"]
    assert folder.file_of("1800000000.M1P1.host") == (sub, "1800000000.M1P1.host")
    assert folder.file_of("1700000000.M1P1.host") == ("cur", many[0])
    assert calls < 100


@given(st.lists(st.sets(st.sampled_from(["a", "b", "a:2,", "a:2,S", "b:2,S", "c"])), max_size=6))
def test_whatever_changes_the_files_are_as_if_all_names_were_looked_at(
    states: list[set[str]],
) -> None:
    before, folder = None, Folder("INBOX")
    for names in states:
        whole = DirectoryListing((), 0, 0, 0, frozenset(names))
        after = whole.compared_with(before)
        assert after.files.keys() == whole.compared_with(None).files.keys()
        assert set(after.files.values()) <= names
        nothing = DirectoryListing((), 0, 0, 0, frozenset())
        folder = folder.listed(after, nothing)
        assert folder.fresh.keys() == after.files.keys()  # none has been read
        before = after


async def test_a_missing_maildir_is_tried_again(tmp_path: Path) -> None:
    error = await refusal(MaildirMailbox(MaildirOptions(path=str(tmp_path / "none")), Resolver()))
    assert (error.reason, error.code) == (Reason.UNAVAILABLE, "ENOENT")
    assert (
        error.detail
        == f"{tmp_path}/none: no such file or directory; a Maildir is a directory that holds new"
        " and cur; is it mounted?"
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


@pytest.mark.parametrize(
    ("mode", "words"), [(0o000, "Maildir: permission denied"), (0o555, "new: no permission to")]
)
async def test_a_maildir_that_we_may_not_read_or_not_delete_in_is_refused(
    mode: int, words: str
) -> None:
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


async def test_a_message_that_cannot_be_read_hides_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        maildir = Maildir(Path(directory) / "Maildir")
        (maildir.path / "new").chmod(0o777)
        (maildir.path / "cur").chmod(0o777)
        with nobody():
            session = await maildir.mailbox().open(Trace(Clock()), lambda raw: True)
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
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
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
        await session.wait(LONG, Wake())
        assert await session.scan() == []
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await asyncio.sleep(0)
        maildir.deliver(message("hello"))
        await waiting
        assert subjects(await session.scan()) == ["hello"]


async def test_a_directory_whose_time_stamp_does_not_change_is_read_again_after_a_while(
    maildir: Maildir,
) -> None:
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
        assert sighting.delay_since(now - 20, Clock()) is None
