"""What a message shows that comes after its trip has failed."""

import time
from dataclasses import replace

import pytest

from exporter.core.facts import LateArrival
from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.mail.message import Kind, read
from exporter.mail.tokens import Mint
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.strays import Stray
from exporter.probing.late_arrival import late_arrival
from exporter.state.trip import State, Trip

TOKEN = Mint(b"k" * 32).mint(1_700_000_000)
RAW = (
    "Received: from relay.example.org ([192.0.2.7]) by mx.example.net;"
    " Tue, 14 Nov 2023 23:13:20 +0000\r\n"
    "Received: from probe.example.org ([192.0.2.5]) by relay.example.org;"
    " Tue, 14 Nov 2023 22:13:21 +0000\r\n"
    f"Message-ID: <{TOKEN.word}@example.org>\r\n\r\nHello\r\n"
).encode()
TRIP = Trip(
    TOKEN.trip,
    ProbeKey("m", "t"),
    "own",
    State.OVERDUE,
    1_700_000_000.0,
    "boot",
    50.0,
    1_700_086_400.0,
    sending_since=50.5,
    accepted=51.0,
)
NOW = 50.0 + 3620.0
CLOCK = Clock(monotonic=lambda: NOW + 5.0, wall=lambda: 1_700_000_000.0 + 3625.0)


def arrival(trip: Trip = TRIP, *, watched: bool = True) -> LateArrival:
    sighting = Sighting(1, "Junk\nmail", RAW, NOW, watched)
    stray = Stray(TOKEN, Kind.MESSAGE, sighting, expected=False)
    return late_arrival(trip, stray, read(RAW).message, CLOCK)


def test_it_has_a_time_a_delay_a_folder_hops_and_headers() -> None:
    late = arrival()
    assert (late.at, late.delay, late.folder) == (1_700_003_620.0, 3619.0, "Junk mail")
    hops = [(hop.number, hop.by, hop.address, hop.delay, hop.skew) for hop in late.hops]
    assert hops == [
        (1, "relay.example.org", "192.0.2.5", 1.0, 0.0),
        (2, "mx.example.net", "192.0.2.7", 3599.0, 0.0),
    ]
    assert [line.partition(":")[0] for line in late.headers] == ["Received"] * 2 + ["Message-ID"]
    assert str(late) == (
        "the message arrived late, 1 h after it was accepted, by way of relay.example.org,"
        " mx.example.net"
    )


def test_after_a_restart_of_the_machine_its_delay_is_unknown_and_its_way_is_not() -> None:
    trip = replace(TRIP, sending_since=None, accepted=None)
    late = arrival(trip)
    assert late.delay is None
    assert late.hops == arrival().hops
    assert str(late) == "the message arrived late, by way of relay.example.org, mx.example.net"


def test_its_delay_is_unknown_if_nobody_watched() -> None:
    assert arrival(watched=False).delay is None
    assert arrival(watched=False).at == pytest.approx(arrival().at)
    assert time.gmtime(arrival().at).tm_hour == 23
