"""Notices for people: what happened, the code, the server that refused, and its words."""

import pytest

from exporter.mail.bounces import Bounce
from exporter.mail.notices.plain import happened, read, words_of

POSTFIX = """\
This is the mail system at host mx1.example.org.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<nobody@example.net>: host mx.example.net[192.0.2.9] said: 550 5.1.1
    <nobody@example.net>: User unknown (in reply to RCPT TO command)
"""
QMAIL = """\
Hi. This is the qmail-send program at mx1.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.

<nobody@example.net>:
192.0.2.9 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name (#5.1.1)
Giving up on 192.0.2.9.
"""


def test_the_words_of_postfix_are_read() -> None:
    bounce = read("Undelivered Mail Returned to Sender", POSTFIX, None)
    assert bounce
    assert (bounce.action, bounce.status) == ("failed", "5.1.1")
    assert bounce.remote == "mx.example.net"
    assert bounce.reporter == "mx1.example.org"
    assert bounce.diagnostic.startswith("550 5.1.1 <nobody@example.net>: User unknown")


def test_the_words_of_qmail_are_read() -> None:
    bounce = read("failure notice", QMAIL, None)
    assert bounce
    assert (bounce.action, bounce.status, bounce.remote) == ("failed", "5.1.1", "192.0.2.9")
    assert bounce.diagnostic == "550 sorry, no mailbox here by that name (#5.1.1)"


def test_the_status_of_a_program_says_less_than_the_words() -> None:
    """sendmail, of an agent that has exited with EX_NOPERM: `Diagnostic-Code: X-Unix; 77`."""
    said = "550 5.0.0 <a@example.org>... Insufficient permission"
    bounce = read("", f"maildrop: maildir over quota.\n{said}", Bounce("failed", "5.3.0", "", "77"))
    assert bounce
    assert (bounce.status, bounce.diagnostic) == ("5.3.0", said)


def test_fields_come_first_and_words_fill_what_they_leave_out() -> None:
    fields = Bounce("delayed", "", "mx0.example.org", "")
    bounce = read("Undelivered Mail Returned to Sender", POSTFIX, fields)
    assert bounce
    assert (bounce.action, bounce.reporter) == ("delayed", "mx0.example.org")
    assert (bounce.status, bounce.remote) == ("5.1.1", "mx.example.net")


@pytest.mark.parametrize(
    ("told", "status"), [("5.7.1", "5.7.1"), ("5.0.0", "5.1.1"), ("", "5.1.1")]
)
def test_an_unspecific_code_gives_way_to_that_of_the_server(told: str, status: str) -> None:
    bounce = read("", POSTFIX, Bounce("failed", told, "", ""))
    assert bounce
    assert bounce.status == status


@pytest.mark.parametrize(
    ("subject", "text", "action"),
    [
        ("Undelivered Mail Returned to Sender", "", "failed"),
        ("Warning: delivery delayed", "It could not be delivered for 4 hours.", "delayed"),
        ("Delivery Status Notification (Delay)", "", "delayed"),
        ("Successful Mail Delivery Report", "Your message was delivered.", "delivered"),
        ("Delivery report", "Your message could not be delivered.", "failed"),
        ("Out of office", "I am away until Monday.", ""),
        ("Re: hello", "", ""),
        ("", "", ""),
    ],
)
def test_what_happened_is_said_by_the_subject_or_the_text(
    subject: str, text: str, action: str
) -> None:
    assert happened(subject, text) == action


def test_a_notice_that_says_nothing_is_none() -> None:
    assert read("Out of office", "I am away until Monday.", None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mx said: 550-5.7.1 first\n550-5.7.1 second\n550 5.7.1 third", "550 5.7.1 first second"),
        ("a line with 250 words\n552 5.2.2 full", "552 5.2.2 full"),
        ("deferred before (450)\n552 5.2.2 full", "552 5.2.2 full"),
        ("The mailbox is full\n<mx.example.org #5.2.2>", "The mailbox is full <mx.example.org"),
        ("Reason: the mailbox is full", "the mailbox is full"),
        ("Reason:\n\nthe mailbox is full", "the mailbox is full"),
        ("<a@example.org>: mailbox is full", "mailbox is full"),
        ("Hello,\nYour message could not be delivered.\nBye", "Your message could not be"),
        (
            "The message could not be\ndelivered to any\nrecipient.",
            "The message could not be delivered to",
        ),
        (
            "It could not be delivered to: a\nbecause of X.",
            "It could not be delivered to: a because",
        ),
        (
            "Delivery has failed to these:\n* <a@b.org>\n\n--\nNo room",
            "Delivery has failed to these: No",
        ),
        ("-- Message not delivered --\na@example.org\n-- Details --\nNo room", "No room"),
        ("** Delivery failed **\n====", "** Delivery failed **"),
        ("For the following reason:\n\nNo room", "No room"),
        ("7:<a@example.org> : No room", "No room"),
        ("Hello", ""),
        ("", ""),
    ],
)
def test_the_words_of_the_server_are_found(text: str, words: str) -> None:
    assert words_of(text).startswith(words)
    assert bool(words_of(text)) == bool(words)


def test_a_reply_ends_at_an_empty_line_another_recipient_and_the_returned_message() -> None:
    for end in ("", "<b@example.org>: 550 5.1.1 no", "--- Below", "Giving up on 192.0.2.9."):
        assert words_of(f"550 5.1.1 one\n    two\n{end}\nmore") == "550 5.1.1 one two"
