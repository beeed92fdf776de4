"""When a mailbox that failed is tried again, and what a trip says that did not try."""

import asyncio

import pytest

from exporter.config.types import SecretUnavailable
from exporter.core.model import ProbeError
from exporter.core.one_line import MAX_DETAIL
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.net.sasl.conversation import NoLoginSent
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


async def why_not(rig: WatcherRig, patience: float = 30.0) -> ProbeError | None:
    """What another trip that needs the mailbox fails with, if it does."""
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        try:
            async with asyncio.timeout(patience):
                await expected.ready()
        except ProbeError as error:
            return error
        except TimeoutError:
            return expected.trouble()
        return None


def broken(rig: WatcherRig, reason: Reason, detail: str = "old words", code: str = "") -> None:
    rig.mailbox.down = ProbeError(reason, detail, code=code)


@pytest.mark.parametrize(
    "reason",
    [Reason.TLS, Reason.DNS, Reason.PROTOCOL, Reason.REJECTED, Reason.UNAVAILABLE, Reason.CONNECT],
)
def test_a_cured_server_is_well_at_the_next_trip(reason: Reason) -> None:
    async def course() -> None:
        rig = WatcherRig()
        broken(rig, reason)
        for _ in range(12):  # long enough for the longest pause
            assert await why_not(rig, patience=0.5)
            await asyncio.sleep(60)
        token, run = rig.trip()
        # With somebody who waits, attempts go on.
        rig.watcher.keep_watching(token.trip, run.now())
        await asyncio.sleep(100)
        rig.mailbox.down = None
        assert await why_not(rig, patience=3) is None
        rig.watcher.stop_watching(token.trip)
        await rig.close()

    virtual.run(course())


@virtual.on_a(WatcherRig)
async def test_every_new_trip_sees_for_itself_and_tells_what_it_saw(rig: WatcherRig) -> None:
    for number in range(5):
        broken(rig, Reason.TLS, f"words {number}")
        error = await why_not(rig)
        assert error
        assert (error.reason, error.detail, error.step) == (
            Reason.TLS,
            f"words {number}",
            Step.CONNECT,
        )
        await asyncio.sleep(1)
    assert rig.mailbox.opened == 5


@virtual.on_a(WatcherRig)
async def test_trips_that_come_together_share_an_attempt_and_a_dead_server_is_not_flooded(
    rig: WatcherRig,
) -> None:
    broken(rig, Reason.CONNECT)
    trips = []
    for _ in range(100):
        trips.append(asyncio.create_task(why_not(rig)))
        await asyncio.sleep(0.3)
    errors = await asyncio.gather(*trips)
    assert all(errors)
    assert rig.mailbox.opened < 60 / 2


@virtual.on_a(WatcherRig)
async def test_a_trip_that_was_not_tried_for_the_account_s_sake_says_so_with_both_times(
    rig: WatcherRig,
) -> None:
    broken(rig, Reason.AUTH, "no such user", "AUTHENTICATIONFAILED")
    first = await why_not(rig)
    assert first
    assert first.detail == "no such user"
    await asyncio.sleep(10)
    second = await why_not(rig)
    assert second
    assert (
        second.detail
        == "not tried again: no such user (at 22:13:20 UTC); next attempt at 22:14:20 UTC"
    )
    assert (second.reason, second.code, second.step) == (
        Reason.AUTH,
        "AUTHENTICATIONFAILED",
        Step.CONNECT,
    )
    assert rig.mailbox.opened == 1
    assert str(rig.watcher.trouble) == (
        "auth: no such user (last attempt at 22:13:20 UTC, next attempt not before 22:14:20 UTC)"
    )


@virtual.on_a(WatcherRig)
async def test_the_log_says_that_a_new_trip_may_come_before_the_next_attempt(
    rig: WatcherRig,
) -> None:
    broken(rig, Reason.CONNECT, "connection refused")
    assert await why_not(rig)
    assert rig.watcher.trouble
    assert rig.watcher.trouble.next_attempt.endswith(" s, or sooner for a new trip")
    broken(rig, Reason.AUTH, "no such user", "AUTHENTICATIONFAILED")
    await why_not(rig)
    assert rig.watcher.trouble.next_attempt == "next attempt in 60.0 s"


@virtual.on_a(WatcherRig)
async def test_words_of_any_length_leave_room_for_the_times(rig: WatcherRig) -> None:
    broken(rig, Reason.AUTH, "no " * MAX_DETAIL)
    await why_not(rig)
    error = await why_not(rig)
    assert error
    assert error.detail.endswith("next attempt at 22:14:20 UTC")


@virtual.on_a(WatcherRig)
async def test_a_login_delay_is_kept_for_new_trips_too_and_told_with_its_times(
    rig: WatcherRig,
) -> None:
    broken(rig, Reason.UNAVAILABLE, "too often", "LOGIN-DELAY")
    first = await why_not(rig)
    assert first
    assert first.detail == "too often (at 22:13:20 UTC); next attempt at 22:14:20 UTC"
    second = await why_not(rig)
    assert second
    assert (
        second.detail
        == "not tried again: too often (at 22:13:20 UTC); next attempt at 22:14:20 UTC"
    )
    assert rig.mailbox.opened == 1


@virtual.on_a(WatcherRig)
async def test_a_mailbox_that_is_in_use_for_a_moment_costs_no_trip(rig: WatcherRig) -> None:
    broken(rig, Reason.UNAVAILABLE, "in use", "IN-USE")
    asyncio.get_running_loop().call_later(4, setattr, rig.mailbox, "down", None)
    assert await why_not(rig) is None


@virtual.on_a(WatcherRig)
async def test_an_attempt_that_hangs_is_told_and_not_the_trouble_of_long_ago(
    rig: WatcherRig,
) -> None:
    broken(rig, Reason.CONNECT)
    assert await why_not(rig, patience=0.5)
    await asyncio.sleep(100)
    rig.mailbox.hangs = True
    error = await why_not(rig, patience=20)
    assert error
    assert (error.reason, error.step, error.detail) == (
        *(Reason.TIMEOUT, Step.CONNECT),
        "mailbox monitor is not open after 20 s",
    )


@virtual.on_a(WatcherRig)
async def test_an_attempt_that_hangs_names_its_server(rig: WatcherRig) -> None:
    rig.mailbox.server = "imap.example.org"
    rig.mailbox.hangs = True
    error = await why_not(rig, patience=20)
    assert error
    assert error.detail == "mailbox monitor is not open after 20 s: no answer from imap.example.org"
    error = await why_not(rig, patience=20)
    assert error
    assert error.detail == "no answer from imap.example.org within 30 s"


@virtual.on_a(WatcherRig)
async def test_a_page_says_when_the_last_attempt_was(rig: WatcherRig) -> None:
    broken(rig, Reason.TLS, "expired")
    await why_not(rig)
    assert str(rig.watcher.trouble) == "tls: expired (last attempt at 22:13:20 UTC)"


def test_an_expectation_without_trouble_has_none() -> None:
    async def course() -> None:
        rig = WatcherRig()
        token, run = rig.trip()
        with rig.watcher.expect(token.trip, run) as expected:
            await expected.ready()
            assert isinstance(expected, Expectation)
            assert expected.trouble() is None
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize(
    "cause", [NoLoginSent(), SecretUnavailable("cannot read the secret in /none: no such file")]
)
def test_where_no_login_was_sent_no_account_is_protected(cause: Exception) -> None:
    async def course() -> None:
        rig = WatcherRig()
        broken(rig, Reason.AUTH)
        assert rig.mailbox.down
        rig.mailbox.down.__cause__ = cause
        assert await why_not(rig)
        rig.mailbox.down = None
        assert await why_not(rig) is None
        await rig.close()

    virtual.run(course())


@virtual.on_a(WatcherRig)
async def test_our_own_lateness_makes_no_pauses_grow(rig: WatcherRig) -> None:
    broken(rig, Reason.STARVED)
    token, run = rig.trip()
    rig.watcher.keep_watching(token.trip, run.now())
    await asyncio.sleep(100)
    assert rig.mailbox.opened > 100
    rig.watcher.stop_watching(token.trip)
    await rig.close()
