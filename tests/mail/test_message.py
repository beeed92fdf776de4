import email
import email.policy
from base64 import encodebytes
from collections.abc import Callable
from email.header import Header
from email.message import EmailMessage
from quopri import encodestring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.mail.composition import compose
from exporter.mail.message import FoundIn, Kind, headers, is_whole, read
from exporter.mail.mime import parse
from exporter.mail.tokens import Mint
from tests.support.tokens import tokens_in

MINT = Mint(b"k" * 32)
TOKEN = MINT.mint(1_700_000_000)


def composed(sender: str = "probe@example.org", recipient: str = "monitor@example.com") -> bytes:
    return compose(TOKEN, sender, recipient, 1_700_000_000).raw


def test_a_token_is_found_in_the_header_first() -> None:
    assert tokens_in(composed()) == {TOKEN.word: FoundIn.HEADER}


def wrapped(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "forwarder@example.net"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


def test_a_token_is_found_in_a_folded_subject_with_a_tag_in_front() -> None:
    message = wrapped(Subject=f"Fwd: [EXTERNAL] {'very long ' * 10} {TOKEN.word} mailtrip")
    message.set_content("gone")
    assert tokens_in(message.as_bytes()) == {TOKEN.word: FoundIn.SUBJECT}


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_a_token_is_found_in_encoded_words_even_when_it_is_split_over_two(charset: str) -> None:
    subject = Header(f"Wéitergeleitet ünd so weiter: {TOKEN.word}", charset, maxlinelen=60).encode()
    raw = f"Subject: {subject}\r\n\r\n".encode()
    assert tokens_in(raw) == {TOKEN.word: FoundIn.SUBJECT}


def test_a_token_is_found_in_the_references_of_a_reply() -> None:
    message = wrapped(References=f"<a@b> <{TOKEN.word}@example.org>", Subject="Re: away")
    message.set_content("I am away.")
    assert tokens_in(message.as_bytes()) == {TOKEN.word: FoundIn.REFERENCES}


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_a_token_is_found_in_an_encoded_body(encoding: str) -> None:
    body = f"Grüße\n> quoted: {'=' * 30} {TOKEN.word} footer\n".encode()
    coded = encodestring(body) if encoding == "quoted-printable" else encodebytes(body)
    raw = f"Subject: x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + coded
    assert tokens_in(raw) == {TOKEN.word: FoundIn.BODY}


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le", "windows-1252", "utf-8"])
def test_a_text_that_a_gateway_put_into_another_charset_arrived(charset: str) -> None:
    text = composed().decode().partition("\r\n\r\n")[2]
    head = f"Subject: mailtrip {TOKEN.word}\nContent-Type: text/plain; charset={charset}\n"
    raw = f"{head}Content-Transfer-Encoding: base64\n\n".encode() + encodebytes(
        text.encode(charset)
    )
    assert read(raw).kind is Kind.MESSAGE


def test_a_token_is_found_in_html() -> None:
    message = wrapped(Subject="x")
    message.set_content("plain without")
    message.add_alternative(f"<p>before<br>{TOKEN.word}<br>after</p>", subtype="html")
    assert tokens_in(message.as_bytes()) == {TOKEN.word: FoundIn.BODY}


def test_a_token_is_found_in_a_message_attached_to_a_message_attached_to_a_message() -> None:
    inner = email.message_from_bytes(composed(), policy=email.policy.default)
    for _ in range(3):
        outer = wrapped(Subject="Fwd")
        outer.set_content("see attachment")
        outer.add_attachment(inner)
        inner = outer
    assert tokens_in(inner.as_bytes()) == {TOKEN.word: FoundIn.ATTACHMENT}


def forwarded_by_outlook() -> EmailMessage:
    return wrapped(Subject=f"FW: mailtrip {TOKEN.word}", In_Reply_To=f"<{TOKEN.word}@example.org>")


def vacation_notice() -> EmailMessage:
    return wrapped(
        Subject="Away",
        In_Reply_To=f"<{TOKEN.word}@example.org>",
        Auto_Submitted="auto-replied (vacation)",
    )


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            wrapped(Subject=f"mailtrip {TOKEN.word}", Auto_Submitted="auto-generated"),
            Kind.UNCLEAR,
        ),  # not the text
        (
            wrapped(
                Subject=f"Fwd: mailtrip {TOKEN.word}", References=f"<{TOKEN.word}@example.org>"
            ),
            Kind.MESSAGE,
        ),
        (forwarded_by_outlook(), Kind.MESSAGE),
        (vacation_notice(), Kind.REPLY),
        (wrapped(Subject="Re: mailtrip", In_Reply_To=f"<{TOKEN.word}@example.org>"), Kind.REPLY),
        (
            wrapped(
                Subject=f"AW: mailtrip {TOKEN.word}", In_Reply_To=f"<{TOKEN.word}@example.org>"
            ),
            Kind.REPLY,
        ),
        (
            wrapped(
                Subject=f"Re[2]: mailtrip {TOKEN.word}", In_Reply_To=f"<{TOKEN.word}@example.org>"
            ),
            Kind.REPLY,
        ),
        (wrapped(Subject=f"Re: mailtrip {TOKEN.word}"), Kind.REPLY),
    ],
)
def test_an_answer_is_told_from_a_forwarded_message(message: EmailMessage, kind: Kind) -> None:
    message.set_content("text")
    reading = read(message.as_bytes())
    assert reading.kind is kind
    assert TOKEN.word in reading.tokens


BOUNCE = """\
From: MAILER-DAEMON@relay.example.net
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.net
Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000

Final-Recipient: rfc822; nobody@example.com
Action: {action}
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.com>: Recipient address
    rejected: User unknown

--b
Content-Type: message/rfc822

Message-ID: <{token}@example.org>
Subject: mailtrip

--b--
"""


def test_a_delivery_status_notification_tells_who_gave_up_and_why() -> None:
    reading = read(BOUNCE.format(action="failed", token=TOKEN.word).encode())
    assert reading.kind is Kind.BOUNCE
    assert reading.tokens == {TOKEN.word: FoundIn.ATTACHMENT}
    assert reading.bounce is not None
    assert reading.bounce.status == "5.1.1"
    assert reading.bounce.reporter == "relay.example.net"
    assert "550 5.1.1 <nobody@example.com>: Recipient address" in reading.bounce.diagnostic


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed"])
def test_a_notice_that_is_not_final_is_no_bounce(action: str) -> None:
    assert read(BOUNCE.format(action=action, token=TOKEN.word).encode()).kind is Kind.REPLY


@pytest.mark.parametrize(
    "text", ["multipart/report; boundary=b", "multipart/report", "multipart/report; boundary=x"]
)
def test_a_broken_notification_breaks_nothing(text: str) -> None:
    read(
        BOUNCE.replace('multipart/report; report-type=delivery-status; boundary="b"', text).encode()
    )
    read(BOUNCE.replace("Action: {action}\n", "").encode())
    read(BOUNCE[:450].encode())


def test_a_text_that_is_there_as_it_was_is_whole_whatever_others_write_around_it() -> None:
    head, _, body = composed().partition(b"\r\n\r\n")
    assert is_whole(parse(composed()), TOKEN)
    assert is_whole(parse(composed().replace(b"\r\n", b"\n")), TOKEN)
    assert is_whole(
        parse(head + b"\r\n\r\nCAUTION: external mail\r\n\r\n" + body + b"-- \r\nA footer\r\n"),
        TOKEN,
    )
    assert is_whole(parse(head + b"\r\n\r\n" + body.replace(b"\r\n", b"   \r\n")), TOKEN)
    assert is_whole(
        parse(head.replace(b"7bit", b"quoted-printable") + b"\r\n\r\n" + encodestring(body)), TOKEN
    )


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "no-such-charset"])
def test_a_text_may_have_been_converted_to_another_charset(charset: str) -> None:
    raw = compose(TOKEN, "pröbe@example.org", "b@example.com", 0).raw
    coded = raw.decode().encode("iso-8859-1" if charset == "iso-8859-1" else "utf-8")
    assert is_whole(parse(coded.replace(b"charset=utf-8", f"charset={charset}".encode())), TOKEN)


@pytest.mark.parametrize(
    "alter",
    [
        lambda raw: raw[:-10],
        lambda raw: raw[:-60],
        lambda raw: raw.replace(b"test message", b"tost message"),
        lambda raw: (
            raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\nThis message was removed by a virus scanner."
        ),
        lambda raw: raw.replace(b"\r\n\r\nThis is", b"\r\n\r\n\r\nThis is"),
        lambda raw: raw.replace(b"proves", b"[link removed]\r\nproves"),
    ],
)
def test_a_text_that_was_cut_or_changed_is_not_whole(alter: Callable[[bytes], bytes]) -> None:
    assert alter(composed()) != composed()
    assert not is_whole(parse(alter(composed())), TOKEN)


def test_of_a_message_that_was_wrapped_nothing_can_be_said() -> None:
    message = wrapped(Subject=f"Fwd: {TOKEN.word}")
    message.set_content("see above")
    assert is_whole(parse(message.as_bytes()), TOKEN)


def test_a_message_nested_beyond_measure_is_read_as_far_as_it_goes() -> None:
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 2000 + TOKEN.word.encode()
    assert read(f"Subject: {TOKEN.word}\r\n".encode() + nested).tokens == {
        TOKEN.word: FoundIn.SUBJECT
    }


def test_a_message_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    message = wrapped(Subject="x")
    message.set_content(f"{TOKEN.word}\n" + "long text\n" * 1000, cte="base64")
    assert tokens_in(message.as_bytes()[:500]) == {TOKEN.word: FoundIn.BODY}


@given(st.binary(max_size=2000))
@example(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n")
@example(b"Subject: =?utf-8?b?====?= =?x?q?=?=\r\n\r\n")
@example(b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n" * 40)
def test_reading_never_raises(raw: bytes) -> None:
    tokens_in(raw)


@pytest.mark.parametrize(
    "kind",
    [
        b"text/plain; a*=1; a*0*=2",
        b"text/plain; charset=utf-8\0",
        b"text/plain; charset*=utf-8\0'en'utf-8",
        b"text/plain; charset=idna",
        b"text/plain; charset=hex",
        b"multipart/mixed; a*=1; a*0*=2; boundary=b",
        b"multipart/mixed; boundary*=a\0b'en'b",
        b"multipart/report; a*0=1; a*=2; boundary=b",
        b"multipart/mixed; a*" + b"9" * 5000 + b"=1; boundary=b",
    ],
)
def test_parameters_that_make_no_sense_are_as_good_as_absent(kind: bytes) -> None:
    """Python 3.11's parser raises TypeError and ValueError over them, so that anybody could stop us
    from reading."""
    head = (
        f"Message-ID: <{TOKEN.word}@example.org>\r\n".encode()
        + b"Content-Type: "
        + kind
        + b"\r\n\r\n"
    )
    raw = head + b"--b\r\nContent-Type: " + kind + b"\r\n\r\ntext\r\n--b--\r\n"
    assert read(raw).tokens == {TOKEN.word: FoundIn.HEADER}
    assert headers(parse(raw), TOKEN.word)[0][0] == ("Message-ID", f"<{TOKEN.word}@example.org>")
    assert is_whole(parse(raw), TOKEN) is kind.startswith(b"multipart")


@given(
    st.lists(
        st.sampled_from([b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"References"])
    ),
    st.data(),
)
def test_reading_hostile_headers_never_raises(names: list[bytes], data: st.DataObject) -> None:
    header = b"".join(name + b": " + data.draw(st.binary(max_size=100)) + b"\r\n" for name in names)
    tokens_in(header + b"\r\n" + data.draw(st.binary(max_size=200)))
