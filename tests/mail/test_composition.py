"""The probe message as it leaves."""

import email
import email.policy
import re
import textwrap
from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.header import OURS
from exporter.core.home import Home
from exporter.mail.composition import Content, compose, is_sealed
from exporter.mail.message import FoundIn, is_whole, read
from exporter.mail.mime import parse
from exporter.mail.tokens import Mint
from tests.support.tokens import tokens_in

TOKEN = Mint(b"k" * 32).mint(1_700_000_000)
PLAIN = Content()


def composed(content: Content = PLAIN, sender: str = "probe@example.org") -> bytes:
    return compose(TOKEN, sender, "monitor@example.com", 1_700_000_000, content).raw


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def test_the_message_is_what_the_standards_ask_for() -> None:
    raw = composed()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = parsed(raw)
    assert message["Message-ID"] == f"<{TOKEN.word}@example.org>"
    assert message["Date"].datetime.timestamp() == 1_700_000_000
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["From"].addresses[0].addr_spec == "probe@example.org"
    assert message["To"].addresses[0].addr_spec == "monitor@example.com"
    assert message["Subject"] == f"mailtrip {TOKEN.word}"
    assert message.get_content().splitlines()[0] == TOKEN.word
    assert len(raw) < 1100


@pytest.mark.parametrize(
    ("home", "automatic", "suppressed"),
    [
        (Home.REPLY, None, None),
        # Exchange reports no delivery if this is `All`, or has `DR`.
        (Home.DELIVERY_STATUS, "auto-generated", "RN, NRN, OOF, AutoReply"),
    ],
)
def test_a_message_does_not_keep_away_what_must_come_home(
    home: Home, automatic: str | None, suppressed: str | None
) -> None:
    message = parsed(composed(Content(home=home)))
    assert message["Auto-Submitted"] == automatic
    assert message["X-Auto-Response-Suppress"] == suppressed


@pytest.mark.parametrize("home", Home)
def test_only_a_message_whose_delivery_is_to_be_reported_has_a_name_for_that(home: Home) -> None:
    message = compose(TOKEN, "a@example.org", "b@example.org", 0, Content(home=home))
    assert message.envelope_id == (TOKEN.word if home is Home.DELIVERY_STATUS else "")


def test_the_headers_that_users_may_not_set_are_those_that_we_write() -> None:
    written = {name.lower() for name in parsed(composed())}
    assert written <= OURS
    assert OURS - written == {"cc", "bcc", "received", "return-path"}


def test_addresses_beyond_ascii_travel_as_utf_8_below_an_ascii_message_id() -> None:
    message = parsed(composed(sender="pröbe@bücher.example"))
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")
    assert "pröbe@bücher.example" in message.get_content()


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        ("Monatsbericht", f"Monatsbericht {TOKEN.word}"),
        ("[{token}] the mail works", f"[ {TOKEN.word} ] the mail works"),
        ("{token}", TOKEN.word),
        ("Grüße, 世界: {token} – tschüß", f"Grüße, 世界: {TOKEN.word} – tschüß"),
        ("ü" * 150, f"{'ü' * 150} {TOKEN.word}"),
    ],
    ids=["before it", "in the middle", "alone", "not ASCII", "long"],
)
def test_the_subject_is_the_user_s_with_the_token_in_it(wanted: str, subject: str) -> None:
    raw = composed(Content(subject=wanted))
    assert parsed(raw)["Subject"] == subject
    assert TOKEN.word.encode() in raw.partition(b"Subject:")[2].partition(b"Date:")[0]
    only_subject = (
        f"Subject: {raw.partition(b'Subject: ')[2].partition(b'Date:')[0].decode()}\r\nFrom:"
        " a@b\r\n\r\n"
    )
    assert tokens_in(only_subject.encode()) == {TOKEN.word: FoundIn.SUBJECT}


def test_more_headers_stand_in_the_message_also_long_and_foreign_ones() -> None:
    headers = (
        ("X-Team", "mail"),
        ("Precedence", "bulk"),
        ("X-Long", "x" * 400),
        ("Organization", "Köln, " * 50),
    )
    raw = composed(Content(headers=headers))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.partition(b"\r\n\r\n")[0].isascii()
    message = parsed(raw)
    for name, value in headers:
        assert str(message[name]).strip() == value.strip()
    assert is_whole(parse(raw), TOKEN)


@pytest.mark.parametrize("sender", ["probe@example.org", "pröbe@example.org"])
@pytest.mark.parametrize("size", [0, 900, 1024, 2000, 65536, 1 << 20])
def test_the_message_has_the_size_that_was_asked_for(size: int, sender: str) -> None:
    raw = composed(Content(size=size), sender)
    bare = len(composed(sender=sender))
    assert max(size, bare) <= len(raw) <= max(size, bare) + 80
    assert is_whole(parse(raw), TOKEN)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("size", [0, 5000])
def test_every_line_of_the_text_is_short_enough_for_whoever_wraps_text(size: int) -> None:
    """Some servers wrap at 72; RFC 5322 asks for at most 78."""
    for sender in ("probe@example.org", f"{'long' * 16}@{'sub.' * 40}example.org"):
        body = composed(Content(size=size), sender).partition(b"\r\n\r\n")[2]
        assert max(map(len, body.split(b"\r\n"))) < 72
        assert not any(line.startswith((b".", b"From ")) for line in body.split(b"\r\n"))
        assert is_whole(parse(composed(Content(size=size), sender)), TOKEN)


def rewrapped(text: str, width: int, *, hard: bool = False) -> str:
    lines = (textwrap.wrap(line, width, break_long_words=hard) or [""] for line in text.split("\n"))
    return "\n".join(part for line in lines for part in line)


@pytest.mark.parametrize(
    "way",
    [
        partial(rewrapped, width=70),
        partial(rewrapped, width=60),
        partial(rewrapped, width=40, hard=True),
        lambda text: re.sub(r"(\S)\n(?=\S)", r"\1 ", text),  # a paragraph is one line
        lambda text: re.sub(r"(\S)\n(?=\S)", r"\1 \n", text),  # format=flowed
        lambda text: "".join(
            f" {line}\n" for line in text.split("\n")
        ),  # stuffed, as format=flowed may be
        lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"),
        lambda text: text.replace("\n", "  \t\n"),
        lambda text: f"CAUTION: from outside\n\n{text}\n-- \nA footer\n",
    ],
)
def test_a_text_whose_lines_were_broken_elsewhere_is_whole(way: Callable[[str], str]) -> None:
    head, _, body = composed(Content(size=3000)).decode().replace("\r\n", "\n").partition("\n\n")
    head = head.replace("us-ascii", "utf-8")
    assert way(body) != body
    for text in (way(body), way(body).replace("\n", "\r\n")):
        assert is_whole(parse(f"{head}\n\n{text}".encode()), TOKEN)
        assert not is_whole(
            parse(f"{head}\n\n{text}".replace("Prometheus", "Epimetheus").encode()), TOKEN
        )


def test_of_a_text_that_a_gateway_encrypted_nobody_can_say_that_it_was_altered() -> None:
    head = composed(Content()).decode().replace("\r\n", "\n").partition("\n\n")[0]
    assert is_whole(
        parse(
            f"{head}\n\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA0\n"
            "-----END PGP MESSAGE-----\n".encode()
        ),
        TOKEN,
    )
    assert not is_whole(parse(f"{head}\n\nhQEMA0\n".encode()), TOKEN)


def test_a_message_that_an_older_mailtrip_sent_is_whole() -> None:
    """One may come days after an upgrade. Its last line was the token and the digest of the lines
    above it."""
    text = f"{TOKEN.word}\n\nThis is a test message of mailtrip,\nthat was sent before.\n"
    digest = sha256(text.strip().encode()).hexdigest()[:32]
    head = f"Message-ID: <{TOKEN.word}@example.org>\nContent-Type: text/plain\n\n"
    assert is_whole(parse(f"{head}{text}{TOKEN.word} {digest}\n".encode()), TOKEN)
    assert not is_whole(
        parse(f"{head}{text}{TOKEN.word} {digest}\n".replace("before", "after").encode()), TOKEN
    )


def test_a_text_in_base64_is_read_to_its_last_letter() -> None:
    raw = composed().replace(b"7bit", b"base64")
    head, _, body = raw.partition(b"\r\n\r\n")
    for end in (b"", b"x", b"xy"):
        coded = b64encode(body.strip() + end.join((b"\n", b"")) if end else body.strip())
        assert is_whole(parse(head + b"\r\n\r\n" + coded), TOKEN)


def test_a_large_text_of_which_a_line_is_missing_is_not_whole() -> None:
    lines = composed(Content(size=20_000)).split(b"\r\n")
    del lines[100]
    assert not is_whole(parse(b"\r\n".join(lines)), TOKEN)


@given(st.binary(max_size=300))
def test_nothing_else_is_sealed(noise: bytes) -> None:
    assert not is_sealed(
        f"{TOKEN.word}\n{noise.decode('latin-1')}\n{TOKEN.word} 0123456789abcdef0123456789abcdef",
        TOKEN,
    )


@given(st.text(min_size=1, max_size=200).filter(str.isprintable), st.integers(0, 5000))
def test_whatever_users_want_the_message_is_whole_and_ours(subject: str, size: int) -> None:
    raw = composed(Content(subject=subject, headers=(("X-Note", subject),), size=size))
    reading = read(raw)
    assert reading.tokens == {TOKEN.word: FoundIn.HEADER}
    assert is_whole(parse(raw), TOKEN)
    assert parsed(raw)["To"] == "monitor@example.com"
    assert b"\n" not in raw.replace(b"\r\n", b"")
