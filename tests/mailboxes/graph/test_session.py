"""A mailbox of Microsoft Graph beyond the contract: pages, old states, throttling, and what is not
downloaded."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import pytest

from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mail.composition import compose
from exporter.mailboxes.graph.mailbox import GraphMailbox
from exporter.mailboxes.graph.options import GraphMailboxOptions
from exporter.mailboxes.graph.session import GraphSession
from exporter.mailboxes.session import READ_LIMIT, Sighting
from exporter.net.dns.resolver import Resolver
from tests.support.graph_rigs import LONG_AGO
from tests.support.graph_service import GraphService, Says
from tests.support.mailbox_rig import FOREIGN
from tests.support.sending import MINT
from tests.support.wanting import all_of_them

OURS = compose(MINT.mint(0), "a@lab.test", "b@lab.test", 0).raw
TOKEN = OURS.partition(b"Subject: mailtrip ")[2].split()[0]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[GraphService]:
    one = GraphService(tmp_path)
    yield one
    one.close()


def mailbox(service: GraphService, **given: Any) -> GraphMailbox:
    options = service.options(**{"poll_interval": "1ms", **given})
    return GraphMailbox(GraphMailboxOptions.model_validate(options), Resolver())


@asynccontextmanager
async def opened(
    box: GraphMailbox, run: Run | None = None
) -> AsyncIterator[tuple[GraphSession, Run]]:
    run = run or Run(Clock(), session_timeout=20)
    session = await box.open(run, all_of_them)
    await asyncio.sleep(0.002)  # until the next poll is allowed
    try:
        yield session, run
    finally:
        session.abort()


async def everything(session: GraphSession) -> list[Sighting]:
    """All that there is to be seen, until nothing more comes."""
    found: list[Sighting] = []
    await asyncio.sleep(0.002)  # until the next poll is allowed
    while True:
        session.recheck()
        seen = await session.scan()
        found += seen
        if not seen and not session._has_more:
            return found
        await session.wait(0, Wake())


async def test_a_timeout_of_the_session_can_name_its_server(service: GraphService) -> None:
    box = mailbox(service)
    async with opened(box) as (_, run):
        assert run.server == box._options.host


async def test_a_message_whose_id_is_no_text_keeps_no_other_from_being_found(
    service: GraphService,
) -> None:
    """JSON may have half a pair of surrogates."""
    async with opened(mailbox(service)) as (session, _):
        odd = service.store(OURS)
        del service.mails[odd.id]
        odd.id = "\ud800"
        service.mails[odd.id] = odd
        service.store(OURS)
        assert len(await session.scan()) == 1


@pytest.mark.slow
async def test_of_ten_thousand_messages_of_others_none_is_downloaded_or_changed(
    service: GraphService,
) -> None:
    for number in range(9_500):
        service.store(FOREIGN % str(number).encode(), received=LONG_AGO + number)
    for number in range(500):
        service.store(FOREIGN % str(number).encode(), received=time() - number)
    old = service.store(OURS, received=LONG_AGO + 10_000)
    before = {name: (mail.changed, mail.read) for name, mail in service.mails.items()}
    async with opened(mailbox(service)) as (session, _):
        earlier = await everything(session)
        assert session.messages == 10_001
        for number in range(30):
            service.store(FOREIGN % str(number).encode())
        new = service.store(OURS)
        later = await everything(session)
        await session.delete([one for one in [*earlier, *later] if TOKEN in one.raw])
    assert [one.watched for one in earlier if TOKEN in one.raw] == [False]
    assert service.downloads == [old.id, new.id]
    after = {name: (mail.changed, mail.read) for name, mail in service.mails.items()}
    assert old.id not in after
    assert new.id not in after
    assert {name: state for name, state in before.items() if name != old.id}.items() <= (
        after.items()
    )
    assert len(after) == 10_030
    assert service.most_at_once == 1
    assert len(service.requests) < 300


async def test_ours_comes_before_many_others_that_came_while_no_trip_waited(
    service: GraphService,
) -> None:
    """And of those not even the header fields are read."""
    now = [1000.0]
    box = mailbox(service)
    clock = Clock(monotonic=lambda: now[0])
    async with opened(box, Run(clock)) as (session, _):
        await session.scan()
    for number in range(200):
        service.store(FOREIGN % str(number).encode())
    ours = service.store(OURS)
    now[0] += 3600
    async with opened(box, Run(clock)) as (session, _):
        found = await session.scan()
        assert found[0].ref == ours.id
        assert found[0].lag > 3000
        assert found[0].delay_since(now[0] - 1000, clock) is None
        assert len(found) == 20
    assert service.downloads == [ours.id]
    assert not [one for one in service.requests if "/messages/AA" in one and "$value" not in one]


async def test_more_new_messages_than_fit_on_a_page_are_all_found(service: GraphService) -> None:
    """Also if there are more pages than one scan takes."""
    service.largest_page = 10
    async with opened(mailbox(service)) as (session, _):
        for number in range(120):
            service.store(FOREIGN % b"new" if number % 30 else OURS)
        found = await everything(session)
    assert len(found) == 120
    assert sum(TOKEN in one.raw for one in found) == 4
    assert all(one.watched for one in found)
    assert len({one.ref for one in found}) == 120


async def test_after_an_old_state_only_messages_that_came_since_are_new(
    service: GraphService,
) -> None:
    service.store(FOREIGN % b"the first")
    async with opened(mailbox(service)) as (session, run):
        assert len(await everything(session)) == 1
        service.forget_states()
        mail = service.store(OURS)
        (sighting,) = await everything(session)
        assert (sighting.ref, sighting.watched) == (mail.id, True)
        assert sighting.delay_since(sighting.seen_at - 1, Clock()) == pytest.approx(1)
    assert any("no longer known; starting over" in line for line in run.transcript)


@pytest.mark.parametrize(("status", "code"), [(410, ""), (400, "syncStateNotFound")])
async def test_an_old_state_is_known_by_its_status_or_its_code(
    service: GraphService, status: int, code: str
) -> None:
    async with opened(mailbox(service)) as (session, _):
        service.acts["delta"] = Says(status, code, "resynchronize", times=1)
        service.store(OURS)
        assert [one.watched for one in await everything(session)] == [True]


async def test_a_state_that_is_always_too_old_does_not_keep_us_busy(service: GraphService) -> None:
    async with opened(mailbox(service)) as (session, _):
        service.acts["delta"] = Says(410, "SyncStateNotFound", "too old")
        before = len(service.requests)
        with pytest.raises(ProbeError) as caught:
            await session.scan()
        assert caught.value.reason is Reason.REJECTED
        assert len(service.requests) - before < 5


async def test_who_reads_a_message_or_deletes_it_makes_no_new_one(service: GraphService) -> None:
    mails = [service.store(FOREIGN % b"a", received=LONG_AGO), service.store(FOREIGN % b"b")]
    async with opened(mailbox(service)) as (session, _):
        await everything(session)
        service.mark(mails[0])
        service.mark(mails[1])
        service.remove(mails[0].id)
        assert await everything(session) == []


async def test_while_the_server_wants_no_requests_none_is_made(service: GraphService) -> None:
    async with opened(mailbox(service)) as (session, run):
        await everything(session)
        headers = (("Retry-After", "60"),)
        service.acts["delta"] = Says(429, "ApplicationThrottled", "too many", headers, 1)
        service.store(OURS)
        assert await session.scan() == []
        before = len(service.requests)
        assert 55 < session.next_scan_at - run.now() <= 60
        assert "asked to wait 60 s" in session.scan_limit
        await session.wait(0, Wake())
        assert await session.scan() == []
        assert len(service.requests) == before
        with pytest.raises(ProbeError, match="throttled") as caught:
            await session.delete([Sighting("x", "INBOX", b"", 0.0, watched=False)])
        assert (caught.value.reason, caught.value.code) == (Reason.UNAVAILABLE, "429")
        session._graph.client.throttle.until = 0.0
        assert len(await everything(session)) == 1
    assert any("S: 429 ApplicationThrottled" in line for line in run.transcript)


async def test_another_session_knows_of_it_too(service: GraphService) -> None:
    box = mailbox(service)
    async with opened(box) as (session, _):
        headers = (("Retry-After", "60"),)
        service.acts["delta"] = Says(503, "ErrorServerBusy", "busy", headers)
        assert await session.scan() == []
    before = len(service.requests)
    with pytest.raises(ProbeError, match="asked to wait 60 s"):
        await box.open(Run(Clock()), all_of_them)
    assert len(service.requests) == before


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["delta", "value", "delete"])
async def test_a_request_that_is_throttled_for_a_second_is_repeated(
    service: GraphService, operation: str
) -> None:
    async with opened(mailbox(service)) as (session, _):
        await everything(session)
        headers = (("Retry-After", "1"),)
        service.acts[operation] = Says(429, "ApplicationThrottled", "", headers, 1)
        service.store(OURS)
        found = await everything(session)
        assert len(found) == 1
        await session.delete(found)
    assert not service.mails


async def test_a_revoked_token_is_renewed_once(service: GraphService) -> None:
    async with opened(mailbox(service)) as (session, run):
        service.revoke()
        service.store(OURS)
        assert len(await everything(session)) == 1
        assert len(service.forms) == 2
        service.refuses_tokens = True
        with pytest.raises(ProbeError) as caught:
            await session.scan()
    assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "401")
    assert len(service.forms) == 3
    assert run.failure(caught.value).step is Step.IDLE
    shown = f"{caught.value} {run.transcript} {run.facts}"
    assert not any(token in shown for token in service.tokens)


REFUSALS = [
    (403, "ErrorAccessDenied", "Access is denied.", Reason.AUTH),
    (403, "ErrorAccessDenied", "Access to OData is disabled.", Reason.AUTH),
    (404, "MailboxNotEnabledForRESTAPI", "The mailbox is hosted on-premise.", Reason.REJECTED),
    (500, "ErrorInternalServerError", "", Reason.UNAVAILABLE),
    (503, "ErrorMailboxMoveInProgress", "", Reason.UNAVAILABLE),
    (507, "ErrorQuotaExceeded", "", Reason.UNAVAILABLE),
    (302, "", "", Reason.PROTOCOL),
]


@pytest.mark.parametrize(("status", "code", "words", "reason"), REFUSALS)
async def test_why_a_mailbox_does_not_open_is_told(
    service: GraphService, status: int, code: str, words: str, reason: Reason
) -> None:
    service.acts["folder"] = Says(status, code, f"{words} {{token}}" if words else "")
    run = Run(Clock(), session_timeout=20)
    with pytest.raises(ProbeError) as caught:
        await mailbox(service).open(run, all_of_them)
    error = caught.value
    assert (error.reason, error.code) == (reason, str(status))
    assert f"answered {status}{' ' if code else ''}{code}" in error.detail
    assert words in error.detail
    assert service.tokens[0] not in error.detail
    assert run.failure(error).step is Step.SELECT


async def test_a_mailbox_that_does_not_exist_is_named(service: GraphService) -> None:
    with pytest.raises(ProbeError, match="The requested user 'nobody@lab.test' is invalid") as one:
        await mailbox(service, user="nobody@lab.test").open(Run(Clock()), all_of_them)
    assert one.value.reason is Reason.REJECTED


async def test_the_first_folder_must_exist_and_the_others_need_not(service: GraphService) -> None:
    del service.folders["junkemail"]
    async with opened(mailbox(service)) as (session, run):
        service.store(OURS)
        assert len(await everything(session)) == 1
    assert "-- there is no folder junkemail" in "\n".join(run.transcript)
    with pytest.raises(ProbeError, match="there is no folder junkemail") as caught:
        await mailbox(service, folders=["junkemail"]).open(Run(Clock()), all_of_them)
    assert caught.value.reason is Reason.REJECTED


@pytest.mark.parametrize(
    "body",
    [
        "nothing",
        "[]",
        '{"value": {}}',
        '{"value": []}',
        json.dumps({"value": [], "@odata.deltaLink": 7}),
        json.dumps({"value": [], "@odata.deltaLink": "https://elsewhere.example/v1.0/x"}),
        json.dumps({"value": [], "@odata.nextLink": "http://127.0.0.1/v1.0/x"}),
        json.dumps({"value": [], "@odata.nextLink": "https://127.0.0.1@elsewhere.example/v1.0/x"}),
        '{"value": [' + " " * (1 << 18) + "]}",
        "[" * 100_000,
    ],
)
async def test_an_answer_that_makes_no_sense_is_named_and_its_links_lead_nowhere(
    service: GraphService, body: str
) -> None:
    """A token goes to the configured server alone."""
    service.acts["delta"] = Says(200, body=body)
    run = Run(Clock(), session_timeout=20)
    with pytest.raises(ProbeError) as caught:
        await mailbox(service).open(run, all_of_them)
    assert caught.value.reason is Reason.PROTOCOL
    assert run.failure(caught.value).step is Step.IDLE


async def test_messages_that_make_no_sense_are_passed_over(service: GraphService) -> None:
    odd = [None, 7, {}, {"id": 7}, {"id": ""}, {"id": "a", "receivedDateTime": 7}]
    whole = {"id": "b", "receivedDateTime": "2026", "subject": 7, "from": [], "bodyPreview": None}
    link = service.options()["base_url"] + "/users/x/mailFolders/inbox/messages/delta?$deltatoken=1"
    service.acts["delta"] = Says(
        200, body=json.dumps({"value": [*odd, whole], "@odata.deltaLink": link})
    )
    async with opened(mailbox(service)) as (session, _):
        folder = session._folders[0]
        assert [one.listed.id for one in [*folder.unread, *folder.others]] == ["b"]


async def test_a_large_message_is_cut_and_the_session_goes_on(service: GraphService) -> None:
    async with opened(mailbox(service)) as (session, _):
        service.store(OURS + b"x" * (1 << 22))
        (large,) = await everything(session)
        assert (len(large.raw), large.cut) == (READ_LIMIT, True)
        service.store(OURS)
        (small,) = await everything(session)
        assert (small.raw, small.cut) == (OURS, False)


ATTACHED = (
    b'From: a@x.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nlook\r\n--b\r\nContent-Type: message/rfc822\r\n"
    b"Content-Disposition: attachment\r\n\r\nSubject: x\r\n\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("raw", "new", "old"),
    [
        (FOREIGN % b"others", False, False),
        (FOREIGN % TOKEN, True, True),
        (b"From: a@x.test\r\nIn-Reply-To: <%s@x.test>\r\n\r\nyes\r\n" % TOKEN, True, False),
        (b"From: MAILER-DAEMON@x.test\r\nSubject: returned\r\n\r\nsorry\r\n", True, True),
        (b"From: a@x.test\r\nContent-Type: multipart/report\r\n\r\nsorry\r\n", True, False),
        (ATTACHED, True, False),
        (b"From: a@x.test\r\nSubject: x\r\n\r\nsee %s\r\n" % TOKEN.upper(), True, True),
    ],
    ids=["others", "subject", "answer", "daemon", "report", "attachment", "text"],
)
async def test_what_may_be_about_ours_is_read_and_nothing_else(
    service: GraphService, raw: bytes, new: bool, old: bool
) -> None:
    earlier = service.store(raw)
    async with opened(mailbox(service)) as (session, _):
        await everything(session)
        assert service.downloads == [earlier.id] * old
        later = service.store(raw)
        (sighting,) = await everything(session)
        assert (later.id in service.downloads, sighting.raw == raw) == (new, new)
        assert sighting.cut is not new


async def test_where_nothing_is_deleted_for_good_a_message_goes_where_nobody_sees_it(
    service: GraphService,
) -> None:
    """National clouds have no permanentDelete."""
    service.national = True
    mails = [service.store(OURS), service.store(OURS), service.store(FOREIGN % b"others")]
    async with opened(mailbox(service)) as (session, _):
        found = await everything(session)
        await session.delete([one for one in found if TOKEN in one.raw])
        await session.delete([one for one in found if one.ref == "gone"])
        assert await everything(session) == []
        assert session.messages == 1
    assert [mail.folder for mail in mails] == ["recoverableitemsdeletions"] * 2 + ["inbox"]
    assert sum("permanentDelete" in one for one in service.requests) == 1


async def test_the_session_tells_tls_and_each_step(service: GraphService) -> None:
    async with opened(mailbox(service)) as (_, run):
        (tls,) = (fact for fact in run.facts if isinstance(fact, TlsSession))
    assert (tls.leg, tls.version) == (Leg.MAILBOX, "TLSv1.3")
    steps = [span.step for span in run.spans]
    assert steps == [Step.TOKEN, Step.CONNECT, Step.SELECT, Step.SELECT]


async def test_polls_follow_the_interval_and_then_the_time_waited(service: GraphService) -> None:
    now = [1000.0]
    run = Run(Clock(monotonic=lambda: now[0]), session_timeout=20)

    async def polls_after(seconds: float) -> bool:
        now[0] += seconds
        before = len(service.requests)
        await session.scan()
        return len(service.requests) > before

    async with opened(mailbox(service, poll_interval="2s"), run) as (session, _):
        assert await polls_after(0)  # older messages, of one folder
        assert await polls_after(0)  # of the other one
        assert not await polls_after(1.9)
        assert await polls_after(0.1)
        await session.wait(0, Wake())
        assert await polls_after(2.0)
        session._gap = 10
        assert not await polls_after(19.9)
        session.recheck()
        assert await polls_after(0)
        assert session.last_scan_at == now[0]
    assert session.scan_limit == "`poll_interval` allows one poll every 2 s"


async def test_the_session_tells_whether_a_message_is_under_focused_or_other(
    service: GraphService,
) -> None:
    async with opened(mailbox(service)) as (session, _):
        mail = service.store(OURS)
        (one,) = await everything(session)
        tabs = []
        for told in ("focused", "other", "Other", "new word", ""):
            mail.tab = told
            tabs.append(await session.tab(one))
        assert tabs == ["focused", "other", "other", "", ""]
        assert await session.tab(replace(one, folder="Junk Email")) == ""
        service.remove(mail.id)
        assert await session.tab(one) == ""
        assert await session.whole(one, 1000) == b""
