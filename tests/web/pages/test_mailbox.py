"""The page of one mailbox."""

import re
from dataclasses import replace
from itertools import count
from urllib.parse import unquote

import pytest

from exporter.core.model import Failure, ProbeError, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.settings import Settings
from exporter.web.pages.mailbox import MOST_FAILURES, MOST_PROBES, MailboxPage, mailbox_page
from exporter.web.pages.time_zone import UTC_ZONE
from tests.probing.test_probes import SETTINGS
from tests.support import virtual_time as virtual
from tests.support.http_site import GOOD, Site, site, until, words_of
from tests.support.pauses import at_once, with_pauses
from tests.support.watcher_rig import WatcherRig
from tests.web.test_pages import EVIL, FAILED, KEY, kept

LOGIN = Failure(Phase.OPEN, Step.CONNECT, Reason.CONNECT, "", f"refused {EVIL}")
TRIPS = count(1)
PRIVATE = Settings.parse(
    b"""
mailboxes:
  inbox: {imap: {host: imap.example.org, tls: implicit, username: me@example.org, password: hunter2hunter2}}
  files: {maildir: {path: /var/mail/x}}
modules:
  m: {roundtrip: {from: p@example.org, send: {smtp: {host: mx}}, mailbox: inbox}}
""",  # noqa: E501
    "test.yml",
)


async def failed(here: Site, target: str, why: Failure, at: float = 0.0) -> None:
    trip, probe = f"{next(TRIPS):014x}", ProbeKey("submission", target)
    started = FAILED.started_at + at
    await kept(here, replace(FAILED, trip=trip, probe=probe, failure=why, started_at=started))


def page_of(rig: WatcherRig, name: str) -> MailboxPage:
    rig.watcher.name = name
    return at_once(mailbox_page({name: rig.watcher}, name, PRIVATE, [], 0.0, UTC_ZONE))


async def test_a_mailbox_names_its_probes_and_the_failures_that_it_caused() -> None:
    async with site() as here:
        await failed(here, "a@example.org", LOGIN)
        await failed(here, "b@example.org", LOGIN, 60.0)
        await failed(here, "c@example.org", replace(LOGIN, phase=Phase.SEND), 120.0)
        status, page = await here.get("/mailboxes/monitor")
        assert status == 200
        words = words_of(page)
        assert "Mailbox monitor not connected , no trip needs it now" in words
        assert "protocol smtpd place 127.0.0.1:0 recipients monitor@example.org" in words
        assert "2 of 4 probes fail because of it." in words
        table = page.partition("<table")[2].partition("</table")[0]
        targets = re.findall(r'href="\.\./trips\?module=submission&amp;target=([^"]+)"', table)
        assert [*map(unquote, targets)] == ["b@example.org", "a@example.org"], "the newest first"
        named = page.partition("Probes that wait for it")[2]
        assert named.count('<a href="../trips?') == 4
        assert ">c@example.org<" in named
        assert ">named<" in named
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        for link in ("../config#mailbox-monitor", "../api/v1/mailboxes?limit=1&amp;offset=0"):
            assert f'href="{link}' in page
        described = await here.get("/api/v1/mailboxes?limit=1&offset=0")
        assert '"monitor"' in described[1]
        assert '"sender"' not in described[1]


async def test_a_failing_mailbox_says_why_since_when_and_when_it_is_tried_next() -> None:
    async with site(delay=None) as here:
        here.rig.mailbox.down = ProbeError(Reason.AUTH, "no such user")
        watcher = here.rig.watchers["monitor"]
        await here.get(GOOD, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        await until(lambda: watcher.trouble is not None)
        words = words_of((await here.get("/mailboxes/monitor"))[1])
        assert re.search(r"failing since .* UTC , for .*: auth: no such user", words)
        assert re.search(r"last attempt 2\S+ \S+ UTC , (now|\S+ s ago) next attempt ", words)
        assert "failed attempts 1 since" in words
        page = (await here.get("/"))[1]
        assert '<td><a href="mailboxes/monitor">monitor</a>' in page
        assert 'mailbox <a href="mailboxes/monitor">' in page, "as a cause"


async def test_a_trip_and_its_probe_lead_to_their_mailbox() -> None:
    async with site() as here:
        await kept(here, FAILED)
        page = (await here.get(f"/trips/{FAILED.trip}"))[1]
        assert 'mailbox <a href="../mailboxes/monitor">monitor</a>' in page
        page = (await here.get(f"/trips?module={KEY.module}&target={KEY.target}"))[1]
        assert 'mailbox <a href="mailboxes/monitor">monitor</a>' in page


@virtual.on_a(WatcherRig)
async def test_no_secret_is_shown_and_the_user_is(rig: WatcherRig) -> None:
    inbox = page_of(rig, "inbox")
    assert inbox.facts == [
        ("protocol", "imap"),
        ("place", "imap.example.org:993"),
        ("TLS", "implicit"),
        ("user", "me@example.org"),
    ]
    assert "hunter2" not in repr(inbox)
    assert page_of(rig, "files").facts == [("protocol", "maildir"), ("place", "/var/mail/x")]


async def test_an_unknown_mailbox_is_not_found_as_a_page_for_browsers() -> None:
    async with site() as here:
        status, text = await here.get("/mailboxes/monitr")
        assert (status, text) == (404, "no mailbox 'monitr'; did you mean monitor?\n")
        evil = "/mailboxes/%3Cscript%3E%2F..%2F%22%0Ax%00"
        status, page = await here.get(evil, Accept="text/html")
        assert status == 404
        assert "no mailbox &#39;&lt;script&gt;/../&#34; x" in page
        assert 'href="../style.css' in page
        assert len((await here.get(f"/mailboxes/{'x' * 4000}"))[1]) < 300


async def test_a_name_of_any_characters_has_an_address() -> None:
    """Also one that the configuration would refuse today."""
    name = 'a/b?c#d%2F"<é& .'
    async with site() as here:
        here.rig.watchers[name] = watcher = here.rig.watchers.pop("sender")
        watcher.name = name
        page = (await here.get("/"))[1]
        (link,) = re.findall('href="(mailboxes/a[^"]*)"', page)
        assert link == "mailboxes/a%2Fb%3Fc%23d%252F%22%3C%C3%A9%26%20."
        async with here.http.get(f"http://{here.host}:{here.port}/{link}") as answer:
            assert answer.status == 200
            assert f"Mailbox {name} not connected" in words_of(await answer.text())


@pytest.mark.slow
async def test_ten_thousand_probes_take_no_long_turn_and_no_long_page() -> None:
    async with site() as here:
        few = with_pauses(here.pages.mailbox("monitor"))[1]
        for number in range(10_000):
            await failed(here, f"{number}@example.org", LOGIN)
        watchers: dict[str, Watcher] = here.rig.watchers
        pages = mailbox_page(watchers, "monitor", SETTINGS, list(here.probes), 0.0, UTC_ZONE)
        found, pauses = with_pauses(pages)
        assert (found.known, found.failing) == (10_001, 10_000)
        assert (len(found.named), len(found.failures)) == (MOST_PROBES, MOST_FAILURES)
        assert pauses >= 50
        page, pauses = with_pauses(here.pages.mailbox("monitor"))
        assert pauses >= few + 50
        assert "and 9,951 more" in page
        assert len(page) < 30_000
