"""What the senders that speak SMTP do with a real Postfix: every kind of TLS, every kind of
login."""

import ssl
from typing import Any

import pytest

from exporter.core.model import Failure, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from tests.lab.client import Lab, LabUser
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send, steps
from tests.support.tokens import tokens_in


async def sent(lab: Lab, how: dict[str, Any], message: ProbeMessage) -> tuple[Run, Failure | None]:
    ((kind, options),) = how.items()
    run = new_run()
    return run, await send(make_sender(kind, options, Resolver([lab.dns])), message, run)


SMTP_STEPS = [Step.MAIL, Step.RCPT, Step.DATA]
PLAIN = {"host": "relay.lab.test"}
LOGIN = {"host": "relay.lab.test", "username": "probe", "password": "labpass"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (PLAIN, [Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO]),
        (
            {**PLAIN, "tls": "starttls", "port": 25},
            [Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.TLS, Step.EHLO],
        ),
        (
            LOGIN,
            [Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.TLS, Step.EHLO, Step.AUTH],
        ),
        (
            {**LOGIN, "port": 465},
            [Step.RESOLVE, Step.CONNECT, Step.TLS, Step.GREETING, Step.EHLO, Step.AUTH],
        ),
        (
            {**LOGIN, "port": 465, "auth": "cram-md5"},
            [Step.RESOLVE, Step.CONNECT, Step.TLS, Step.GREETING, Step.EHLO, Step.AUTH],
        ),
        (
            {**LOGIN, "port": 2587, "tls": "none", "auth": "login"},
            [Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.AUTH],
        ),
    ],
    ids=[
        "none",
        "starttls",
        "starttls and login",
        "implicit and login",
        "implicit and cram-md5",
        "login without tls",
    ],
)
async def test_smtp_over_every_kind_of_tls(
    lab: Lab, lab_user: LabUser, options: dict[str, object], expected: list[Step]
) -> None:
    message = probe_message(lab_user.address)
    run, failure = await sent(lab, {"smtp": {"ca_file": lab.ca, **options}}, message)
    assert failure is None
    assert steps(run) == expected + SMTP_STEPS
    assert ([fact.leg for fact in run.facts if isinstance(fact, TlsSession)] == [Leg.SEND]) == (
        Step.TLS in expected
    )
    (mail,) = lab_user.wait_for_mails(1)
    assert tokens_in(mail.content) == tokens_in(message.raw)


@pytest.mark.parametrize(
    ("options", "expected", "words"),
    [
        (
            {**LOGIN, "password": "wrong", "port": 465},
            (Step.AUTH, Reason.AUTH, "535"),
            "authentication failed",
        ),
        (
            {**LOGIN, "port": 465, "ca_file": None},
            (Step.TLS, Reason.TLS, ""),
            "unable to get local issuer certificate",
        ),
        (
            {**LOGIN, "port": 465, "server_name": "other.lab.test"},
            (Step.TLS, Reason.TLS, ""),
            "certificate is not valid for 'other.lab.test'",
        ),
        (
            {**LOGIN, "port": 465, "ca_file": "/nowhere"},
            (Step.TLS, Reason.TLS, ""),
            "cannot read ca_file /nowhere",
        ),
        (
            {**LOGIN, "port": 25, "tls": "implicit"},
            (Step.TLS, Reason.TLS, ""),
            "TLS handshake with relay.lab.test failed",
        ),
        ({**LOGIN, "port": 2587}, (Step.TLS, Reason.TLS, ""), "does not offer STARTTLS"),
        (
            {"host": "nowhere.lab.test"},
            (Step.RESOLVE, Reason.DNS, "NXDOMAIN"),
            "nowhere.lab.test does not exist",
        ),
        (
            {**LOGIN, "password": {"file": "/nowhere"}},
            (Step.AUTH, Reason.AUTH, ""),
            "the secret in /nowhere",
        ),
    ],
)
async def test_smtp_names_what_is_wrong(
    lab: Lab, options: dict[str, object], expected: tuple[Step, Reason, str], words: str
) -> None:
    run, failure = await sent(
        lab, {"smtp": {"ca_file": lab.ca, **options}}, probe_message("probe@lab.test")
    )
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == expected
    assert words in failure.detail
    assert run.accepted is None


async def test_the_certificate_s_end_is_a_fact(lab: Lab, lab_user: LabUser) -> None:
    run, _ = await sent(
        lab, {"smtp": {"ca_file": lab.ca, **LOGIN}}, probe_message(lab_user.address)
    )
    lab_user.wait_for_mails(1)
    (fact,) = (fact for fact in run.facts if isinstance(fact, TlsSession))
    shown = ssl.get_server_certificate((lab.relay_ip, 465))
    (lab.directory / "shown.pem").write_text(shown)
    end = ssl._ssl._test_decode_cert(str(lab.directory / "shown.pem"))["notAfter"]  # type: ignore[attr-defined]
    assert fact.expires_at == ssl.cert_time_to_seconds(end)
    assert fact.version == "TLSv1.3"
