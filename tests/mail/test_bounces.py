"""The fields of a delivery status notification (RFC 3464), also as servers write them."""

import pytest

from exporter.mail.bounces import (
    MAX_BLOCKS,
    Bounce,
    bounce_in,
    code_in,
    has_fields,
    host,
    typed_value,
)

FAILED = """\
Reporting-MTA: dns; mx1.example.org
Arrival-Date: Mon, 30 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; colleague@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx2.example.org
Diagnostic-Code: smtp; 550 5.1.1 <colleague@example.org>:
    User unknown
"""


def found(text: str) -> Bounce:
    bounce = bounce_in([text])
    assert bounce
    return bounce


def test_the_fields_of_one_recipient_and_of_the_message_are_read() -> None:
    assert found(FAILED) == Bounce(
        action="failed",
        status="5.1.1",
        reporter="mx1.example.org",
        diagnostic="550 5.1.1 <colleague@example.org>: User unknown",
        remote="mx2.example.org",
        recipient="colleague@example.org",
    )
    assert found(FAILED).final


def test_of_several_recipients_the_one_that_failed_counts() -> None:
    delayed = "Final-Recipient: rfc822; a@example.org\nAction: delayed\nStatus: 4.2.0\n\n"
    head, _, failed = FAILED.partition("\n\n")
    bounce = found(f"{head}\n\n{delayed}{failed}")
    assert (bounce.action, bounce.recipient) == ("failed", "colleague@example.org")
    assert found(f"{head}\n\n{delayed}").action == "delayed"
    assert not found(f"{head}\n\n{delayed}").final


@pytest.mark.parametrize(
    ("fields", "action", "status"),
    [
        ("Action: failed", "failed", ""),
        ("Action: FAILED (gave up)", "failed", ""),
        ("Action: expired", "failed", ""),
        ("Action: relayed\nStatus: 2.0.0", "relayed", "2.0.0"),
        ("Action: queued\nStatus: 4.4.1", "delayed", "4.4.1"),
        ("Status: 5.7.1", "failed", "5.7.1"),
        ("Status: 4.4.7 (expired)", "delayed", "4.4.7"),
        ("Action: what?\nStatus: 2.1.5", "delivered", "2.1.5"),
        ("Action: what?\nStatus: 6.1.1", "", ""),
        ("Action: failed\nStatus: 5.1.1.9", "failed", ""),
        ("Action: failed\nStatus: 5.1.1000", "failed", ""),
        ("Action: failed\nStatus: 550", "failed", ""),
        ("action : failed\nSTATUS:5.2.2", "failed", "5.2.2"),
        ("Action: failed\nAction: delivered", "failed", ""),
    ],
)
def test_a_status_or_an_action_is_enough(fields: str, action: str, status: str) -> None:
    bounce = found(f"Final-Recipient: rfc822; a@example.org\n{fields}\n")
    assert (bounce.action, bounce.status) == (action, status)


def test_without_a_recipient_s_fields_there_is_no_notification() -> None:
    assert bounce_in([]) is None
    assert bounce_in(["", "\n\n\n"]) is None
    assert bounce_in(["Reporting-MTA: dns; mx1.example.org\n"]) is None
    assert bounce_in(["Hello,\n\nyour message was not delivered.\n"]) is None


def test_at_most_some_blocks_are_read() -> None:
    harmless = "X-Field: 1\n\n"
    assert bounce_in([harmless * (MAX_BLOCKS - 1) + "Action: failed\n"])
    assert bounce_in([harmless * (MAX_BLOCKS + 1) + "Action: failed\n"]) is None
    assert bounce_in([*["X-Field: 1\n"] * MAX_BLOCKS, "Action: failed\n"]) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dns; mx1.example.org", "mx1.example.org"),
        ("smtp;550 no", "550 no"),
        ("550 no such user; see https://example.org", "550 no such user; see https://example.org"),
        ("x-local; one; two", "one; two"),
        ("mx1.example.org", "mx1.example.org"),
        (";", ""),
        ("smtp; 550\x1b[2Jno", "550 [2Jno"),
    ],
)
def test_the_type_of_a_field_is_left_out(field: str, value: str) -> None:
    assert typed_value(field) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("550 5.1.1 no such user", "5.1.1"),
        ("550 no such user", "550"),
        ("host said: 452-4.2.2 full", "4.2.2"),
        ("550 5.0.0 refused", "550"),
        ("250 2.1.5 ok, 550 later", "550"),
        ("from 192.0.2.5.1.1", ""),
        ("version 5.1.1.2", ""),
        ("port 5500", ""),
        ("(#5.7.1)", "5.7.1"),
        ("", ""),
    ],
)
def test_the_code_in_a_text_is_the_telling_one(text: str, code: str) -> None:
    assert code_in(text) == code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MX1.Example.org.", "mx1.example.org"),
        ("[192.0.2.1]:25", "192.0.2.1"),
        ("<mx1.example.org> said", "mx1.example.org"),
        ("2001:db8::1", "2001:db8::1"),
        ("(unknown)", "unknown"),
        ("!", ""),
        ("m" * 300, "m" * 100),
    ],
)
def test_a_server_has_its_name_alone(text: str, name: str) -> None:
    assert host(text) == name


def test_what_is_no_address_is_no_recipient() -> None:
    for text in ("rfc822; everyone", "rfc822; a@b@c", f"rfc822; {'a' * 65}@example.org"):
        assert not found(f"Final-Recipient: {text}\nAction: failed\n").recipient
    angled = found("Final-Recipient: rfc822; <a@example.org>\nAction: failed\n")
    assert angled.recipient == "a@example.org"


def test_fields_in_plain_text_are_several_of_a_recipient() -> None:
    assert has_fields("Sorry.\n\n  Final-Recipient: rfc822; a@b.c\n  Action: failed\n")
    assert not has_fields("Final-Recipient: rfc822; a@b.c\n")
    assert not has_fields("Action: failed\nStatus: 5.0.0\n")
    assert not has_fields("see Final-Recipient: and Action:\n")


def test_a_code_of_one_provider_has_a_hint() -> None:
    assert "outbound spam policy" in Bounce("failed", "5.7.520", "", "").hint
    assert "dkim" in Bounce("failed", "5.7.26", "", "").hint
    assert not Bounce("failed", "5.7.1", "", "").hint
