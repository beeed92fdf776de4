"""Both senders against real Postfix, over every kind of TLS."""

import ssl

import pytest

from exporter.message import ProbeMessage, compose, tokens_in
from exporter.model import Exchanger, Failure, Leg, Phase, ProbeError, Reason, Step, TlsSession
from exporter.net.dns import Resolver
from exporter.run import Clock, Run
from exporter.senders import SENDERS, SendOptions
from exporter.tokens import Mint
from tests.lab.client import Lab, LabUser

MINT = Mint(b"k" * 32)


def probe_message(recipient: str) -> ProbeMessage:
    return compose(MINT.mint(0), "probe@lab.test", recipient, 0)


async def send(lab: Lab, how: dict[str, object], message: ProbeMessage) -> tuple[Run, Failure | None]:
    name, options = SendOptions.model_validate(how).chosen
    sender = SENDERS[name](options, Resolver([lab.dns]), message.recipient)
    run = Run(Clock(), session_timeout=20)
    try:
        async with run.deadline(20), run.phase(Phase.SEND):
            await sender.send(message, run)
    except ProbeError as error:
        return run, run.failure(error)
    return run, None


def steps(run: Run) -> list[Step]:
    return [span.step for span in run.spans if span.step and not span.reason]


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
        (LOGIN, [Step.RESOLVE, Step.CONNECT, Step.GREETING, Step.EHLO, Step.TLS, Step.EHLO, Step.AUTH]),
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
    ids=["none", "starttls", "starttls and login", "implicit and login", "implicit and cram-md5", "login without tls"],
)
async def test_smtp_over_every_kind_of_tls(
    lab: Lab, lab_user: LabUser, options: dict[str, object], expected: list[Step]
) -> None:
    message = probe_message(lab_user.address)
    run, failure = await send(lab, {"smtp": {"ca_file": lab.ca, **options}}, message)
    assert failure is None
    assert steps(run) == expected + SMTP_STEPS
    assert ([fact.leg for fact in run.facts if isinstance(fact, TlsSession)] == [Leg.SEND]) == (Step.TLS in expected)
    (mail,) = lab_user.wait_for_mails(1)
    assert tokens_in(mail.content) == tokens_in(message.raw)


async def test_mx_finds_the_exchanger_and_uses_tls_because_it_is_offered(lab: Lab, lab_user: LabUser) -> None:
    run, failure = await send(lab, {"mx": {"source_address": lab.mon_ip}}, probe_message(lab_user.address))
    assert failure is None
    assert Exchanger("mx1.lab.test", 10) in run.facts
    assert Step.TLS in steps(run)
    (mail,) = lab_user.wait_for_mails(1)
    assert b"using TLSv1" in mail.content
    assert f"({lab.mon_name} [{lab.mon_ip}])".encode() in mail.content


async def test_mx_goes_on_to_the_next_exchanger_when_the_first_is_dead(lab: Lab) -> None:
    run, failure = await send(lab, {"mx": {}}, probe_message("probe@deadfirst.test"))
    assert failure is None
    assert Exchanger("mx1.lab.test", 20) in run.facts
    assert [span.note for span in run.spans if span.reason is Reason.CONNECT] == ["dead.lab.test:25"]


async def test_a_domain_without_mx_gets_its_mail_at_its_address(lab: Lab) -> None:
    run, failure = await send(lab, {"mx": {}}, probe_message("probe@nomx.test"))
    assert failure is None
    assert Exchanger("nomx.test", 0) in run.facts


async def test_mx_sends_a_greylisted_message_again_and_the_waiting_is_a_step_of_its_own(lab: Lab) -> None:
    run, failure = await send(
        lab, {"mx": {"source_address": lab.mon_ip, "retry_after": "1s"}}, probe_message("grey@lab.test")
    )
    assert failure is None
    assert run.accepted is not None
    refused = [span for span in run.spans if span.step is Step.RCPT and span.reason]
    waits = [span.duration for span in run.spans if span.step is Step.RETRY]
    assert {span.reason for span in refused} == {Reason.DEFERRED}
    assert len(waits) == len(refused) >= 2
    assert waits[1] == pytest.approx(2 * waits[0], rel=0.1)


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("probe@nullmx.test", (Step.RESOLVE, Reason.NULL_MX, "")),
        ("probe@nxdomain.test", (Step.RESOLVE, Reason.DNS, "NXDOMAIN")),
        ("probe@alldead.test", (Step.CONNECT, Reason.CONNECT, "")),
        ("nobody@lab.test", (Step.RCPT, Reason.REJECTED, "550")),
        ("reject@lab.test", (Step.RCPT, Reason.REJECTED, "554")),
        ("tempfail@lab.test", (Step.RCPT, Reason.DEFERRED, "451")),  # its second exchanger is dead
    ],
)
async def test_mx_names_what_is_wrong(lab: Lab, recipient: str, expected: tuple[Step, Reason, str]) -> None:
    _, failure = await send(lab, {"mx": {"source_address": lab.mon_ip}}, probe_message(recipient))
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == expected


@pytest.mark.parametrize(
    ("options", "expected", "words"),
    [
        ({**LOGIN, "password": "wrong", "port": 465}, (Step.AUTH, Reason.AUTH, "535"), "authentication failed"),
        ({**LOGIN, "port": 465, "ca_file": None}, (Step.TLS, Reason.TLS, ""), "unable to get local issuer certificate"),
        (
            {**LOGIN, "port": 465, "server_name": "other.lab.test"},
            (Step.TLS, Reason.TLS, ""),
            "certificate is not valid for 'other.lab.test'",
        ),
        ({**LOGIN, "port": 465, "ca_file": "/nowhere"}, (Step.TLS, Reason.TLS, ""), "cannot read ca_file /nowhere"),
        ({**LOGIN, "port": 25, "tls": "implicit"}, (Step.TLS, Reason.TLS, ""), "no TLS with relay.lab.test"),
        ({**LOGIN, "port": 2587}, (Step.TLS, Reason.TLS, ""), "does not offer STARTTLS"),
        ({"host": "127.0.0.1", "port": 1}, (Step.CONNECT, Reason.CONNECT, ""), "connection refused"),
        ({"host": "nowhere.lab.test"}, (Step.RESOLVE, Reason.DNS, "NXDOMAIN"), "nowhere.lab.test does not exist"),
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
    run, failure = await send(lab, {"smtp": {"ca_file": lab.ca, **options}}, probe_message("probe@lab.test"))
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == expected
    assert words in failure.detail
    assert run.accepted is None


async def test_the_certificate_s_end_is_a_fact(lab: Lab, lab_user: LabUser) -> None:
    run, _ = await send(lab, {"smtp": {"ca_file": lab.ca, **LOGIN}}, probe_message(lab_user.address))
    lab_user.wait_for_mails(1)
    (fact,) = (fact for fact in run.facts if isinstance(fact, TlsSession))
    shown = ssl.get_server_certificate((lab.relay_ip, 465))
    (lab.directory / "shown.pem").write_text(shown)
    end = ssl._ssl._test_decode_cert(str(lab.directory / "shown.pem"))["notAfter"]  # type: ignore[attr-defined]
    assert fact.expires_at == ssl.cert_time_to_seconds(end)
    assert fact.version == "TLSv1.3"
