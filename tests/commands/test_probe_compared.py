"""`mailtrip probe` compares a failed trip with the good ones that `mailtrip serve` has made."""

from dataclasses import replace
from pathlib import Path

from exporter.commands.probe import one_trip
from exporter.core.facts import Changes, MailServer
from exporter.core.model import Outcome, ProbeKey
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.good_trip import GOOD, SERVER
from tests.support.ports import free_port

KEY = ProbeKey("relay", "a@mon.example")
CONFIGURATION = """
state: {{dir: {state}}}
mailboxes: {{own: {{smtpd: {{listen: "127.0.0.1:{receiver}", recipients: [a@mon.example]}}}}}}
modules:
  relay:
    roundtrip: {{from: b@mon.example, mailbox: own,
        send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}}}}
probes: [{{name: relay, module: relay, target: a@mon.example}}]
"""


def settings(state: Path) -> Settings:
    values = {"state": state, "receiver": free_port(), "port": free_port()}
    return Settings.parse(CONFIGURATION.format(**values).encode(), "mailtrip.yml")


async def keep_good_trips(state: Path) -> None:
    moved = replace(SERVER, host="127.0.0.1", addresses=("127.0.0.9",))
    facts = tuple(moved if isinstance(fact, MailServer) else fact for fact in GOOD)
    store = Store.open(state)
    for number in range(3):
        store.finished(Outcome(f"good{number}", KEY, 1_700_000_000.0 + number, 1.0, facts=facts))
    await store.close()


async def test_a_failed_trip_is_compared_with_the_state(tmp_path: Path) -> None:
    await keep_good_trips(tmp_path)
    outcome = await one_trip(settings(tmp_path), KEY, quiet=True)
    assert outcome.failure
    (found,) = [fact for fact in outcome.facts if isinstance(fact, Changes)]
    assert found.good_trip == "good2"
    (change,) = [one for one in found.changes if one.what == "addresses"]
    assert (change.before, change.after) == (("127.0.0.9",), ("127.0.0.1",))


async def test_without_a_state_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    outcome = await one_trip(settings(tmp_path / "state"), KEY, quiet=True)
    assert outcome.failure
    assert [fact for fact in outcome.facts if isinstance(fact, Changes)] == []
