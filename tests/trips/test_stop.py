"""SIGSTOP in each phase of a trip, for longer than its timeouts, on real servers: mailtrip blames
itself, not a server, and observes no delay that it was too late to see."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.interposer import Interposer
from tests.support.mailtrip_process import Exporter

pytestmark = [pytest.mark.slow, pytest.mark.first]

STOPPED = 9.0  # seconds
CONFIGURATION = """\
mailboxes:
  monitor: {{imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: {user.name},
      password: {user.lab.password}}}}}
modules:
  relay:
    interval: 1h
    timeout: 7s
    session_timeout: 4s
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {smtp},
        tls: none}}}}, mailbox: monitor}}
probes:
  - {{name: relay, module: relay, target: {user.address}}}
"""

Start = Callable[..., Exporter]


@pytest.fixture
def start(lab_user: LabUser, smtp: Interposer, imap: Interposer, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(smtp_port: int = smtp.port) -> Exporter:
            text = CONFIGURATION.format(user=lab_user, smtp=smtp_port, imap=imap.port)
            exporter = Exporter(text, tmp_path / "mailtrip")
            stack.callback(exporter.kill)
            return exporter

        yield start


@contextmanager
def stopped(exporter: Exporter) -> Iterator[None]:
    """The process, for the block and longer than any of its timeouts."""
    exporter.send(signal.SIGSTOP)
    try:
        yield
        time.sleep(STOPPED)
    finally:
        exporter.send(signal.SIGCONT)


def failures(exporter: Exporter) -> list[str]:
    """The labels of the failure of its trip, when that has ended."""
    exporter.wait_for('mailtrip_trips_total{probe="relay"}')
    return [name for name, value in of_family(exporter, "mailtrip_failures_total") if value]


def starved_in(phase: str) -> list[str]:
    return [f'phase="{phase}",probe="relay",reason="starved"']


def of_family(exporter: Exporter, name: str) -> list[tuple[str, float]]:
    return [
        (series.removeprefix(f"{name}{{").rstrip("}"), value)
        for series, value in exporter.series().items()
        if series.startswith(f"{name}{{")
    ]


def delays(exporter: Exporter) -> float:
    return exporter.series()['mailtrip_delivery_delay_seconds_count{probe="relay"}']


def blamed_legs(exporter: Exporter) -> list[str]:
    return [leg for leg, good in of_family(exporter, "mailtrip_leg_success") if not good]


SILENCES = {
    "greeting": ("smtp", b"220 ", "send", 0),
    "rcpt": ("smtp", b"RCPT TO:", "send", 0),
    "data": ("smtp", b"\r\n.\r\n", "send", 0),
    "select": ("imap", b" SELECT ", "open", 0),
    "fetch": ("imap", b" FETCH ", "deliver", 0),
    "store": ("imap", b" STORE ", "delete", 1),  # it was there before we were stopped
}
"""Which server is silent after which word, the phase in which the trip waits for it, and how many
delays are observed."""


@pytest.fixture(scope="module")
def silenced(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Exporter]]:
    """A mailtrip for each of SILENCES. Each was stopped when its server had become silent, and all
    went on at once, so that the tests wait together."""
    with ExitStack() as stack:
        stopped_ones: dict[str, Exporter] = {}
        for name, (who, word, _, _) in SILENCES.items():
            servers = {
                "smtp": Interposer((lab.relay_ip, 25)),
                "imap": Interposer((lab.imap_ip, 143)),
            }
            for server in servers.values():
                stack.callback(server.close)
            servers[who].hold(word)
            ports = {each: server.port for each, server in servers.items()}
            user = stack.enter_context(lab.fresh_user())
            text = CONFIGURATION.format(user=user, **ports)
            exporter = Exporter(text, tmp_path_factory.mktemp(name))
            stack.callback(exporter.kill)
            assert servers[who].held.wait(30)
            exporter.send(signal.SIGSTOP)
            stopped_ones[name] = exporter
        time.sleep(STOPPED)
        for exporter in stopped_ones.values():
            exporter.send(signal.SIGCONT)
        yield stopped_ones


@pytest.mark.timeout(300)  # whichever comes first starts six processes
@pytest.mark.parametrize("silence", SILENCES)
def test_a_server_that_was_silent_while_we_were_stopped_is_not_blamed(
    silenced: dict[str, Exporter], silence: str
) -> None:
    exporter, (_, _, phase, observed) = silenced[silence], SILENCES[silence]
    assert failures(exporter) == starved_in(phase)
    assert delays(exporter) == observed
    assert blamed_legs(exporter) == []


def test_a_connection_that_did_not_come_about_while_we_were_stopped_is_not_blamed(
    start: Start,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first:
        first.connect(full.getsockname())  # the system drops further attempts
        exporter = start(full.getsockname()[1])
        exporter.wait_for('mailtrip_trips_in_flight{probe="relay"}')
        with stopped(exporter):
            pass
        assert failures(exporter) == starved_in("send")


def test_a_message_that_did_not_come_while_we_were_stopped_is_not_overdue(
    start: Start, lab: Lab
) -> None:
    lab.pause_delivery()
    exporter = start()
    while exporter.trips() != ["sent"]:
        time.sleep(0.02)
    with stopped(exporter):
        pass
    assert failures(exporter) == starved_in("deliver")
    assert (delays(exporter), blamed_legs(exporter)) == (0, [])


def test_a_message_that_came_while_we_were_stopped_has_an_unknown_delay(
    start: Start, lab: Lab, lab_user: LabUser
) -> None:
    lab.pause_delivery()
    exporter = start()
    while exporter.trips() != ["sent"]:
        time.sleep(0.02)
    with stopped(exporter):
        lab.resume_delivery()
        lab_user.wait_for_mails()
    assert failures(exporter) == []
    assert delays(exporter) == 0
    assert exporter.series()['mailtrip_success{probe="relay"}'] == 1
