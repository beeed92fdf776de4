"""A session of a POP3 mailbox, in front of a scripted server: what it reads, deletes and leaves
alone, and when."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.precision import COARSE
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.pop3.session import HOLD
from exporter.mailboxes.unreadable import FIRST_RETRY
from tests.support.pop3_rig import opened, rig, subjects


async def test_older_messages_come_first_and_a_new_one_with_the_time_in_which_it_came() -> None:
    async with opened("news") as (session, here):
        older = await session.scan()
        assert subjects(older) == ["second", "first"]
        assert not any(sighting.watched for sighting in older)
        here.now += 3
        (third,) = await session.scan()
        assert (third.raw, third.watched) == (b"Subject: third\r\n\r\nHello.\r\n", True)
        assert (third.seen_at, third.lag, third.precision) == (1003, 3, COARSE)
        assert session.messages == 2
        await session.delete([third])
        assert session.messages == 1


async def test_an_unreadable_message_is_read_by_the_next_session_but_was_seen_by_the_first() -> (
    None
):
    async with rig("cut-and-read-again") as here:
        async with here.session() as session:
            assert await session.scan() == []
            here.now += 2
            with pytest.raises(ProbeError) as caught:
                await session.scan()
            assert caught.value.reason is Reason.DISCONNECTED
            assert here.run.failure(caught.value).step is Step.FETCH
        here.now += 5
        async with here.session() as session:
            (sighting,) = await session.scan()
            assert (subjects([sighting]), sighting.seen_at, sighting.lag) == (["half"], 1002, 2)
            await session.close()


@pytest.mark.parametrize("dialogue", ["without-top", "without-capa"])
async def test_without_top_whole_messages_are_read_unless_they_are_large(dialogue: str) -> None:
    async with opened(dialogue) as (session, _):
        assert subjects(await session.scan()) == ["small"]
        await session.close()


async def test_a_slow_server_has_the_time_of_a_conversation_for_some_messages_and_not_for_all() -> (
    None
):
    async with rig("far-away") as here:

        class Far(Run):
            def note(self, line: str) -> None:
                super().note(line)
                here.now += 4 if line.startswith("C: TOP") else 0

        here.run = Far(Clock(monotonic=lambda: here.now), session_timeout=30)
        async with here.session() as session:
            assert subjects(await session.scan()) == ["third", "second"]
            assert session.unread
            assert subjects(await session.scan()) == ["first"]
            await session.close()


async def test_a_message_that_cannot_be_read_is_tried_again_at_the_next_login() -> None:
    async with opened("one-that-cannot-be-read") as (session, here):
        assert subjects(await session.scan()) == ["good"]
        assert await session.scan() == []
        here.now += 2
        assert subjects(await session.scan()) == ["mended"]
        await session.close()


async def test_a_message_with_which_the_server_has_trouble_does_not_keep_us_from_the_others() -> (
    None
):
    async with rig("one-with-trouble") as here:
        async with here.session() as session:
            with pytest.raises(ProbeError, match="Could not read message file"):
                await session.scan()
        here.now += 2
        async with here.session() as session:
            assert subjects(await session.scan()) == ["good"]
            here.now += 2
            assert subjects(await session.scan()) == ["ours"]
            assert session.unreadable_since(0) is None
            here.now += FIRST_RETRY - 3
            assert await session.scan() == []
            here.now += 2
            assert subjects(await session.scan()) == ["mended"]
            await session.close()


async def test_a_new_message_at_which_logins_end_may_be_ours_and_others_are_read() -> None:
    async with rig("ends-at-a-message") as here:
        async with here.session() as session:
            assert subjects(await session.scan()) == ["old"]
            await session.close()
        for _ in range(2):
            here.now += 2
            async with here.session() as session:
                with pytest.raises(ProbeError):
                    await session.scan()
        here.now += 2
        async with here.session() as session:
            assert await session.scan() == []
            why = session.unreadable_since(1002)
            assert why
            assert (why.reason, why.step) == (Reason.DISCONNECTED, Step.FETCH)
            assert session.unreadable_since(1003) is None
            here.now += 2
            assert subjects(await session.scan()) == ["ours"]
            await session.close()


async def test_a_new_message_that_cannot_be_read_makes_no_login_due() -> None:
    async with opened("new-one-that-cannot-be-read") as (session, here):
        await session.scan()
        here.now += 2
        assert await session.scan() == []
        why = session.unreadable_since(1002)
        assert why
        assert why.reason is Reason.REJECTED
        assert "Message can not load" in why.detail
        said = len(here.run.transcript)
        waiting = asyncio.ensure_future(session.wait(4.0, wake := Wake()))
        await asyncio.sleep(0)
        wake.set()
        await waiting
        here.now += 3.9
        assert await session.scan() == []
        assert len(here.run.transcript) == said


async def test_trouble_of_the_server_is_told() -> None:
    async with opened("trouble-with-a-message") as (session, _):
        with pytest.raises(ProbeError, match="the disk does not answer") as caught:
            await session.scan()
        assert (caught.value.reason, caught.value.code) == (Reason.UNAVAILABLE, "SYS/TEMP")


async def test_ids_that_are_all_new_make_no_message_new() -> None:
    async with opened("ids-made-anew") as (session, here):
        await session.scan()
        here.now += 2
        again = await session.scan()
        assert subjects(again) == ["second", "first"]
        assert not any(sighting.watched for sighting in again)
        await session.close()


async def test_a_stranger_that_was_given_our_id_stays() -> None:
    async with opened("id-given-again") as (session, here):
        ours = await session.scan()
        here.now += HOLD
        assert await session.scan() == []  # has quit
        await session.delete(ours)
        assert "has the id of a probe message, but is not one; not deleted" in here.transcript


async def test_of_several_messages_with_one_id_only_ours_are_deleted() -> None:
    async with opened("one-id-for-two") as (session, _):
        ours = await session.scan()
        await session.delete(ours)
        assert session.messages == 1


async def test_a_message_that_is_gone_is_no_error() -> None:
    async with opened("deleted-by-somebody-else") as (session, here):
        ours = await session.scan()
        here.now += HOLD
        await session.scan()
        await session.delete(ours)
        assert session.messages == 0


async def test_a_message_is_not_deleted_before_quit_is_answered() -> None:
    async with rig("cut-at-quit-and-deleted-again") as here:
        async with here.session() as session:
            ours = await session.scan()
            with pytest.raises(ProbeError) as caught:
                await session.delete(ours)
            assert caught.value.reason is Reason.DISCONNECTED
            assert here.run.failure(caught.value).step is Step.LOGOUT
        here.now += 2
        async with here.session() as session:
            await session.delete(ours)


async def test_a_server_that_does_not_answer_quit_has_deleted_what_is_gone_at_the_next_login() -> (
    None
):
    async with rig("closes-at-quit") as here:
        async with here.session() as session:
            ours = await session.scan()
            with pytest.raises(ProbeError) as caught:
                await session.delete(ours)
            assert caught.value.reason is Reason.DISCONNECTED
        here.now += 2
        async with here.session() as session:
            await session.delete(ours)
            assert session.messages == 0


async def test_a_server_that_confirms_deletions_and_keeps_the_message_is_to_blame() -> None:
    async with rig("confirms-and-keeps") as here:
        async with here.session() as session:
            await session.delete(await session.scan())
            here.now += 30
            await session.delete(await session.scan())  # it may be slow
            here.now += 31
            ours = await session.scan()
            with pytest.raises(ProbeError) as caught:
                await session.delete(ours)
            assert caught.value.reason is Reason.REJECTED
            assert here.run.failure(caught.value).step is Step.DELETE
            assert "confirmed the deletion of our message 2 times" in str(caught.value)
        here.now += 30
        async with here.session() as session:
            await session.delete(ours)  # may the account delete it now?


async def test_the_maildrop_is_locked_only_while_it_is_read() -> None:
    async with opened("nothing-new") as (session, here):
        assert await session.scan() == []
        assert "C: QUIT" in here.run.transcript[-2]
        here.now += 0.8
        said = len(here.run.transcript)
        assert await session.scan() == []  # not yet
        assert len(here.run.transcript) == said
        here.now += 0.1
        assert await session.scan() == []
        assert "C: QUIT" in here.run.transcript[-2]


async def test_the_logins_become_rarer_with_the_looks_of_the_watcher() -> None:
    async with opened("nothing-new") as (session, here):
        await session.scan()
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(4.0, wake))  # 100 s after the message left
        await asyncio.sleep(0)
        wake.set()
        await waiting
        here.now += 3.9
        await session.wait(0.1, Wake())  # the rest: somebody woke the watcher
        said = len(here.run.transcript)
        here.now += 4.0
        await session.scan()
        assert len(here.run.transcript) == said
        here.now += 0.2
        await session.scan()
        assert len(here.run.transcript) > said


@pytest.mark.parametrize(
    ("dialogue", "options", "least"),
    [
        ("nothing-new", {"poll_interval": "30s"}, 30),
        ("login-delay", {}, 60),
    ],
)
async def test_there_is_a_least_time_between_two_logins_also_of_two_sessions(
    dialogue: str, options: dict[str, object], least: float
) -> None:
    async with rig(dialogue, **options) as here:
        async with here.session() as session:
            await session.scan()
        here.now += least - 1
        said = len(here.run.transcript)
        async with here.session() as session:
            assert await session.scan() == []
            assert len(here.run.transcript) == said
            here.now += 1
            await session.scan()
            assert len(here.run.transcript) > said
            await session.close()


async def test_waiting_ends_when_somebody_wakes_us() -> None:
    async with opened("[login]\nC: UIDL\nS: +OK\nS: .\n[quit]\n") as (session, _):
        await session.scan()
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(600, wake))
        await asyncio.sleep(0)
        assert not waiting.done()
        wake.set()
        await waiting


async def test_a_login_that_nobody_needs_any_more_ends_in_the_waiting() -> None:
    async with opened("id-given-again") as (session, here):
        ours = await session.scan()
        here.now += HOLD
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(60, wake))
        while "C: QUIT" not in here.transcript:
            await asyncio.sleep(0.01)
        wake.set()
        await waiting
        await session.delete(ours)


async def test_a_quit_that_breaks_off_costs_nothing_if_nothing_was_deleted() -> None:
    async with opened("silent-quit") as (session, here):
        assert await session.scan() == []
        assert "-- QUIT was not answered" in here.transcript


async def why(dialogue: str, **options: object) -> tuple[ProbeError, Step | None, str]:
    """The error that opening ends with, its step, and what was said."""
    async with rig(dialogue, **options) as here:
        with pytest.raises(ProbeError) as caught:
            async with here.run.phase(Phase.OPEN), here.session():
                pass
        return caught.value, here.run.failure(caught.value).step, here.transcript


async def test_a_maildrop_in_use_is_no_failure_of_ours() -> None:
    error, step, said = await why("maildrop-in-use")
    assert (error.reason, error.code, step) == (Reason.UNAVAILABLE, "IN-USE", Step.LOGIN)
    assert "labpass" not in said


async def test_plain_is_used_where_there_is_no_user() -> None:
    async with opened("only-plain"):
        pass


async def test_cram_md5_is_used_where_there_is_nothing_else() -> None:
    async with opened("only-cram-md5"):
        pass


@pytest.mark.parametrize(
    ("dialogue", "auth", "missing"),
    [
        ("neither-user-nor-plain", None, "USER and PASS"),
        ("neither-user-nor-plain", "plain", "AUTH PLAIN"),
    ],
)
async def test_a_password_goes_out_only_in_a_way_that_was_offered(
    dialogue: str, auth: str | None, missing: str
) -> None:
    error, step, _ = await why(dialogue, auth=auth)
    assert (error.reason, error.detail, step) == (
        Reason.AUTH,
        f"127.0.0.1 does not offer {missing} (mailtrip does not support NTLM and GSSAPI)",
        Step.LOGIN,
    )


async def test_no_password_is_sent_in_the_clear_unless_tls_is_none() -> None:
    error, step, _ = await why("stls-not-offered", tls=None)
    assert (error.reason, error.detail, step) == (
        Reason.TLS,
        "127.0.0.1 does not offer STLS",
        Step.TLS,
    )


async def test_a_secret_that_cannot_be_read_is_told_before_anything_is_sent() -> None:
    error, step, _ = await why("S: +OK\n", password={"file": "/nonexistent"})
    assert (error.reason, step) == (Reason.AUTH, Step.LOGIN)
    assert error.detail == "cannot read the secret in /nonexistent: No such file or directory"


async def test_a_server_without_uidl_is_told_so() -> None:
    error, step, _ = await why("[login]\nC: UIDL\nS: -ERR what?\n")
    assert (error.reason, step) == (Reason.REJECTED, Step.FETCH)
    assert "which mailtrip needs to identify messages" in error.detail
