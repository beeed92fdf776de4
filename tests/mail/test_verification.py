"""What servers think of our message and of our TLS: from the wire to the outcome, the series and
the terminal."""

from collections.abc import Callable
from functools import partial

import pytest
from rich.console import Console

from exporter.app import App
from exporter.core.facts import Arrival, Authentication, LeftFrom, SenderCheck, SpamScore
from exporter.core.model import Outcome, ProbeKey, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.terminal import waterfall
from tests.lab.client import Lab, LabUser
from tests.support import virtual_time as virtual
from tests.support.pauses import at_once
from tests.support.prober_rig import ProberRig
from tests.trips.test_scenarios import trip

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: imap.lab.test, ca_file: {imap_ca}, username: {user},
      password: {password}}}}}
  pop3: {{pop3: {{host: imap.lab.test, ca_file: {imap_ca}, username: {user},
      password: {password}}}}}
  own: {{smtpd: {{listen: "{mon_ip}:2525", recipients: [monitor@mon.test]}}}}
modules:
  to-imap: &module
    timeout: 20s
    session_timeout: 4s
    targets: ["*@*"]
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: imap
      trusted_authserv_id: MX1.lab.test
  to-pop3: {{<<: *module, roundtrip: {{<<: *trip, mailbox: pop3}}}}
  to-us: {{<<: *module, roundtrip: {{<<: *trip, mailbox: own}}}}
  untrusting: {{<<: *module, roundtrip: {{<<: *trip, trusted_authserv_id: mx2.lab.test}}}}
"""
EXPIRY = "mailtrip_tls_certificate_expiry_timestamp_seconds"


async def lab_trip(
    lab: Lab, module: str, target: str, user: str = "probe", imap_ca: str = ""
) -> tuple[Outcome, list[str]]:
    """A trip, and the series that it leaves."""
    values = {"dns": lab.dns, "ca": lab.ca, "imap_ca": imap_ca or lab.ca, "password": lab.password}
    text = CONFIGURATION.format(mon_ip=lab.mon_ip, user=user, **values)
    async with App(
        Settings.parse(text.encode(), "judgements.yml"), Store.open(None), new_key()
    ) as app:
        outcome = await trip(app, module, target)
        return outcome, at_once(app.metrics.probe(ProbeKey(module, target))).decode().splitlines()


def judgements(outcome: Outcome) -> dict[str, str]:
    assert any(isinstance(fact, Arrival) for fact in outcome.facts), outcome.failure
    return results(outcome, Authentication)


def results(outcome: Outcome, kind: type[Authentication | SenderCheck]) -> dict[str, str]:
    return {fact.method: fact.result for fact in outcome.facts if isinstance(fact, kind)}


def scores(outcome: Outcome) -> dict[str, float]:
    return {fact.scanner: fact.score for fact in outcome.facts if isinstance(fact, SpamScore)}


def left_from(outcome: Outcome) -> list[str]:
    return [fact.address for fact in outcome.facts if isinstance(fact, LeftFrom)]


async def test_a_trip_tells_what_the_receiver_says_of_it(lab: Lab, lab_user: LabUser) -> None:
    outcome, series = await lab_trip(lab, "to-imap", f"{lab_user.name}@lab.test", lab_user.name)
    assert judgements(outcome) == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    # OpenDKIM has signed the message.
    assert results(outcome, SenderCheck).items() >= judgements(outcome).items()
    assert scores(outcome) == {"rspamd": 0.0}
    assert left_from(outcome) == [lab.relay_ip]
    assert {
        fact.leg for fact in outcome.facts if isinstance(fact, TlsSession) and fact.expires_at
    } == {
        "send",
        "mailbox",
    }
    for name in (
        'authentication_result{method="dmarc",result="pass",source="header"} 1.0',
        'authentication_result{method="dmarc",result="pass",source="local"} 1.0',
        'spam_score{scanner="rspamd"} 0.0',
    ):
        assert f"mailtrip_{name}" in series


async def test_what_another_server_says_is_not_told(lab: Lab, lab_user: LabUser) -> None:
    outcome, series = await lab_trip(lab, "untrusting", f"{lab_user.name}@lab.test", lab_user.name)
    assert judgements(outcome) == {}
    assert results(outcome, SenderCheck) == {"dkim": "pass", "dmarc": "pass", "arc": "none"}
    assert not [line for line in series if 'source="header"' in line]


@pytest.mark.parametrize(
    ("recipient", "results"),
    [("forward@lab.test", {"pass"}), ("rewrite-full@lab.test", set[str]())],
)
async def test_a_message_that_is_wrapped_tells_nothing_of_what_the_first_half_found(
    lab: Lab, recipient: str, results: set[str]
) -> None:
    """The receiver judged the message; it did not judge what somebody made of it afterwards."""
    outcome, _ = await lab_trip(lab, "to-us", recipient)
    assert set(judgements(outcome).values()) == results


@pytest.mark.parametrize("module", ["to-imap", "to-pop3"])
async def test_an_expired_certificate_shows_its_end(
    lab: Lab, lab_user: LabUser, module: str
) -> None:
    """On both legs; sending is the one that is blamed."""
    lab.expire_certificates()
    outcome, series = await lab_trip(lab, module, f"{lab_user.name}@lab.test", lab_user.name)
    assert outcome.failure is not None
    place = (outcome.failure.phase, outcome.failure.step, outcome.failure.reason)
    assert place == (Phase.SEND, Step.TLS, Reason.TLS)
    assert "certificate has expired; the server's own is valid until 20" in outcome.failure.detail
    ends = {fact.leg: fact.expires_at for fact in outcome.facts if isinstance(fact, TlsSession)}
    shown = {
        line.split('"')[1]: float(line.split()[-1]) for line in series if line.startswith(EXPIRY)
    }
    assert shown == ends
    assert ends.keys() == {"send", "mailbox"}
    assert all(0 < outcome.started_at - end < 200 * 86400 for end in shown.values())


@pytest.mark.parametrize("module", ["to-imap", "to-pop3"])
async def test_the_refused_certificate_of_a_mailbox_shows_its_end_on_its_leg(
    lab: Lab, lab_user: LabUser, module: str
) -> None:
    nobody = "/etc/ssl/certs/ca-certificates.crt"
    outcome, series = await lab_trip(
        lab, module, f"{lab_user.name}@lab.test", lab_user.name, imap_ca=nobody
    )
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.step, outcome.failure.reason) == (
        Phase.OPEN,
        Step.TLS,
        Reason.TLS,
    )
    sending, mailbox = (fact for fact in outcome.facts if isinstance(fact, TlsSession))
    facts = {sending.leg: sending, mailbox.leg: mailbox}
    assert (facts[Leg.SEND].version, facts[Leg.MAILBOX].version) == ("TLSv1.3", "")
    assert (facts[Leg.MAILBOX].expires_at or 0) > outcome.started_at
    assert any(line.startswith(f'{EXPIRY}{{leg="mailbox"}}') for line in series)
    assert not any("mailtrip_tls_info" in line and 'leg="mailbox"' in line for line in series)


JUDGED = (
    b"Received: from mx.example.net ([203.0.113.9]) by mailbox.example.com\r\n"
    b"Received: from mail.example.org ([192.0.2.1]) by mx.example.net\r\n"
    b"Authentication-Results: mx.example.net; spf=fail; dkim=pass\r\n"
    b"X-Spam-Status: Yes, score=12.5 required=5.0 version=4.0\r\n"
)
Trusting = partial(ProberRig, trusted_authserv_id="mx.example.net")


def judged(raw: bytes) -> bytes:
    return JUDGED + raw


def falsified(raw: bytes) -> bytes:
    return JUDGED + raw.replace(b"\r\n\r\n", b"\r\n\r\nBuy this!\r\n", 1).replace(
        b"round trip", b"swindle"
    )


@pytest.mark.parametrize("junk", [False, True])
@pytest.mark.parametrize("way", [judged, falsified])
def test_junk_and_altered_messages_are_judged_too(
    way: Callable[[bytes], bytes], junk: bool
) -> None:
    @virtual.on_a(Trusting)
    async def course(rig: ProberRig) -> None:
        rig.sender.on_the_way, rig.mailbox.junk = way, junk
        outcome = await rig.trip()
        assert judgements(outcome) == {"spf": "fail", "dkim": "pass"}
        assert scores(outcome) == {"spamassassin": 12.5}
        assert left_from(outcome) == ["192.0.2.1"]

    course()


@virtual.on_a(ProberRig)
async def test_without_a_trusted_receiver_nothing_is_told_but_the_address_and_the_score(
    rig: ProberRig,
) -> None:
    rig.sender.on_the_way = judged
    outcome = await rig.trip()
    assert judgements(outcome) == {}
    assert scores(outcome) == {"spamassassin": 12.5}
    assert left_from(outcome) == ["203.0.113.9"]


@virtual.on_a(Trusting)
async def test_the_series_are_those_of_the_newest_message_that_came(rig: ProberRig) -> None:
    rig.sender.on_the_way = judged
    await rig.trip()
    rig.sender.delay = None
    await rig.trip()  # it does not come, so that nothing new is known
    assert (
        rig.series()['mailtrip_authentication_result{method="spf",result="fail",source="header"}']
        == 1
    )
    rig.sender.delay, rig.sender.on_the_way = (
        1.0,
        lambda raw: judged(raw).replace(b"spf=fail", b"spf=softfail"),
    )
    await rig.trip()
    shown = {
        name: value
        for name, value in rig.series().items()
        if "authentication" in name or "spam_score" in name
    }
    assert shown == {
        'mailtrip_authentication_result{method="spf",result="softfail",source="header"}': 1,
        'mailtrip_authentication_result{method="dkim",result="pass",source="header"}': 1,
        'mailtrip_spam_score{scanner="spamassassin"}': 12.5,
    }


def test_a_terminal_shows_them() -> None:
    facts = (
        TlsSession(
            *(Leg.SEND, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 1_800_000_000.0, 1_790_000_000.0),
            issuer="C=US, O=Let's Encrypt, CN=R11",
            serial="03a1ff",
        ),
        TlsSession(Leg.MAILBOX, "", "", 1_700_000_000.0),
        TlsSession(Leg.MAILBOX, "TLSv1.2", "ECDHE", None),
        LeftFrom("192.0.2.1"),
        Authentication("spf", "softfail"),
        SpamScore("rspamd", -1.25),
    )
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        waterfall(Outcome("0123456789abcd", ProbeKey("m", "t"), 0.0, 1.0, (), facts), console)
    assert capture.get().splitlines()[2:] == [
        "  TLS, send         TLSv1.3 TLS_AES_256_GCM_SHA384, certificate valid until 2027-01-15, a"
        " certificate above it until 2026-09-21",
        "  certificate       issued by C=US, O=Let's Encrypt, CN=R11, serial number 03a1ff",
        "  TLS, mailbox      session 1 of 2: certificate refused, certificate valid until"
        " 2023-11-14",
        "  TLS, mailbox      session 2 of 2: TLSv1.2 ECDHE",
        "  left from         192.0.2.1",
        "  SPF               softfail",
        "  spam score        -1.25 (rspamd)",
        "",
        "OK: refused as expected",
    ]
