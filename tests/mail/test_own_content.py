"""A message with content of the user's own: how it is composed, and what was changed in it."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from exporter.core.facts import Alteration
from exporter.mail.alterations import alterations
from exporter.mail.attachment import Attachment
from exporter.mail.composition import LONGEST_LINE, Content, compose
from exporter.mail.message import FoundIn, read
from exporter.mail.mime import parse
from exporter.mail.own_content import OwnContent
from exporter.mail.tokens import Mint

TOKEN = Mint(b"k" * 32).mint(1_700_000_000)
BODY = "Dear customer,\n\nplease find the invoice attached.\n"
HTML = (
    '<body><p>Dear customer, <a href="https://pay.example.org/7">pay</a>'
    " 10 \N{EURO SIGN}</p></body>"
)
PDF = Attachment.of_file("invoice.pdf", b"%PDF-1.7\r\n" + bytes(range(256)) * 20)
CSV = Attachment.of_file(
    "Posten f\N{LATIN SMALL LETTER U WITH DIAERESIS}r Mai.csv", b"a;b\r\n1;2\r\n"
)
INVOICE = OwnContent(BODY, HTML, (PDF, CSV))


def composed(own: OwnContent = INVOICE, **more: object) -> bytes:
    content = Content(own=own, **more)  # type: ignore[arg-type]
    return compose(TOKEN, "probe@example.org", "x@example.com", 1_700_000_000, content).raw


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
    return message


def changed(raw: bytes) -> tuple[Alteration, ...]:
    return alterations(parse(raw), TOKEN)


def test_an_invoice_has_the_structure_of_a_real_one() -> None:
    raw = composed()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()
    message = parsed(raw)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
        "text/csv",
    ]
    pdf, csv = message.iter_attachments()
    assert pdf.get_filename() == "invoice.pdf"
    assert pdf.get_content() == PDF.content
    assert csv.get_filename() == CSV.name
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert html
    assert text.get_content().replace("\r\n", "\n").startswith(BODY)
    assert "10 \N{EURO SIGN}" in html.get_content()
    for part in (text, html):
        assert TOKEN.word in part.get_content()
    assert changed(raw) == ()


@pytest.mark.parametrize(
    ("own", "kinds"),
    [
        (OwnContent(BODY), ["text/plain"]),
        (OwnContent(html=HTML), ["multipart/alternative", "text/plain", "text/html"]),
        (OwnContent(attachments=(PDF,)), ["multipart/mixed", "text/plain", "application/pdf"]),
        (
            OwnContent(html=HTML, attachments=(PDF,)),
            [
                "multipart/mixed",
                "multipart/alternative",
                "text/plain",
                "text/html",
                "application/pdf",
            ],
        ),
    ],
    ids=["text", "html", "attachment", "html and attachment"],
)
def test_what_is_not_given_is_not_there(own: OwnContent, kinds: list[str]) -> None:
    raw = composed(own)
    assert [part.get_content_type() for part in parsed(raw).walk()] == kinds
    assert changed(raw) == ()
    assert read(raw).tokens == {TOKEN.word: FoundIn.HEADER}


@pytest.mark.parametrize("size", [5_000, 80_000])
@pytest.mark.parametrize("payload", ["", "gtube", "eicar"])
def test_size_pads_and_a_payload_is_added(size: int, payload: str) -> None:
    small = OwnContent(BODY, HTML)
    raw = composed(small, size=size, payload=payload)
    assert size <= len(raw) <= size + 2 * LONGEST_LINE
    assert changed(raw) == ()
    assert (b"eicar.txt" in raw) is (payload == "eicar")


def test_long_and_foreign_lines_travel_quoted_and_from_is_not_at_the_start_of_a_line() -> None:
    own = OwnContent("From us\n" + "w\N{LATIN SMALL LETTER O WITH DIAERESIS}rd " * 60 + "\n.\n..\n")
    raw = composed(own)
    assert raw.isascii()
    text = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, text.split(b"\r\n"))) <= 78
    assert b"\r\nFrom us" not in raw
    body = parsed(raw).get_body()
    assert body
    assert body.get_content().replace("\r\n", "\n").startswith(own.body.rstrip())
    assert changed(raw) == ()
