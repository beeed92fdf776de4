"""What filters must react to, as it leaves and as it comes back."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from exporter.mail.composition import Content, compose
from exporter.mail.message import Kind, is_whole, read
from exporter.mail.mime import parse
from exporter.mail.payloads import Payload, attachment_of, is_removed, line_of
from exporter.mail.tokens import Mint
from exporter.mailboxes.completeness import is_complete
from tests.support.tokens import tokens_in

ROOT = Path(__file__).resolve().parents[2]
MINT = Mint(b"k" * 32)
TOKEN = MINT.mint(1_700_000_000)
ATTACHED = ["eicar", "blocked_attachment"]
every_payload = pytest.mark.parametrize("payload", get_args(Payload))


def composed(payload: str, size: int = 0, sender: str = "probe@example.org") -> bytes:
    content = Content(payload=payload, size=size)
    return compose(TOKEN, sender, "monitor@example.com", 1_700_000_000, content).raw


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


@every_payload
@pytest.mark.parametrize("size", [0, 5000])
def test_the_token_and_the_digest_are_in_it(payload: str, size: int) -> None:
    raw = composed(payload, size)
    reading = read(raw)
    assert [MINT.verify(word) for word in reading.tokens] == [TOKEN]
    assert reading.kind is Kind.MESSAGE
    assert is_whole(reading.message, TOKEN)
    assert is_complete(raw, reading, TOKEN)
    assert f"payload {payload}".encode() in raw
    assert size <= len(raw) < max(size, 1000) + 700
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@every_payload
def test_it_survives_letters_of_other_alphabets(payload: str) -> None:
    raw = composed(payload, sender="prüfung@example.org")
    assert is_whole(read(raw).message, TOKEN)


@pytest.mark.parametrize("payload", ATTACHED)
def test_a_changed_text_beside_an_attachment_is_noticed(payload: str) -> None:
    raw = composed(payload)
    assert not is_whole(parse(raw.replace(b"round-trip", b"[removed]")), TOKEN)
    assert not is_complete(raw[: len(raw) // 2], read(raw[: len(raw) // 2]), TOKEN)


def test_the_test_spam_is_a_line_of_its_own() -> None:
    line = line_of("gtube")
    assert len(line) == 68
    assert line in parsed(composed("gtube")).get_content().splitlines()
    assert not line_of("eicar")


@pytest.mark.parametrize(
    ("payload", "name", "length"), [("eicar", "eicar.txt", 68), ("blocked_attachment", ".exe", 73)]
)
def test_an_attachment_arrives_byte_for_byte(payload: str, name: str, length: int) -> None:
    message = parsed(composed(payload))
    (attached,) = message.iter_attachments()
    assert (attached.get_filename() or "").endswith(name)
    wanted = attachment_of(payload)
    assert wanted is not None
    assert attached.get_payload(decode=True) == wanted.content
    assert len(wanted.content) == length
    assert message["X-Mailtrip-Token"] == TOKEN.word


def test_a_forged_sender_is_the_recipient_and_nobody_else() -> None:
    message = compose(
        TOKEN, "probe@example.org", "boss@example.com", 0, Content(payload="forged_from")
    )
    assert parsed(message.raw)["From"].addresses[0].addr_spec == "boss@example.com"
    assert message.sender == "probe@example.org"
    assert message.recipient == "boss@example.com"


def stripped(raw: bytes) -> bytes:
    """A scanner that puts a notice in the place of what it finds."""
    message = parsed(raw)
    (attached,) = message.iter_attachments()
    attached.set_content("A virus was removed.")
    return message.as_bytes()


def wrapped(raw: bytes) -> bytes:
    """What SpamAssassin makes of spam (report_safe 1): a report, with the message attached."""
    head = b"".join(
        line + b"\r\n" for line in raw.split(b"\r\n") if line.startswith((b"Message-ID", b"From"))
    )
    return (
        head
        + b"Subject: *****SPAM*****\r\nX-Spam-Flag: YES\r\nMIME-Version: 1.0\r\n"
        + b'Content-Type: multipart/mixed; boundary="sa"\r\n\r\n--sa\r\n'
        + b"Content-Type: text/plain\r\n\r\n"
        + b"Spam detection software has identified this as spam.\r\n"
        + b"--sa\r\nContent-Type: message/rfc822; x-spam-type=original\r\n"
        + b"Content-Disposition: attachment\r\n\r\n"
        + raw
        + b"\r\n--sa--\r\n"
    )


def renamed(raw: bytes) -> bytes:
    return raw.replace(b"Subject: mailtrip", b"Subject: [SPAM] mailtrip")


@every_payload
@pytest.mark.parametrize("change", [renamed, wrapped])
def test_whatever_a_filter_writes_around_it_it_is_ours_and_has_its_payload(
    payload: str, change: object
) -> None:
    assert callable(change)
    reading = read(change(composed(payload)))
    assert TOKEN.word in reading.tokens
    assert reading.kind is Kind.MESSAGE
    assert is_whole(reading.message, TOKEN)
    assert not is_removed(payload, reading.message)


@pytest.mark.parametrize("payload", ATTACHED)
def test_a_message_from_which_the_payload_was_removed_is_ours_too(payload: str) -> None:
    reading = read(stripped(composed(payload)))
    assert reading.kind is Kind.MESSAGE
    assert is_removed(payload, reading.message)


def test_a_notice_about_a_quarantined_message_is_no_arrival() -> None:
    notice = (
        "From: quarantine@example.com\r\nSubject: VIRUS FOUND\r\nReturn-Path: <>\r\n\r\n"
        f"A message with the subject mailtrip {TOKEN.word} contains a virus.\r\n"
    )
    reading = read(notice.encode())
    assert TOKEN.word in reading.tokens
    assert reading.kind is not Kind.MESSAGE


def test_no_file_of_ours_has_a_payload_in_it() -> None:
    """A scanner would delete it, or what it is shipped in."""
    eicar = attachment_of("eicar")
    assert eicar is not None
    patterns = [line_of("gtube").encode(), eicar.content, eicar.content[-40:]]
    folders = ("exporter", "docs", "tests", "examples", "dashboards")
    files = [one for folder in folders for one in (ROOT / folder).rglob("*") if one.is_file()]
    assert len(files) > 500
    for file in files:
        raw = file.read_bytes()
        assert not any(pattern in raw for pattern in patterns), file


def test_messages_without_a_payload_are_as_before() -> None:
    assert tokens_in(composed("")).keys() == {TOKEN.word}
    assert parsed(composed("")).get_content_type() == "text/plain"
