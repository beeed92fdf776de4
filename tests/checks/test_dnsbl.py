"""Blocklist checks, from the configuration to the series, against real rbldnsd and Unbound."""

import asyncio
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.facts import LateArrival
from exporter.core.model import Listing, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.blocklist_status import blocklist_statuses
from exporter.web.pages.pages import Pages
from tests.lab.client import Lab
from tests.support.blocklist_app import (
    CLEAN,
    LISTED,
    TESTS,
    UNKNOWN,
    app,
    outcome_of,
    series,
    states,
    trip,
    usable,
)
from tests.support.name_server import Zone, name_server
from tests.support.pauses import at_once


async def test_a_listed_address_is_a_failure_that_names_the_list_and_its_code(lab: Lab) -> None:
    async with app(lab.dns, "lists: [bl.lab.test, blclean.lab.test]") as made:
        outcome = await trip(made, lab.mx_ip)
        shown = series(made, lab.mx_ip)
    assert (
        str(outcome.failure)
        == f"verify: listed 127.0.0.2: {lab.mx_ip} is listed on bl.lab.test (127.0.0.2)"
    )
    assert states(outcome) == {("bl", lab.mx_ip): LISTED, ("blclean", lab.mx_ip): CLEAN}
    assert outcome.legs == {}
    assert shown[f'mailtrip_dnsbl_listed{{address="{lab.mx_ip}",list="bl.lab.test"}}'] == 1
    assert shown[f'mailtrip_dnsbl_listed{{address="{lab.mx_ip}",list="blclean.lab.test"}}'] == 0
    assert (
        shown[
            f'mailtrip_dnsbl_code_info{{address="{lab.mx_ip}",code="127.0.0.2",list="bl.lab.test"}}'
        ]
        == 1
    )
    assert shown['mailtrip_dnsbl_list_usable{list="bl.lab.test"}'] == 1
    assert shown['mailtrip_failures_total{phase="verify",reason="listed"}'] == 1
    assert (
        shown['mailtrip_last_failure_info{code="127.0.0.2",phase="verify",reason="listed",step=""}']
        == 1
    )
    assert shown["probe_success"] == shown["mailtrip_success"] == 0
    # Two tests of each list, and the TXT record.
    assert shown["mailtrip_dnsbl_query_duration_seconds_count"] == 7
    assert not any(
        name.startswith(("mailtrip_leg_success", "mailtrip_smtp", "mailtrip_delivery"))
        for name in shown
    )


async def test_a_clean_address_is_a_success(lab: Lab) -> None:
    async with app(lab.dns, "lists: [bl.lab.test, blclean.lab.test]") as made:
        outcome = await trip(made)
        assert outcome.failure is None
        assert set(states(outcome).values()) == {CLEAN}
        assert series(made)["probe_success"] == 1
        assert (
            series(made)['mailtrip_dnsbl_query_failures_total{list="bl.lab.test",reason="timeout"}']
            == 0
        )
        assert "not listed on any of 2 blocklists" in await overview(made)


async def test_what_is_put_on_a_list_and_taken_off_is_seen_while_running(lab: Lab) -> None:
    async def until(made: App, success: bool) -> Outcome:
        while (outcome := await trip(made)).success is not success:
            await asyncio.sleep(0.2)  # what lists have said is remembered for as long as they say
        return outcome

    async with app(lab.dns, "lists: [bl.lab.test]") as made:
        assert (await trip(made)).success
        await asyncio.to_thread(lab.list, "192.0.2.1")
        assert "192.0.2.1 is listed on bl.lab.test" in str((await until(made, False)).failure)
        assert series(made)['mailtrip_dnsbl_listed{address="192.0.2.1",list="bl.lab.test"}'] == 1
        await asyncio.to_thread(lab.unlist, "192.0.2.1")
        await until(made, True)
        shown = series(made)
        assert shown['mailtrip_dnsbl_listed{address="192.0.2.1",list="bl.lab.test"}'] == 0
        assert not any(name.startswith("mailtrip_dnsbl_code_info") for name in shown)


async def test_a_listing_has_the_time_of_the_check_that_found_it_first_also_after_a_restart(
    lab: Lab, tmp_path: Path
) -> None:
    options = "lists: [bl.lab.test, blall.lab.test]"
    await asyncio.to_thread(lab.list, "192.0.2.1")
    async with app(lab.dns, options, state=tmp_path) as made:
        first, second = await trip(made), await trip(made)
    assert {began(second, "bl"), began(second, "blall")} == {first.started_at}
    async with app(lab.dns, options, state=tmp_path) as made:
        made.recover()
        assert {began(await trip(made), "bl")} == {first.started_at}
        (bl, blall) = await blocklist_statuses(made.probes)
    assert bl.listed == {"192.0.2.1": first.started_at}
    assert blall.since == first.started_at


def began(outcome: Outcome, name: str) -> float | None:
    return next(
        fact.since
        for fact in outcome.facts
        if isinstance(fact, Listing) and fact.blocklist == f"{name}.lab.test"
    )


@pytest.mark.parametrize("broken", ["blall", "blerr", "bldead"])
async def test_a_list_that_cannot_be_believed_never_alarms_and_never_says_clean(
    lab: Lab, broken: str
) -> None:
    async with app(lab.dns, f"lists: [{broken}.lab.test, blclean.lab.test]") as made:
        outcome = await trip(made)
        shown = series(made)
        page = await overview(made)
    assert outcome.failure is None
    assert states(outcome) == {(broken, "192.0.2.1"): UNKNOWN, ("blclean", "192.0.2.1"): CLEAN}
    assert usable(outcome) == {f"{broken}.lab.test": False, "blclean.lab.test": True}
    assert shown[f'mailtrip_dnsbl_list_usable{{list="{broken}.lab.test"}}'] == 0
    assert [name for name in shown if name.startswith("mailtrip_dnsbl_listed")] == [
        'mailtrip_dnsbl_listed{address="192.0.2.1",list="blclean.lab.test"}'
    ]
    assert "not listed on any of 1 blocklists" in page
    assert f">{broken}.lab.test</a><td" in page
    assert 'class="none">unusable since <time' in page


async def test_when_no_list_can_be_asked_that_is_the_failure(lab: Lab) -> None:
    async with app(lab.dns, "lists: [blall.lab.test, blerr.lab.test]") as made:
        outcome = await trip(made)
        shown = series(made)
    assert outcome.failure is not None
    assert str(outcome.failure).startswith(
        "verify: unusable: no list could be queried: blall.lab.test: it lists"
    )
    assert "blerr.lab.test: the list refuses our queries: 127.255.255.254" in outcome.failure.detail
    assert shown['mailtrip_failures_total{phase="verify",reason="unusable"}'] == 1
    assert shown['mailtrip_dnsbl_query_failures_total{list="blerr.lab.test",reason="refused"}'] == 1


@pytest.mark.parametrize("kind", ["allow", "info"])
async def test_a_list_that_does_not_block_is_told_and_fails_nothing(lab: Lab, kind: str) -> None:
    lists = f"{{zone: bl.lab.test, kind: {kind}}}"
    outcome = await outcome_of(lab.dns, f"lists: [{lists}, blclean.lab.test]", lab.mx_ip)
    assert outcome.failure is None
    assert states(outcome) == {("bl", lab.mx_ip): LISTED, ("blclean", lab.mx_ip): CLEAN}
    assert (await outcome_of(lab.dns, f"lists: [{lists}]", lab.mx_ip)).success
    only_others = await outcome_of(lab.dns, f"lists: [{lists}, blerr.lab.test]", lab.mx_ip)
    assert "unusable: no list could be queried: blerr" in str(only_others.failure)


async def overview(made: App) -> str:
    return await Pages(made.probes, made.store, made.watchers, made.clock.wall).overview()


async def test_a_dead_list_does_not_hold_up_the_others(lab: Lab) -> None:
    async with name_server({}, silent=True) as silent:
        outcome = await outcome_of(
            silent, "lists: [a.example, b.example]", "192.0.2.1", "timeout: 300ms"
        )
    assert outcome.failure is not None
    assert (
        str(outcome.failure)
        == "verify: unusable: no list could be queried: a.example: no answer within the module's"
        " timeout; b.example: no answer within the module's timeout"
    )
    assert outcome.duration < 5  # the lists wait at the same time

    outcome = await outcome_of(lab.dns, "lists: [bldead.lab.test, bl.lab.test]", lab.mx_ip)
    assert outcome.failure is not None
    assert outcome.failure.detail == f"{lab.mx_ip} is listed on bl.lab.test (127.0.0.2)"
    # The resolver may know already that the dead one is dead, and then says so first.
    answered = {span.note for span in outcome.spans if " on " in span.note}
    assert answered == {f"{lab.mx_ip} on bl.lab.test", f"{lab.mx_ip} on bldead.lab.test"}


async def test_a_restart_shows_the_newest_outcome_keeps_the_beat_and_has_nothing_to_go_on_with(
    lab: Lab, tmp_path: Path
) -> None:
    lists = "lists: [bl.lab.test, blerr.lab.test]"
    async with app(lab.dns, lists, lab.mx_ip, state=tmp_path) as made:
        outcome = await trip(made, lab.mx_ip)
        assert await made.store.outcome(outcome.trip)
        assert made.store.unsettled() == []
        before = series(made, lab.mx_ip)
    async with app(lab.dns, lists, lab.mx_ip, state=tmp_path) as made:
        made.recover()
        (probe,) = made.probes
        assert probe.newest is not None
        assert (probe.newest.trip, probe.newest.facts) == (outcome.trip, outcome.facts)
        assert not probe.flights
        made.prober.start_if_due(probe)
        assert not probe.flights
        after = series(made, lab.mx_ip)
        page = at_once(made.metrics.everything()).decode()
    gauges = [
        name for name in before if "dnsbl_list" in name or "_code_" in name or "success" in name
    ]
    assert len(gauges) > 4
    assert {name: after[name] for name in gauges} == {name: before[name] for name in gauges}
    assert (
        f'mailtrip_dnsbl_listed{{address="{lab.mx_ip}",list="bl.lab.test",probe="named"}} 1.0'
        in page
    )
    assert 'mailtrip_leg_success{leg="send",probe="named"}' not in page


async def test_a_check_that_is_cut_off_by_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    async with (
        name_server({}, silent=True) as dns,
        app(dns, "lists: [a.example]", state=tmp_path) as made,
    ):
        flight = made.prober.start(made.probes.get_or_create(ProbeKey("reputation", "192.0.2.1")))
        while made.blocklists.statistics == {}:
            await asyncio.sleep(0.01)
    assert flight.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with app("127.0.0.1:1", "lists: [a.example]", state=tmp_path) as made:
        made.recover()
        assert made.ledger.recover() == []
        assert [probe.newest for probe in made.probes] == [None]


async def test_nothing_sticks_when_an_address_goes_away() -> None:
    before: Zone = {**TESTS, "host.example.test": {"A": ["192.0.2.1", "192.0.2.2"]}}
    zone = dict(before)
    async with name_server(zone) as dns, app(dns, "lists: [bl.example]") as made:
        assert (await trip(made, "host.example.test")).success
        zone["host.example.test"] = {"A": ["192.0.2.2"]}
        assert (await trip(made, "host.example.test")).success
        shown = series(made, "host.example.test")
        assert [name for name in shown if name.startswith("mailtrip_dnsbl_listed")] == [
            'mailtrip_dnsbl_listed{address="192.0.2.2",list="bl.example"}'
        ]
        del zone["host.example.test"]
        assert not (await trip(made, "host.example.test")).success
        assert not any(
            name.startswith("mailtrip_dnsbl_listed") for name in series(made, "host.example.test")
        )


async def test_scrapes_do_not_ask_the_lists_again_within_the_interval() -> None:
    async with name_server(TESTS) as dns, app(dns, "lists: [bl.example]") as made:
        key = made.probes.key("reputation", "192.0.2.7")
        assert made.probes.get_or_create(key).schedule.interval == 3600
        await asyncio.gather(*(made.probes.scrape(key, 10) for _ in range(5)))
        await made.probes.scrape(key, 10)
        assert series(made, "192.0.2.7")["mailtrip_trips_total"] == 1


async def test_progress_tells_every_answer_and_the_outcome_where_time_went(lab: Lab) -> None:
    told: list[Span] = []
    async with app(lab.dns, "lists: [bl.lab.test, blclean.lab.test]") as made:
        outcome = await made.prober.start(
            made.probes.get_or_create(ProbeKey("reputation", lab.mx_ip)), told.append
        )
    answers = {span.note for span in told if span.duration >= 0 and " on " in span.note}
    assert answers == {f"{lab.mx_ip} on bl.lab.test", f"{lab.mx_ip} on blclean.lab.test"}
    assert {(span.phase, span.step) for span in outcome.spans} == {
        (Phase.VERIFY, None),
        (Phase.VERIFY, Step.RESOLVE),
    }


async def test_a_module_that_has_become_a_blocklist_check_ends_the_trips_of_before(
    tmp_path: Path, lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    mail = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes: {{own: {{smtpd: {{listen: "127.0.0.1:0", recipients: ["a@example.org"]}}}}}}
modules:
  reputation:
    roundtrip:
      from: a@example.org
      to: blackhole@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 25, tls: none}}}}
      mailbox: own
probes: [{{name: named, module: reputation, target: 192.0.2.1}}]
"""
    settings = Settings.parse(mail.format(dns=lab.dns).encode(), "mailtrip.yml")
    async with App(settings, Store.open(tmp_path), new_key()) as made:
        made.prober.start(made.probes.get_or_create(ProbeKey("reputation", "192.0.2.1")))
        while [one.state for one in made.store.unsettled()] != ["sent"]:
            await asyncio.sleep(0.02)
    async with app(lab.dns, "lists: [blclean.lab.test]", state=tmp_path) as made:
        made.recover()
        (probe,) = made.probes
        assert not probe.flights
        made.metrics.late(probe.key, "late", LateArrival(1000.0, 5.0, "INBOX", (), ()))
        assert (await trip(made)).success
        assert not any(name.startswith("mailtrip_late") for name in series(made))
    assert "a bug" not in caplog.text


async def test_a_resolver_that_knows_no_name_proves_nothing() -> None:
    """Not every list has a test entry that would show it."""
    untested = "{zone: bl.example, test_points: false}"
    async with name_server({}) as dns, app(dns, f"lists: [{untested}, old.example]") as made:
        outcome = await trip(made)
        shown = series(made)
    assert str(outcome.failure).startswith(
        "verify: unusable: no list could be queried: bl.example: its zone does not exist (NXDOMAIN)"
    )
    assert set(states(outcome).values()) == {UNKNOWN}
    assert shown['mailtrip_dnsbl_list_usable{list="bl.example"}'] == 0
    assert not any(name.startswith("mailtrip_dnsbl_listed") for name in shown)


async def test_a_resolver_that_hides_what_lists_say_proves_nothing() -> None:
    untested = "{zone: bl.example, test_points: false}"
    async with name_server({"bl.example": {}}) as dns:
        lists = f"lists: [{untested}, a.example, b.example]"
        hidden = await outcome_of(dns, lists, "192.0.2.1")
        alone = await outcome_of(dns, f"lists: [{untested}]", "192.0.2.1")
    assert "bl.example: every list with a test entry failed: the" in str(hidden.failure)
    assert set(states(hidden).values()) == {UNKNOWN}
    assert (alone.failure, states(alone)) == (None, {("bl.example", "192.0.2.1"): CLEAN})
