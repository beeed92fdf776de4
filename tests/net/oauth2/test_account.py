"""A token is asked for once, renewed ahead of its end, kept while it is good, and shown to
nobody."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.config.oauth2 import OAuth2Options
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.net.oauth2.account import Account
from exporter.net.oauth2.token import Granted
from tests.support import virtual_time as virtual
from tests.support.oauth2_rig import OAuth2Rig, refusal, rig


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[OAuth2Rig]:
    async with rig(tmp_path) as made:
        yield made


async def test_a_hundred_that_wait_make_one_request(here: OAuth2Rig) -> None:
    account = here.account()
    tokens = await asyncio.gather(*(account.token() for _ in range(100)))
    assert len(here.identity.asked) == 1
    assert {token.value for token in tokens} == {here.identity.issued[0]}


async def test_a_hundred_whose_token_is_refused_make_one_request_more(here: OAuth2Rig) -> None:
    account = here.account()
    first = await account.token()
    tokens = await asyncio.gather(*(account.token(first) for _ in range(100)))
    assert len(here.identity.asked) == 2
    assert {token.value for token in tokens} == {here.identity.issued[1]}


async def test_accounts_with_the_same_options_and_name_are_one(here: OAuth2Rig) -> None:
    assert here.account() is here.account()
    assert here.account() is not here.account("somebody else")
    assert here.account() is not here.account(scope="another")


async def test_a_token_is_renewed_before_it_ends(here: OAuth2Rig) -> None:
    here.identity.lifetime = 0.4
    first = await here.account().token()
    while len(here.identity.issued) < 2:
        await asyncio.sleep(0.01)
    here.identity.lifetime = 3600
    while here.account().busy or (second := await here.account().token()) == first:
        await asyncio.sleep(0.01)
    assert second.value in here.identity.issued[1:]


async def test_a_token_that_has_ended_is_never_used(here: OAuth2Rig) -> None:
    account = here.account()
    first = await account.token()
    here.hands.moment += 3594
    assert await account.token() is first
    here.hands.moment += 2
    assert (await account.token()).value == here.identity.issued[1]


async def test_a_good_token_outlives_an_outage(
    here: OAuth2Rig, caplog: pytest.LogCaptureFixture
) -> None:
    account = here.account()
    first = await account.token()
    here.identity.down = True
    here.hands.moment += 3000
    account._current_request()
    while account.busy:
        await asyncio.sleep(0.01)
    assert account.failures[Reason.UNAVAILABLE] == 1
    assert "no new token for probe: 127.0.0.1" in caplog.text
    assert await account.token() is first
    here.hands.moment += 600
    assert (await refusal(account)).reason is Reason.UNAVAILABLE


async def test_who_gives_up_takes_nothing_away_from_others(here: OAuth2Rig) -> None:
    here.identity.let_go.clear()
    account = here.account()
    one, other = (asyncio.create_task(account.token()) for _ in range(2))
    while not here.identity.asked:
        await asyncio.sleep(0.01)
    one.cancel()
    here.identity.let_go.set()
    assert (await other).value == here.identity.issued[0]
    assert one.cancelled() or one.cancelling()


async def test_closing_ends_a_request(here: OAuth2Rig) -> None:
    here.identity.let_go.clear()
    account = here.account()
    waiting = asyncio.create_task(account.token())
    while not here.identity.asked:
        await asyncio.sleep(0.01)
    await here.accounts.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not account.busy


async def test_a_reload_keeps_the_tokens_of_unchanged_accounts(here: OAuth2Rig) -> None:
    token = await here.account().token()
    await here.account("another").token()
    here.accounts.configure([(here.options(), "probe")])
    assert set(here.accounts.statuses()) == {"probe"}
    assert await here.account().token() is token
    assert len(here.identity.asked) == 2


async def test_standings_tell_when_a_token_ends_and_what_failed(here: OAuth2Rig) -> None:
    here.accounts.configure([(here.options(), "probe"), (here.options(scope="more"), "probe")])
    status = here.accounts.statuses()["probe"]
    assert status.expires_at is None
    assert set(status.failures.values()) == {0}
    await here.account().token()
    here.identity.lifetime = 60
    ends = (await here.account(scope="more").token()).expires_at
    here.identity.down = True
    await refusal(here.account(scope="yet more"))
    status = here.accounts.statuses()["probe"]
    assert status.expires_at == ends
    assert status.failures[Reason.UNAVAILABLE] == 1


async def test_a_newer_refresh_token_is_used_from_then_on(here: OAuth2Rig) -> None:
    here.identity.rotates = True
    account = here.account(refresh_token="the refresh token of a person", client_secret=None)
    await account.token(await account.token())
    first, second = here.identity.asked
    assert "client_secret" not in first
    assert first["refresh_token"] == "the refresh token of a person"
    assert second["refresh_token"] == here.identity.issued[1]


async def test_a_newer_refresh_token_that_cannot_be_sent_is_not_used(here: OAuth2Rig) -> None:
    here.identity.rotates, here.identity.rotates_to = True, "half a pair \ud800"
    account = here.account(refresh_token="the refresh token of a person", client_secret=None)
    await account.token(await account.token())
    assert [asked["refresh_token"] for asked in here.identity.asked] == [
        "the refresh token of a person"
    ] * 2


async def test_no_secret_and_no_token_is_logged_or_shown(
    here: OAuth2Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await here.account().token()
    wrong = here.account(client_secret="hush-hush")
    error = await refusal(wrong)
    assert "AADSTS7000215" in str(error)
    told = f"{caplog.text} {token!r} {error} {here.options()!r} {here.options().model_dump_json()}"
    assert "hush-hush" not in told
    assert "the secret of the client" not in told
    assert token.value not in told


@pytest.mark.parametrize(("late", "reason"), [(0.0, Reason.TIMEOUT), (5.0, Reason.STARVED)])
def test_an_identity_provider_is_not_blamed_for_our_own_lateness(
    late: float, reason: Reason
) -> None:
    async def silent(options: OAuth2Options, name: str, token: str, now: float) -> Granted:
        await asyncio.sleep(1000)
        raise AssertionError

    async def course() -> None:
        plain = virtual.clock()
        clock = Clock(plain.monotonic, plain.wall, lambda since, until: late)
        options = OAuth2Options.model_validate(
            {"token_url": "https://id.example.org/token", "client_id": "a", "client_secret": "b"}
        )
        account = Account(options, "probe", clock, silent)
        assert (await refusal(account)).reason is reason
        assert account.failures == ({} if late else {Reason.TIMEOUT: 1})

    virtual.run(course())
