"""An invoice with HTML and a PDF on real servers: it comes as it was sent, in every mailbox."""

import asyncio
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.facts import Alteration, Authentication
from exporter.core.model import Outcome, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.mailboxes.session import READ_LIMIT
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser

TEXT = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  pop3: {{pop3: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  maildir: {{maildir: {{path: {maildir}}}}}
  smtpd: {{smtpd: {{listen: "{mon}:2525", recipients: [monitor@mon.test]}}}}
modules:
  m:
    timeout: 30s
    roundtrip:
      from: probe@lab.test
      to: {to}
      send: {{smtp: {{{way}}}}}
      mailbox: {mailbox}
      trusted_authserv_id: mx1.lab.test
      subject: "Rechnung f\N{LATIN SMALL LETTER U WITH DIAERESIS}r Mai {{token}}"
      body: {{file: {directory}/invoice.txt}}
      html: {{file: {directory}/invoice.html}}
      attachment: {{file: {directory}/invoice.pdf, name: {name}}}
"""
HTML = """\
<!DOCTYPE html>
<html><head><title>Rechnung</title><style>p {{ color: #222 }}</style></head><body>
<p>Sehr geehrte Kundin,</p><table><tr><td>1&nbsp;St{}ck<td>10&euro;</table>
<a href="https://pay.example.org/?invoice=4711&amp;customer=1">Bezahlen</a>{}
.
From us with love
</body></html>
""".format("\N{LATIN SMALL LETTER U WITH DIAERESIS}", " " * 2000)


async def trip(
    lab: Lab, user: LabUser, directory: Path, kind: str, size: int, **changes: str
) -> Outcome:
    """A trip of the invoice, whose configuration has these words changed."""
    (directory / "invoice.txt").write_text("Sehr geehrte Kundin,\n\nim Anhang.\n.\nFrom us\n")
    (directory / "invoice.html").write_text(HTML)
    (directory / "invoice.pdf").write_bytes(b"%PDF-1.7\r\n" + bytes(range(256)) * (size // 256))
    login = f"port: 587, ca_file: {lab.ca}, username: probe, password: {lab.password}"
    text = TEXT.format(
        dns=lab.dns,
        ca=lab.ca,
        user=user.name,
        password=lab.password,
        maildir=user.maildir,
        mon=lab.mon_ip,
        to="monitor@mon.test" if kind == "smtpd" else user.address,
        mailbox=kind,
        directory=directory,
        **{"way": f"host: relay.lab.test, {login}", "name": "Rechnung Mai.pdf"} | changes,
    )
    settings = Settings.parse(text.encode(), "m.yml")
    async with asyncio.timeout(60), App(settings, Store.open(None), new_key()) as app:
        probe = app.probes.get_or_create(ProbeKey("m", user.address))
        return await app.prober.start(probe)


@pytest.mark.parametrize("kind", ["imap", "pop3", "maildir", "smtpd"])
async def test_an_invoice_comes_as_it_was_sent(
    lab: Lab, lab_user: LabUser, tmp_path: Path, kind: str
) -> None:
    before = lab_user.mails()
    outcome = await trip(lab, lab_user, tmp_path, kind, 4 * READ_LIMIT)
    assert outcome.failure is None, outcome.failure
    assert not [fact for fact in outcome.facts if isinstance(fact, Alteration)]
    results = {one.method: one.result for one in outcome.facts if isinstance(one, Authentication)}
    assert kind == "smtpd" or results["dkim"] == "pass"
    assert lab_user.mails() == before


async def test_a_filter_of_attachments_is_seen_where_the_short_text_would_pass(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    changes = {"name": "invoice.exe", "way": "host: mx1.lab.test, port: 25, tls: none"}
    failure = (await trip(lab, lab_user, tmp_path, "imap", 1000, **changes)).failure
    assert failure
    assert (failure.step, failure.reason, failure.code) == (Step.DATA, Reason.REJECTED, "550")
    assert "this kind of attachment is not taken" in failure.detail
