"""Which messages of a listing are downloaded."""

import pytest

from exporter.mail.tokens import PREFIX
from exporter.mailboxes.graph.worth import (
    header_of,
    headers_are_worth_reading,
    is_worth_reading,
    moment_of,
)
from exporter.net.graph.messages import Listed

TOKEN = f"{PREFIX}{'a' * 48}"
NEWS = Listed("1", "", "News", "news@example.org", "<1@example.org>", "Hello", attachments=False)


def listed(**fields: str | bool) -> Listed:
    known = {name: getattr(NEWS, name) for name in Listed.__slots__}
    return Listed(**{**known, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": f"Re: {TOKEN}"},
        {"subject": f"RE: {TOKEN.upper()}"},
        {"message_id": f"<{TOKEN}@example.org>"},
        {"preview": f"you wrote {TOKEN}"},
        {"sender": ""},
        {"sender": "MAILER-DAEMON@mx1.example.org"},
        {"sender": "postmaster@example.org"},
        {"sender": "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org"},
    ],
)
def test_ours_and_what_may_be_about_ours_is_read_at_any_time(fields: dict[str, str]) -> None:
    assert is_worth_reading(listed(**fields), new=True)
    assert is_worth_reading(listed(**fields), new=False)


def test_a_new_message_may_have_ours_inside() -> None:
    assert is_worth_reading(listed(attachments=True), new=True)
    assert not is_worth_reading(listed(attachments=True), new=False)


def test_messages_of_others_are_left() -> None:
    assert not is_worth_reading(NEWS, new=True)
    assert not is_worth_reading(listed(sender="not-postmaster@example.org"), new=True)


def test_headers_have_a_token_or_say_that_it_is_a_report() -> None:
    assert headers_are_worth_reading(f"In-Reply-To: <{TOKEN}@example.org>")
    assert headers_are_worth_reading("Content-Type: Multipart/Report; boundary=b")
    assert headers_are_worth_reading("X-MS-Exchange-Message-Is-Ndr:")
    assert not headers_are_worth_reading("Content-Type: multipart/mixed")
    assert not headers_are_worth_reading("")


def test_what_is_known_is_a_header_that_nothing_can_be_injected_into() -> None:
    made = header_of(listed(subject="one\r\nBcc: x\r\n\r\nbody", sender="ü@example.org"))
    assert (
        made
        == (
            "From: ü@example.org\r\nSubject: one Bcc: x body\r\nMessage-ID: <1@example.org>\r\n\r\n"
        ).encode()
    )
    assert header_of(listed(subject="\ud800")).count(b"\r\n") == 4


@pytest.mark.parametrize(
    ("received", "moment"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10+01:00", 10.0),
        ("yesterday", None),
        ("", None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_a_moment_that_cannot_be_read_is_unknown(received: str, moment: float | None) -> None:
    assert moment_of(received) == moment
