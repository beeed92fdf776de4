"""What an answer proves: that the message reached its recipient, that a server delivered it, or
nothing."""

import pytest

from exporter.core.home import Home
from exporter.mail.composition import compose
from exporter.mail.message import Kind, read
from exporter.mail.tokens import Mint
from tests.mail.notices import arrived, expected
from tests.support.answers import report, silent_vacation, vacation

TOKEN = Mint(b"k" * 32).mint(0)
SENDER = f"probe+{TOKEN.address_part}@example.org"
RAW = compose(TOKEN, SENDER, "someone@example.org", 0).raw


def answered(*lines: str, subject: str = "Away", text: str = "I am away.") -> bytes:
    head = (
        "From: someone@example.org",
        f"To: {SENDER}",
        f"In-Reply-To: <{TOKEN.word}@example.org>",
        f"Subject: {subject}",
        *lines,
    )
    return ("\r\n".join(head) + f"\r\n\r\n{text}\r\n").encode()


AUTOMATIC = "Auto-Submitted: auto-replied"


@pytest.mark.parametrize(
    ("raw", "proof"),
    [
        (vacation(RAW, 0), Home.REPLY),
        (silent_vacation(RAW, 0), Home.REPLY),
        (answered(AUTOMATIC, subject="Automatic reply: mailtrip"), Home.REPLY),
        (
            answered("X-Autoreply: yes", "Precedence: bulk", subject="Out of Office Re: x"),
            Home.REPLY,
        ),
        (answered(subject="[Ticket #4711] received"), Home.REPLY),
        (answered(subject="Re: mailtrip", text="What is this?"), Home.REPLY),
        (report(RAW, 0), Home.DELIVERY_STATUS),
        (report(RAW, 0, original=False), Home.DELIVERY_STATUS),
        (report(RAW, 0, "relayed"), Home.DELIVERY_STATUS),
        (report(RAW, 0, "expanded"), Home.DELIVERY_STATUS),
        (report(RAW, 0, "delayed"), None),
        (answered(AUTOMATIC, subject="Your message to list@example.org awaits approval"), None),
        (answered(AUTOMATIC, subject="Please confirm your message"), None),
        (answered(AUTOMATIC, subject="Quarantine digest"), None),
        (answered("X-Challenge: yes", subject="Who are you?"), None),
        (
            answered(
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
                subject="Read: mailtrip",
                text="--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
                "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--",
            ),
            None,
        ),
    ],
    ids=[
        *("vacation", "vacation by its address", "Exchange", "Gmail", "ticket", "person"),
        *("delivered", "delivered by its address", "relayed", "expanded", "delayed"),
        *("held", "challenge by its subject", "quarantine", "challenge", "receipt"),
    ],
)
def test_what_an_answer_proves(raw: bytes, proof: Home | None) -> None:
    reading = read(raw)
    assert reading.kind is Kind.REPLY
    assert reading.home is proof


REFUSED = "550 5.1.1 <someone@example.org>: tuntematon"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Ongelma", f"Viesti ei mennyt perille: {REFUSED}"),
        ("Ongelma", REFUSED.replace(" 5.", "-5.")),
        ("Automatic reply: Undeliverable: mailtrip", "Sorry."),
        ("About your mail", "Your message to someone@example.org was rejected by a filter."),
        ("About your mail", "host mx.example.org said: 554 User unknown"),
        ("Your e-mail has been quarantined", ""),
        ("Your message is awaiting moderation", ""),
        ("Ihre Nachricht an die Liste wartet auf Genehmigung", ""),
        ("Ihre E-Mail wurde in Quarant\u00e4ne verschoben", ""),
        ("Ihre E-Mail wurde abgelehnt", ""),
        ("Ihre Nachricht wurde zur\u00fcckgewiesen", ""),
        ("Votre message a \u00e9t\u00e9 rejet\u00e9", ""),
        ("Votre message est en attente d'approbation", ""),
    ],
    ids=range(13),
)
def test_an_automatic_message_that_ours_was_refused_or_held_is_no_answer(
    subject: str, text: str
) -> None:
    assert read(answered(AUTOMATIC, subject=subject, text=text)).home is None


@pytest.mark.parametrize(
    "text",
    [
        "I am away. My mail is not read, and not forwarded.",
        "Your e-mail is deleted. Please write again after 15 May.",
        "We have received your request. This is RT 5.0.4; call us at 550 5100.",
        "Ihre Nachricht wird nicht gelesen.",
    ],
    ids=range(4),
)
def test_an_answer_may_say_that_nobody_reads_it(text: str) -> None:
    assert read(answered(AUTOMATIC, text=text)).home is Home.REPLY


def test_the_message_itself_and_a_bounce_prove_what_they_did() -> None:
    assert read(RAW).home is Home.MESSAGE
    assert read(report(RAW, 0, "failed")).home is None


def test_an_event_of_a_sending_service_does_not_report_who_has_the_message() -> None:
    event = '{"notificationType": "Delivery", "mail": {}, "delivery": {"smtpResponse": "250 ok"}}'
    reading = read(answered("Content-Type: text/plain", subject="Amazon SES", text=event))
    assert reading.kind is Kind.REPLY
    assert reading.home is None


NO_PROOF = {
    *("challenge-of-tmda", "complaint", "complaint-without-a-report", "mailman-held"),
    *("message-pending", "not-read", "quarantine-digest", "receipt-in-plain-text"),
    *("receipt-of-reading", "virus-warning", "whitelist-yourself"),
}
REPORTED = {"postfix-delivered", "exchange-relayed", "report-expanded"}


def test_what_the_answers_and_notices_of_real_programs_prove() -> None:
    for row in expected():
        reading, name = read(arrived(row.file)), row.file.partition("/")[2]
        if reading.kind is not Kind.REPLY:
            assert reading.home is (Home.MESSAGE if reading.kind is Kind.MESSAGE else None)
        elif row.kind == "answer":
            assert reading.home is (None if name in NO_PROOF else Home.REPLY), row.file
        else:
            assert reading.home is (Home.DELIVERY_STATUS if name in REPORTED else None), row.file
