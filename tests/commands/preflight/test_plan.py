"""What `check --try` tries: each server once, and once more for a message that asks more of it."""

from exporter.commands.preflight.plan import plans
from exporter.core.phases import Phase
from exporter.net.dns.resolver import Resolver
from exporter.settings import Settings
from tests.support.sender_rig import means

TEXT = """
mailboxes: {m: {maildir: {path: /m}}}
modules:
  one: {roundtrip: &trip {from: "a+{trip}@b.example", to: c@d.example, send: {smtp: {host: h}}, mailbox: m}}
  two: {roundtrip: *trip}
  answered: {roundtrip: {<<: *trip, home: reply}}
  reported: {roundtrip: {<<: *trip, home: delivery_status}}
"""  # noqa: E501


def test_a_server_is_tried_again_if_it_must_report_deliveries() -> None:
    settings = Settings.parse(TEXT.encode(), "f.yml")
    tried = [one for one in plans(settings, means(Resolver([]))) if one.phase is Phase.SEND]
    assert [one.what for one in tried] == ["module one", "module reported"]
