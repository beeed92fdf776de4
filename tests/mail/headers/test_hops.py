"""The hops of a trip: from the headers of real servers to the outcome, the series and the
terminal."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from rich.console import Console

from exporter.core.facts import Arrival, Hop
from exporter.core.model import Outcome, ProbeKey
from exporter.terminal import waterfall
from tests.lab.client import Lab, LabUser
from tests.support import virtual_time as virtual
from tests.support.pauses import at_once
from tests.support.prober_rig import ProberRig
from tests.trips.test_scenarios import Travel, travel, trip

__all__ = ["travel"]


def hops(outcome: Outcome) -> list[Hop]:
    assert outcome.failure is None, outcome.failure
    return [fact for fact in outcome.facts if isinstance(fact, Hop)]


RELAY, MX, STORE, HOP, OURS = (
    "relay.lab.test",
    "mx1.lab.test",
    "imap.lab.test",
    "hop.lab.test",
    "mon.test",
)


@pytest.mark.parametrize(
    ("recipient", "way"),
    [
        ("alias@lab.test", [RELAY, MX, OURS]),
        ("forward@lab.test", [RELAY, MX, STORE, MX, OURS]),
        ("rewrite-full@lab.test", [RELAY, MX, HOP, MX, OURS]),
    ],
)
async def test_a_forwarded_trip_shows_both_halves(
    travel: Callable[..., Travel], lab_user: LabUser, lab: Lab, recipient: str, way: list[str]
) -> None:
    """However it is forwarded: by an alias, by a Sieve script, or as an attachment of a new
    message."""
    outcome = await travel(lab_user).one_trip("forwarded", recipient)
    found = hops(outcome)
    assert [hop.by for hop in found] == way
    assert [hop.number for hop in found] == list(range(1, len(way) + 1))
    assert (found[0].address, found[0].protocol) == ("127.0.0.1", "ESMTPSA")
    assert (found[1].helo, found[1].address) == (RELAY, lab.relay_ip)
    assert (found[-1].helo, found[-1].protocol) == (MX, "ESMTP")
    for hop in found:
        assert hop.at is not None
        assert 0 <= (hop.delay or 0) <= outcome.duration + 1
        assert -1 <= (hop.skew or 0) <= 1  # one machine, one clock, but the ends of two seconds


async def test_a_server_that_keeps_the_message_shows_in_the_hop_after_it(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    lab.user("slow8").purge()
    async with travel(lab.user("slow8")).app() as app:
        outcome = await trip(app, "relay", "slow8@lab.test")
        page = at_once(app.metrics.probe(outcome.probe)).decode()
    delays = {hop.by: hop.delay for hop in hops(outcome)}
    assert list(delays) == [RELAY, MX, HOP, STORE]
    assert delays[STORE] in (8, 9, 10)
    assert [hop.skew for hop in hops(outcome) if hop.by == STORE] == [0]
    assert all((delays[name] or 0) < 8 for name in (RELAY, MX, HOP))
    assert "mailtrip_hops 4.0" in page
    assert f'mailtrip_hop_delay_seconds{{by="{STORE}",hop="4"}} {delays[STORE]:.1f}' in page
    assert 'mailtrip_hop_clock_skew_seconds{hop="4"}' not in page


def received(second: float) -> bytes:
    return f"Received: by mx.example.net; {formatdate(virtual.BEGIN + second)}\r\n".encode()


@virtual.on_a(ProberRig)
async def test_delays_begin_with_our_sending_and_end_with_the_trip(rig: ProberRig) -> None:
    rig.sender.delay = 5.5
    rig.sender.on_the_way = lambda raw: received(100) + received(3) + raw
    # The mailbox takes 0.1 s to open, so that sending begins in the next second.
    await asyncio.sleep(0.95)
    outcome = await rig.trip()
    assert [(hop.delay, hop.skew) for hop in hops(outcome)] == [(2, 0), (7, -90)]


@virtual.on_a(ProberRig)
async def test_junk_shows_its_hops_too(rig: ProberRig) -> None:
    rig.mailbox.junk = True
    rig.sender.on_the_way = lambda raw: received(1) + raw
    assert (await rig.trip()).failure is not None
    assert rig.series()["mailtrip_hops"] == 1


def test_after_a_reboot_nobody_knows_how_long_the_trip_took_and_any_delay_is_believed(
    tmp_path: Path,
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.on_the_way = lambda raw: received(3000) + received(2) + raw
        first.prober.start(first.probe)
        await asyncio.sleep(3)
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, replace(trip, accepted=None, sending_since=None))
        await second.prober.scrape(second.probe, 100)
        assert second.probe.unwritten is not None
        assert [(hop.delay, hop.skew) for hop in hops(second.probe.unwritten)] == [
            (2, 0),
            (2998, 0),
        ]
        await second.close()

    virtual.run(course())


OUTCOME = Outcome(
    trip="0123456789abcd",
    probe=ProbeKey("submission", "someone@example.org"),
    started_at=1_700_000_000.0,
    duration=7.5,
    facts=(
        Hop(
            1,
            "mx1.example.org",
            "probe.example.org",
            "192.0.2.1",
            "ESMTPS",
            1_700_000_001.0,
            1.0,
            0.0,
        ),
        Hop(2, "mx2.example.org", "[evil]", "", "", 1_699_999_999.0, 0.0, 2.0),
        Hop(3, "mx3.example.org", "", "", "LMTP", 1_700_000_060.0, 8.0, -53.0),
        Hop(14, "", "", "", "", None, None, None),
        Arrival("INBOX", "header", 6.0, 6.5),
    ),
)


def test_a_terminal_shows_a_hop_on_each_line_between_sending_and_arrival() -> None:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        waterfall(OUTCOME, console)
    assert capture.get().splitlines()[2:] == [
        "  hop 1             1 s, mx1.example.org, from probe.example.org [192.0.2.1], ESMTPS",
        "  hop 2             0 s, mx2.example.org, from [evil], its clock is 2 s behind",
        "  hop 3             8 s, mx3.example.org, LMTP, its clock is 53 s ahead",
        "  hop 14            unknown delay, (no name)",
        "  found in          INBOX, token in its header",
        "  delivery delay    6.000 s",
        "  round trip        6.500 s",
        "",
        "OK: round trip 6.500 s, delivery delay 6.000 s",
    ]


def test_outcomes_are_stored_with_their_hops_and_older_ones_can_be_read() -> None:
    adapter = TypeAdapter(Outcome)
    assert adapter.validate_json(adapter.dump_json(OUTCOME)) == OUTCOME
    older = """{"trip":"0123456789abcd","probe":{"module":"m","target":"t"},"started_at":1.0,"duration":2.0,"spans":[],
        "facts":[{"code":221,"text":"bye"},{"host":"mx1.example.org","preference":10},
        {"leg":"send","version":"TLSv1.3","cipher":"C","expires_at":null},
        {"folder":"INBOX","found_in":"header","delay":6.0,"round_trip":6.5,"junk":false}],
        "failure":null,"transcript":[]}"""  # noqa: E501
    assert adapter.validate_json(older).facts[-1] == Arrival("INBOX", "header", 6.0, 6.5)
