"""From one part of the configuration to another."""

import pytest

from exporter.config.mistakes import Mistakes
from exporter.settings import Settings


def test_no_source_address_is_known_of_a_message_that_does_not_come_back() -> None:
    text = b"""mailboxes: {m: {maildir: {path: /m}}}
modules:
  a: {roundtrip: {from: a@b.example, send: {mx: {}}, mailbox: m, home: reply}}
  b: {dnsbl: {lists: [bl.example], addresses: {from_probe: p}}}
probes:
  - {name: p, module: a, target: you@b.example}"""
    with pytest.raises(Mistakes, match="no message of the probe p ever arrives"):
        Settings.parse(text, "mailtrip.yml")
