"""The reply that decided: what the message was taken with, or what ended the attempt, and never the
one to QUIT."""

import logging
import stat
from pathlib import Path

import pytest

from exporter.core.model import Reply
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.smtp.reply import reason_for
from exporter.senders.sendmail_options import SendmailOptions
from tests.support import virtual_time as virtual
from tests.support.name_server import names
from tests.support.prober_rig import ProberRig
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Act, Cut, Stage, witness
from tests.support.smtp_witness import Reply as Answer

TAKEN = "250 2.0.0 Ok: queued as 4XyZ8q3hVGz1"


def replies(run: Run) -> list[Reply]:
    return [fact for fact in run.facts if isinstance(fact, Reply)]


async def sent(kind: str, stage: Stage | None = None, act: Act | None = None) -> Run:
    async with names(ZONE) as resolver, witness() as one:
        if stage and act:
            one.always(stage, act)
        host = (
            {"host": "mx.example.test", "tls": "none"} if kind == "smtp" else {"retry_after": "1h"}
        )
        run = new_run()
        await send(make_sender(kind, {"port": one.port, **host}, resolver), probe_message(), run)
        return run


@pytest.mark.parametrize("kind", ["smtp", "mx"])
async def test_the_final_reply_has_the_name_in_the_queue(kind: str) -> None:
    for stage, act in ((None, None), (Stage.QUIT, Cut()), (Stage.QUIT, Answer("451 4.3.0 no"))):
        run = await sent(kind, stage, act)
        assert replies(run) == [Reply(250, "2.0.0 Ok: taken")]
        assert run.answer == "250 2.0.0 Ok: taken"


@pytest.mark.parametrize("kind", ["smtp", "mx"])
@pytest.mark.parametrize(
    "stage", [Stage.GREETING, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT]
)
async def test_a_refusal_is_the_reply_that_counts(kind: str, stage: Stage) -> None:
    run = await sent(kind, stage, Answer("554 5.7.1 not you"))
    assert replies(run) == [Reply(554, "5.7.1 not you")]
    assert not run.answer


async def test_a_connection_that_is_cut_was_ended_by_no_reply() -> None:
    assert replies(await sent("smtp", Stage.RCPT, Cut())) == []


@virtual.on_a(ProberRig)
async def test_the_words_of_a_trip_that_is_overdue_name_the_message_in_the_queue(
    rig: ProberRig,
) -> None:
    rig.sender.delay = None
    rig.sender.says = lambda raw: [TAKEN]
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE
    assert TAKEN in outcome.failure.detail


def test_acceptance_is_logged_with_the_reply(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    @virtual.on_a(ProberRig)
    async def trip(rig: ProberRig) -> None:
        rig.sender.says = lambda raw: [TAKEN]
        await rig.trip()

    trip()
    assert f"the message is accepted: {TAKEN}" in caplog.text


async def test_a_program_s_own_words_are_told(tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\necho 250 queued as 7\nexec cat > /dev/null\n")
    program.chmod(stat.S_IRWXU)
    run = new_run()
    assert (
        await send(
            make_sender("sendmail", {"path": str(program)}, Resolver()), probe_message(), run
        )
        is None
    )
    assert run.answer == "250 queued as 7"


@pytest.mark.parametrize(
    ("exits", "says", "reason"),
    [
        (1, "sendmail: RCPT TO:<nobody@x.test> (550 5.1.1 No such mailbox here)", Reason.REJECTED),
        (70, "550 5.1.1 No such mailbox here", Reason.REJECTED),
        (77, "msmtp: authentication failed: 535 5.7.8 Error: authentication failed", Reason.AUTH),
        (1, "451 4.7.1 greylisted", Reason.DEFERRED),
        (1, "552 5.2.2 mailbox full", Reason.MAILBOX_FULL),
        (1, "line 550 of the configuration", Reason.PROGRAM),
        (77, "this user may not send", Reason.REJECTED),
        (78, "535 5.7.8 no", Reason.PROGRAM),
        (69, "msmtp: server message: 554 5.7.1 spam", Reason.REJECTED),
        (69, "msmtp: server message: 450 4.7.1 greylisted", Reason.DEFERRED),
        (69, "msmtp: server message: 452 4.2.2 mailbox full", Reason.MAILBOX_FULL),
        (69, "msmtp: server message: 451 try later", Reason.DEFERRED),
        (69, "msmtp: server message: 552 message size exceeds the limit", Reason.REJECTED),
        (65, "msmtp: server message: 550 no such user here", Reason.REJECTED),
        (65, "msmtp: server message: 530 Authentication required", Reason.AUTH),
        (65, "msmtp: server message: 530 5.7.0 Must issue a STARTTLS command first", Reason.TLS),
        (69, "msmtp: server message: 421 too many connections", Reason.UNAVAILABLE),
        (75, "msmtp: cannot connect to relay.test, port 587: Connection refused", Reason.DEFERRED),
        (1, "ssmtp: RCPT TO:<you@x.test> (550 no such user here)", Reason.REJECTED),
        (1, "ssmtp: 451 try later", Reason.DEFERRED),
        (1, "ssmtp: Cannot open relay.test:465", Reason.PROGRAM),
        (70, "451 try later\n\nyou@x.test: 250 ok", Reason.DEFERRED),
        (70, "0 (null)\nyou@x.test: 550 no such user here", Reason.REJECTED),
        (69, "SMTP server problem Connection refused", Reason.UNAVAILABLE),
        (69, "cannot read 512 bytes", Reason.UNAVAILABLE),
        (70, "line 7: 550 of them", Reason.PROGRAM),
    ],
)
async def test_a_refusal_that_a_program_passes_on_is_understood(
    tmp_path: Path, exits: int, says: str, reason: Reason
) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{says}' >&2\nexit {exits}\n")
    program.chmod(stat.S_IRWXU)
    failure = await send(
        make_sender("sendmail", {"path": str(program)}, Resolver()), probe_message(), new_run()
    )
    assert failure
    assert (failure.reason, failure.code) == (reason, str(exits))
    assert one_line(says) in failure.detail
    assert failure.reason in SendmailOptions().reasons


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        (Step.AUTH, 538, "5.7.11 Encryption required for requested authentication mechanism"),
        (Step.AUTH, 538, "Encryption required for requested authentication mechanism"),
        (Step.AUTH, 523, "5.7.10 Encryption Needed"),
        (Step.AUTH, 523, "not in clear text"),
        (Step.AUTH, 504, "5.7.10 unrecognized authentication type"),
        (Step.AUTH, 454, "4.7.10 not without encryption"),
        (Step.MAIL, 550, "5.7.10 Encryption Needed"),
        (Step.RCPT, 554, "sorry, not in clear text (#5.7.10)"),
        (Step.MAIL, 530, "5.7.0 Must issue a STARTTLS command first"),
        (Step.EHLO, 530, "Must issue a STARTTLS command first"),
        (Step.AUTH, 530, "A SSL/TLS-connection is required for authentication."),  # hMailServer
        (Step.MAIL, 530, "encryption required"),  # E-MailRelay
        (Step.MAIL, 530, "5.7.0 TLS required for submission"),
        (Step.AUTH, 530, "5.7.0 You must use TLS to log in"),
        (Step.MAIL, 451, "5.7.3 Must issue a STARTTLS command first"),
        (Step.MAIL, 451, "5.7.3 STARTTLS is required to send mail"),
    ],
)
def test_a_server_that_wants_encryption_is_understood(step: Step, code: int, words: str) -> None:
    """RFC 3207 section 4, RFC 4954 section 6, RFC 5248 section 2.4; 451 is Exchange's."""
    assert reason_for(step, code, words) is Reason.TLS


@pytest.mark.parametrize(
    ("step", "code", "words", "reason"),
    [
        (Step.MAIL, 530, "5.7.0 Authentication required", Reason.AUTH),
        (Step.MAIL, 530, "5.7.1 Authentication required, with SSL or TLS", Reason.AUTH),
        (Step.RCPT, 451, "4.7.1 encryption required some day", Reason.DEFERRED),
        (Step.AUTH, 535, "5.7.1 refused", Reason.AUTH),
        (Step.AUTH, 534, "5.7.9 the mechanism is too weak", Reason.AUTH),
        (Step.AUTH, 535, "5.7.100 no", Reason.AUTH),
        (Step.RCPT, 550, "5.7.1 wrong, see 5.7.10", Reason.REJECTED),
        (Step.RCPT, 550, "5.1.10 null MX", Reason.REJECTED),
        (Step.RCPT, 451, "4.7.1 greylisted", Reason.DEFERRED),
        (Step.RCPT, 550, "5.7.1 no mail from STARTTLS Ltd.", Reason.REJECTED),
    ],
)
def test_another_refusal_is_not_for_want_of_encryption(
    step: Step, code: int, words: str, reason: Reason
) -> None:
    assert reason_for(step, code, words) is reason
