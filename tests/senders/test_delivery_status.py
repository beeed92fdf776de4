"""How senders ask for a notification of the delivery (RFC 3461), on the wire."""

import pytest

from exporter.core.home import Home
from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.composition import Content, ProbeMessage, compose
from exporter.senders import SendOptions
from exporter.senders.kind import Sender
from tests.support.name_server import names
from tests.support.sender_rig import make_sender
from tests.support.sending import MINT, SENDER, new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import OFFERS, SmtpWitness, witness

ABLE = [
    name
    for name, options in SendOptions.kinds().items()
    if getattr(options, "requests_status", False)
]
every_able_kind = pytest.mark.parametrize("kind", ABLE)


def reported(recipient: str = "some+one=x@example.test") -> ProbeMessage:
    content = Content(home=Home.DELIVERY_STATUS)
    return compose(MINT.mint(0), SENDER, recipient, 0, content)


def options(kind: str, peer: SmtpWitness) -> dict[str, object]:
    host = {"smtp": {"host": "mx.example.test", "tls": "none"}}.get(kind, {})
    return {"port": peer.port, **host}


def test_the_senders_that_can_ask_are_those_that_speak_smtp() -> None:
    assert {"smtp", "mx"} <= set(ABLE)
    assert "sendmail" not in ABLE, "with Exim, `sendmail -N` delivers nothing at all"


@every_able_kind
async def test_a_message_asks_for_every_notification_and_names_itself(kind: str) -> None:
    message = reported()
    async with names(ZONE) as resolver, witness(offers=(*OFFERS, "DSN")) as peer:
        sender: Sender = make_sender(kind, options(kind, peer), resolver)
        assert await send(sender, message, new_run()) is None
    mail, rcpt = (line for line in peer.commands if line.startswith(("MAIL", "RCPT")))
    size = len(message.raw)
    assert mail == f"MAIL FROM:<{SENDER}> SIZE={size} RET=HDRS ENVID={message.envelope_id}"
    assert rcpt == (
        "RCPT TO:<some+one=x@example.test> NOTIFY=SUCCESS,FAILURE,DELAY"
        " ORCPT=rfc822;some+2Bone+3Dx@example.test"
    )


@every_able_kind
async def test_any_other_message_asks_for_nothing(kind: str) -> None:
    async with names(ZONE) as resolver, witness(offers=(*OFFERS, "DSN")) as peer:
        sender = make_sender(kind, options(kind, peer), resolver)
        assert await send(sender, probe_message(), new_run()) is None
    assert not any("ENVID" in line or "NOTIFY" in line for line in peer.commands)


@every_able_kind
async def test_a_server_that_offers_no_notifications_gets_no_message(kind: str) -> None:
    async with names(ZONE) as resolver, witness() as peer:
        sender = make_sender(kind, options(kind, peer), resolver)
        failure = await send(sender, reported(), new_run())
    assert failure is not None
    assert (failure.phase, failure.step, failure.reason) == (
        Phase.SEND,
        Step.MAIL,
        Reason.PROTOCOL,
    )
    assert "mx.example.test does not offer DSN (RFC 3461)" in failure.detail
    assert not any(line.startswith("MAIL") for line in peer.commands)


@every_able_kind
async def test_a_preflight_finds_that_out_and_sends_nothing(kind: str) -> None:
    for offers, fails in ((OFFERS, True), ((*OFFERS, "DSN"), False)):
        async with names(ZONE) as resolver, witness(offers=offers) as peer:
            sender, run = make_sender(kind, options(kind, peer), resolver), new_run()
            try:
                async with run.deadline(20), run.phase(Phase.SEND):
                    await sender.preflight(reported(), run)
            except ProbeError as error:
                assert "does not offer DSN" in error.detail
                assert fails
            else:
                assert not fails
        assert not any(line.startswith("MAIL") for line in peer.commands)


async def test_an_address_beyond_ascii_is_not_repeated_in_a_parameter() -> None:
    """It would need another form (RFC 6533), and names no one else."""
    async with names(ZONE) as resolver, witness(offers=(*OFFERS, "DSN")) as peer:
        sender = make_sender("smtp", options("smtp", peer), resolver)
        assert await send(sender, reported("jürgen@example.test"), new_run()) is None
    (rcpt,) = (line for line in peer.commands if line.startswith("RCPT"))
    assert rcpt == "RCPT TO:<jürgen@example.test> NOTIFY=SUCCESS,FAILURE,DELAY"
