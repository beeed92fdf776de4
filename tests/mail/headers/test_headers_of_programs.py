"""What a header of a program proves of a message that brings ours under another Message-ID, and
what it does not."""

import pytest

from exporter.mail.message import Kind, read
from tests.mail.notices import SENT, TOKEN

_HEAD, _, _TEXT = SENT.partition("\n\n")
FROM = (
    "From: Filter <filter@example.net>\nTo: probe@example.org\nMessage-ID: <new@example.net>\nX:"
    f" {TOKEN.word}\n"
)
MIXED = (
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type:'
    " text/plain\n\n"
)
WHOLE = f"--b\nContent-Type: message/rfc822\n\n{SENT}\n--b--\n"
FORWARDS = {
    "sent again": f"Subject: mailtrip {TOKEN.word}\n\n{_TEXT}",
    "inline": (
        f"Subject: Fwd: mailtrip {TOKEN.word}\n\n---------- Forwarded message"
        f" ---------\n{_HEAD}\n\n{_TEXT}"
    ),
    "attached": f"Subject: For you\n{MIXED}See below.\n{WHOLE}",
    "nothing but it": f"Subject: A rule\nContent-Type: message/rfc822\n\n{SENT}",
}
ASKS_FOR_NO_ANSWER = [
    "X-Noautoreply: yes",
    "X-OTRS-Loop: example.net",
    "X-Loop: filter@example.net",
    "X-Auto-Response-Suppress: All",
    "X-RT-Loop-Prevention: example.net",
    "X-No-Autoresponse: 1",
    "X-MS-Exchange-Inbox-Rules-Loop: a@example.net",
    "Precedence: bulk",
    "Precedence: list",
    "Precedence: junk",
    "List-Id: <a.example.net>",
    "List-Unsubscribe: <mailto:a@example.net>",
    "Mailing-List: contact a@example.net",
    "Auto-Submitted: no",
    "Auto-Submitted: auto-generated",
    "Auto-Submitted: auto-forwarded",
    "Auto-Submitted: no (not auto-replied)",
    "X-Autoreply: no",
    "X-Auto-Reply: NO",
    "X-Autorespond: false",
    "X-Auto-Response: 0",
    "X-Vacation: off",
    "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
    "Delivered-To: autoresponder@example.net",
]
OF_A_PROGRAM = [
    "RT-Ticket: example.net #17",
    "X-Zammad-Ticket: 17",
    "X-Zendesk-From-Account-Id: 17",
    "X-Freshdesk: 1",
    "X-Jira-Fingerprint: 0a",
    "X-HelpScout: 1",
    "X-FC-MachineGenerated: true",
    "X-TMDA-Fingerprint: 0a",
]
ANSWERS = [
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: (vacation) auto-replied",
    "Precedence: auto_reply",
    "X-Autoreply: yes",
    "X-Autorespond: mailtrip",
    "X-Vacation: 1",
    "Delivered-To: Autoresponder",
    "X-MS-Exchange-Generated-Message-Source: Antispam OOF Agent",
    "X-Post-MessageClass: 9; Autoresponder",
]


def kind(header: str, rest: str) -> Kind:
    return read(f"{header}\n{FROM}{rest}".encode()).kind


@pytest.mark.parametrize("form", FORWARDS)
@pytest.mark.parametrize("header", [*ASKS_FOR_NO_ANSWER, *OF_A_PROGRAM])
def test_a_header_that_does_not_prove_an_answer_hides_no_forward(header: str, form: str) -> None:
    assert kind(header, FORWARDS[form]) is Kind.MESSAGE


@pytest.mark.parametrize("form", FORWARDS)
@pytest.mark.parametrize("header", ANSWERS)
def test_a_program_that_says_that_it_answers_does_so_whatever_it_brings(
    header: str, form: str
) -> None:
    assert kind(header, FORWARDS[form]) is Kind.REPLY


@pytest.mark.parametrize("header", OF_A_PROGRAM)
@pytest.mark.parametrize(
    "text", [f"Somebody will look at it.\n\n{_TEXT}", "Somebody will look at it."]
)
def test_a_program_that_has_words_of_its_own_answers(header: str, text: str) -> None:
    assert kind(header, f"Subject: mailtrip {TOKEN.word}\n\n{text}") is Kind.REPLY
