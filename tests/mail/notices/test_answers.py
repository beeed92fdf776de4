"""What a header and a subject say: an answer, a receipt, something forwarded, or nothing."""

import time

import pytest

from exporter.mail.mime import Part, parse
from exporter.mail.notices import answers


def part(*lines: str, subject: str = "", body: str = "text") -> Part:
    return parse("\r\n".join((*lines, f"Subject: {subject}", "", body)).encode())


@pytest.mark.parametrize(
    ("line", "automatic"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: (away) auto-replied (vacation)", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: auto-generated", False),
        ("Auto-Submitted: auto-forwarded", False),
        ("Precedence: auto_reply", True),
        ("Precedence: bulk", False),
        ("X-Autoreply: yes", True),
        ("X-Autoreply: no", False),
        ("X-Auto-Response-Suppress: All", False),
        ("X-Mailer: vacation 1.2", True),
        ("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent; OOF", True),
    ],
)
def test_the_header_of_an_automatic_answer(line: str, automatic: bool) -> None:
    assert answers.is_automatic(part(line)) is automatic


@pytest.mark.parametrize(
    ("subject", "reply", "forwarded"),
    [
        ("Re: mail", True, False),
        ("RE[2]: mail", True, False),
        ("[EXTERNAL] AW: mail", True, False),
        ("***SPAM*** Antw: mail", True, False),
        ("\N{CJK UNIFIED IDEOGRAPH-56DE}\N{CJK UNIFIED IDEOGRAPH-590D}: mail", True, False),
        ("[Ticket #12345] mail", True, False),
        ("Fwd: mail", False, True),
        ("[list] WG: mail", False, True),
        ("mail (fwd)", False, True),
        ("Request for mail", False, False),
        ("forward: thinking", False, False),
        ("mail", False, False),
    ],
)
def test_a_prefix_tells_a_reply_from_what_is_forwarded(
    subject: str, reply: bool, forwarded: bool
) -> None:
    one = part(subject=subject)
    assert (answers.is_reply(one), answers.is_forwarded(one)) == (reply, forwarded)


@pytest.mark.parametrize(
    ("subject", "sounds"),
    [
        ("Automatic reply: mail", True),
        ("Re: Out of office", True),
        ("Abwesend: mail", True),
        ("Fwd: Automatic reply: mail", False),
        ("mail that was sent", False),
    ],
)
def test_a_subject_may_sound_automatic(subject: str, sounds: bool) -> None:
    assert answers.sounds_automatic(part(subject=subject)) is sounds


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        ((), "Please confirm your message"),
        ((), "Your message is being held"),
        ((), "Ihre Nachricht wurde abgelehnt"),
        (("X-Boxbe: yes",), "Re: mail"),
        (("Content-Type: multipart/report; report-type=disposition-notification",), "Re: mail"),
    ],
)
def test_what_says_that_ours_is_held_or_read_by_no_one_is_no_answer(
    lines: tuple[str, ...], subject: str
) -> None:
    assert not answers.is_answer(part(*lines, subject=subject))
    assert answers.is_answer(part(subject="Re: mail"))
    assert answers.is_answer(part("X-Boxbe: no", subject="Re: mail"))


@pytest.mark.parametrize(
    ("disposition", "refused"),
    [
        ("automatic-action/MDN-sent-automatically; deleted", True),
        ("manual-action/MDN-sent-manually; displayed", False),
        ("manual-action/MDN-sent-manually; deleted", False),
    ],
)
def test_a_receipt_may_be_the_refusal_of_a_filter(disposition: str, refused: bool) -> None:
    receipt = part(
        "Content-Type: message/disposition-notification",
        body=f"Final-Recipient: rfc822; a@example.org\r\nDisposition: {disposition}\r\n",
    )
    assert answers.is_receipt(receipt)
    assert answers.is_refusal(receipt) is refused


def test_programs_that_answer_are_known_unless_they_say_no() -> None:
    assert answers.is_of_a_program(part("X-Zammad-Ticket: 1234"))
    assert not answers.is_of_a_program(part("X-Zammad-Ticket: false"))
    assert answers.is_journal(part("X-MS-Journal-Report: "))
    assert not answers.is_journal(part())


def test_tags_are_no_part_of_a_subject() -> None:
    assert answers.untagged(part(subject="[EXTERNAL] ***SPAM*** mail")) == "mail"
    assert answers.untagged(part(subject="mail [x]")) == "mail [x]"


def test_the_line_above_a_forwarded_message() -> None:
    assert answers.marks_forwarded("---------- Forwarded message ---------\nFrom: a")
    assert answers.marks_forwarded("Anfang der weitergeleiteten Nachricht")
    assert not answers.marks_forwarded("I forwarded it")
    assert answers.passes_on(part(subject="Your message was released"), "")
    assert not answers.passes_on(part(subject="mail"), "away until Monday")


@pytest.mark.parametrize("piece", ["*", "**", "[", "[]", "re", "re:", "(", "spam:", "#1", " ", "-"])
def test_no_subject_takes_long(piece: str) -> None:
    one = part(subject=piece * 3000)
    began = time.process_time()
    for judge in (
        answers.is_reply,
        answers.is_forwarded,
        answers.sounds_automatic,
        answers.untagged,
    ):
        judge(one)
    assert time.process_time() - began < 1
