"""Scopes of probes, for tests of what shows them."""

from exporter.core.scope import RoundTripScope
from exporter.settings import Settings

CONFIGURATION = b"""
mailboxes:
  imap: {imap: {host: imap.example.org, username: monitor, password: x}}
  own: {smtpd: {listen: "127.0.0.1:2525", recipients: ["monitor@mon.example.org"]}}
  maildir: {maildir: {path: /home/probe/Maildir}}
modules:
  submission:
    roundtrip: &submission
      from: probe@example.org
      send: {smtp: {host: smtp.example.org, port: 587, username: probe, password: x}}
      mailbox: imap
  exchanger: {roundtrip: {from: probe@mon.example.org, send: {mx: {}}, mailbox: own}}
  plain:
    roundtrip: {<<: *submission, send: {smtp: {host: mx.example.org, tls: none}}, mailbox: maildir}
  refused:
    roundtrip:
      from: probe@example.org
      send: {smtp: {host: mx.example.org, tls: none}}
      expect: {code: 554}
"""
SETTINGS = Settings.parse(CONFIGURATION, "scopes.yml")


def scope(module: str) -> RoundTripScope:
    """The scope of a module of the configuration above."""
    found = SETTINGS.scope(module)
    assert isinstance(found, RoundTripScope)
    return found


SUBMISSION, EXCHANGER = scope("submission"), scope("exchanger")
PLAIN, REFUSED = scope("plain"), scope("refused")
