"""`kill -9` at each phase of a trip, on real servers: the restart finds out what has become of the
message."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.interposer import Interposer
from tests.support.mailtrip_process import Exporter

pytestmark = pytest.mark.slow

CONFIGURATION = """\
mailboxes:
  monitor: {{imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: {user},
      password: {password}}}}}
modules:
  relay:
    interval: {interval}
    timeout: {timeout}
    session_timeout: 4s
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {smtp},
        tls: none}}}}, mailbox: monitor}}
probes:
  - {{name: relay, module: relay, target: {user}@lab.test}}
"""
FINAL_DOT = b"\r\n.\r\n"
COUNTERS = ("trips", "late", "lost", "duplicates")


Start = Callable[..., Exporter]


@pytest.fixture
def start(
    lab: Lab, lab_user: LabUser, smtp: Interposer, imap: Interposer, tmp_path: Path
) -> Iterator[Start]:
    """Starts mailtrip; a second one finds the state of the first, and servers that nobody holds
    up."""
    running: list[Exporter] = []

    def start(interval: str = "1h", timeout: str = "30s") -> Exporter:
        if running:
            running[-1].kill()
            smtp.let_go()
            imap.let_go()
        values = {
            "smtp": smtp.port,
            "imap": imap.port,
            "user": lab_user.name,
            "password": lab.password,
        }
        text = CONFIGURATION.format(interval=interval, timeout=timeout, **values)
        running.append(Exporter(text, tmp_path / "mailtrip"))
        return running[-1]

    yield start
    for exporter in running:
        exporter.kill()


def counts(exporter: Exporter) -> dict[str, float]:
    """How many trips have ended, and what became of messages."""
    series = exporter.series()
    return {name: series[f'mailtrip_{name}_total{{probe="relay"}}'] for name in COUNTERS}


def delays(exporter: Exporter) -> float:
    return exporter.series()['mailtrip_delivery_delay_seconds_count{probe="relay"}']


def messages_in(smtp: Interposer) -> int:
    """How many messages were begun to be sent."""
    return smtp.said.count(b"DATA\r\n")


def wait_until_watched(exporter: Exporter) -> None:
    while 'mailtrip_mailbox_messages{mailbox="monitor"}' not in exporter.series():
        time.sleep(0.02)


def wait_for_state(exporter: Exporter, state: str) -> None:
    while exporter.trips() != [state]:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("who", "word", "leaves"),
    [
        ("imap", b" LOGIN ", False),  # in `open`
        ("smtp", b"RCPT TO:", False),  # in `send`
        ("smtp", FINAL_DOT, False),
        ("smtp", b"queued as", True),  # the server has taken it, and we shall never know
    ],
    ids=["login", "rcpt", "data", "250"],
)
def test_killed_before_acceptance_the_trip_is_void_and_the_next_message_waits_for_the_interval(
    start: Start,
    request: pytest.FixtureRequest,
    lab_user: LabUser,
    who: str,
    word: bytes,
    leaves: bool,
) -> None:
    smtp = request.getfixturevalue("smtp")
    held: Interposer = request.getfixturevalue(who)
    held.hold(word)
    first = start()
    assert held.held.wait(30)
    assert first.trips() == ["leaving"]
    begun = messages_in(smtp)
    second = start()
    # Somebody asks, but it is not due.
    page = second.series(f"/probe?module=relay&target={lab_user.address}")
    assert page["mailtrip_trips_in_flight"] == page["mailtrip_trips_total"] == 0
    third = start()  # and neither after any number of restarts
    assert (
        third.series(f"/probe?module=relay&target={lab_user.address}")["mailtrip_trips_in_flight"]
        == 0
    )
    assert messages_in(smtp) == begun
    assert len(lab_user.wait_for_mails(int(leaves))) == leaves

    fourth = start(interval="2s")
    fourth.wait_for('mailtrip_success{probe="relay"}')
    while lab_user.mails():
        time.sleep(0.02)
    so_far = counts(fourth)
    assert so_far["late"] == so_far["lost"] == so_far["duplicates"] == 0


def test_killed_while_the_message_is_under_way_it_is_recognised_timed_and_deleted(
    start: Start, lab: Lab, lab_user: LabUser, smtp: Interposer
) -> None:
    lab.pause_delivery()
    first = start()
    wait_for_state(first, "sent")
    accepted = time.monotonic()
    second = start()
    assert second.series()['mailtrip_trips_in_flight{probe="relay"}'] == 1
    wait_until_watched(second)
    under_way = time.monotonic() - accepted
    lab.resume_delivery()
    second.wait_for('mailtrip_success{probe="relay"}')
    assert counts(second) == {"trips": 1, "late": 0, "lost": 0, "duplicates": 0}
    assert delays(second) == 1
    assert second.series()['mailtrip_last_delivery_delay_seconds{probe="relay"}'] > under_way
    assert lab_user.mails() == []
    assert messages_in(smtp) == 1


@pytest.mark.parametrize(
    ("word", "gone"),
    [(b" STORE ", False), (b" EXPUNGE ", False), (b"OK Expunge completed", True)],
    ids=["store", "expunge", "gone"],
)
def test_killed_while_the_message_is_deleted_the_trip_is_one_success(
    start: Start, imap: Interposer, smtp: Interposer, lab_user: LabUser, word: bytes, gone: bool
) -> None:
    imap.hold(word)
    first = start()
    assert imap.held.wait(30)
    assert first.trips() == ["found"]
    assert bool(lab_user.mails()) is not gone
    second = start()
    second.wait_for('mailtrip_success{probe="relay"}')
    assert counts(second) == {"trips": 1, "late": 0, "lost": 0, "duplicates": 0}
    assert delays(second) == 1  # the first has measured it
    assert lab_user.mails() == []
    while second.trips() == ["found"]:  # shown a little before it is on the disk
        time.sleep(0.02)
    third = start()
    assert third.series()['mailtrip_success{probe="relay"}'] == 1
    assert counts(third) == {"trips": 0, "late": 0, "lost": 0, "duplicates": 0}
    assert messages_in(smtp) == 1


def test_killed_while_overdue_the_message_still_comes_late(
    start: Start, lab: Lab, lab_user: LabUser, smtp: Interposer
) -> None:
    lab.pause_delivery()
    first = start(timeout="5s")
    wait_for_state(first, "overdue")
    assert counts(first) == {"trips": 1, "late": 0, "lost": 0, "duplicates": 0}
    second = start(timeout="5s")
    assert second.series()['mailtrip_success{probe="relay"}'] == 0
    wait_until_watched(second)
    lab.resume_delivery()
    second.wait_for('mailtrip_late_total{probe="relay"}')
    assert counts(second) == {"trips": 0, "late": 1, "lost": 0, "duplicates": 0}
    assert delays(second) == 1
    assert second.series()['mailtrip_last_delivery_delay_seconds{probe="relay"}'] > 5
    while lab_user.mails():
        time.sleep(0.02)
    assert messages_in(smtp) == 1
    third = start(timeout="5s")
    (told,) = json.loads(third.get("/api/v1/trips"))["items"]
    trip = json.loads(third.get(f"/api/v1/trips/{told['trip']}"))
    (late,) = [fact for fact in trip["facts"] if fact["fact"] == "late_arrival"]
    assert trip["failure"]["reason"] == "overdue"
    assert late["delay"] > 5
    assert any(hop["by"] == "relay.lab.test" for hop in late["hops"])
    assert any(line.startswith("Received: ") for line in late["headers"])
    page = third.get(f"/trips/{told['trip']}")
    assert "the message arrived late, " in page
