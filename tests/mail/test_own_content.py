"""A message with content of the user's own: how it is composed, and what was changed in it."""

import email
import email.policy
import re
from base64 import b64encode
from email.message import EmailMessage

import pytest

from exporter.core.facts import Alteration, Altered
from exporter.mail.alterations import alterations
from exporter.mail.attachment import Attachment
from exporter.mail.composition import LONGEST_LINE, Content, boundary, compose
from exporter.mail.message import FoundIn, read
from exporter.mail.mime import parse
from exporter.mail.own_content import OwnContent
from exporter.mail.tokens import Mint

TOKEN = Mint(b"k" * 32).mint(1_700_000_000)
BODY = "Dear customer,\n\nplease find the invoice attached.\n"
HTML = '<body><p>Dear customer, <a href="https://pay.example.org/7">pay</a> 10 \N{EURO SIGN}</p></body>'
PDF = Attachment.of_file("invoice.pdf", b"%PDF-1.7\r\n" + bytes(range(256)) * 20)
CSV = Attachment.of_file(
    "Posten f\N{LATIN SMALL LETTER U WITH DIAERESIS}r Mai.csv", b"a;b\r\n1;2\r\n"
)
INVOICE = OwnContent(BODY, HTML, (PDF, CSV))
TEXT_CHANGED = Alteration("text", Altered.CHANGED)
HTML_CHANGED = Alteration("html", Altered.CHANGED)
LINKS_CHANGED = Alteration("links", Altered.CHANGED)


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


def replaced(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert old in raw, old
    return raw.replace(old, new, 1)


def test_each_part_that_was_changed_is_named() -> None:
    raw = composed()
    assert changed(replaced(raw, b"please find", b"please lose")) == (TEXT_CHANGED,)
    assert changed(replaced(raw, b"<p>Dear customer", b"<p>Dear friends!")) == (HTML_CHANGED,)
    links = replaced(raw, b"https://pay.example.org", b"https://pay.example.com")
    assert changed(links) == (LINKS_CHANGED,)
    one = b64encode(PDF.content)[:40]
    attached = replaced(raw, one, one[::-1])
    assert changed(attached) == (Alteration("attachment", Altered.CHANGED, 1),)
    both = replaced(links, one, one[::-1])
    assert changed(both) == (LINKS_CHANGED, Alteration("attachment", Altered.CHANGED, 1))


def without(raw: bytes, begins: bytes) -> bytes:
    """The message without the part of this beginning."""
    start = raw.index(begins)
    start = raw.rindex(b"--", 0, start)
    limit = raw[start : raw.index(b"\r\n", start)]
    return raw[:start] + raw[raw.index(limit, start + len(limit)) :]


def test_each_part_that_was_removed_is_named() -> None:
    raw = composed()
    assert changed(without(raw, b"Content-Type: text/html")) == (
        Alteration("html", Altered.REMOVED),
    )
    assert changed(without(raw, b"Content-Type: application/pdf")) == (
        Alteration("attachment", Altered.REMOVED, 1),
    )
    assert changed(without(raw, b"Content-Type: text/csv")) == (
        Alteration("attachment", Altered.REMOVED, 2),
    )


def test_a_text_that_was_dropped_or_made_of_the_html_is_no_alteration() -> None:
    """Exchange keeps the HTML, and makes the text of it when a client asks for it."""
    raw = composed()
    assert changed(without(raw, b"Content-Type: text/plain")) == ()
    made = re.sub(
        rb"(?s)Dear customer,\r\n\r\nplease.*?of [0-9]+\r\n", b"Dear customer, pay\r\n", raw
    )
    assert made != raw
    assert changed(made) == ()


def test_banners_footers_and_wrappings_are_no_alterations() -> None:
    raw = composed()
    assert changed(replaced(raw, b"<p>Dear", b"<div>External</div><p>Dear")) == ()
    footer = b"Content-Type: text/plain\r\n\r\n_____\r\nThe list\r\n--%b" % boundary(TOKEN).encode()
    limit = b"--%b" % boundary(TOKEN).encode()
    head, middle, end = raw.rpartition(limit)
    assert changed(head + limit + b"\r\n" + footer + end) == ()
    assert middle
    forwarded = (
        b"From: <x@example.com>\r\nMessage-ID: <a@example.com>\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + replaced(raw, b"please find", b"please lose")
    )
    assert changed(forwarded) == (), "it is not at the top, so it may have been converted"
    assert TOKEN.word in read(forwarded).tokens


def test_another_name_of_the_attachment_is_no_alteration_and_a_pdf_of_others_neither() -> None:
    raw = composed()
    assert changed(raw.replace(b"invoice.pdf", b"_invoice.pdf")) == ()
    limit = b"--%b\r\n" % boundary(TOKEN).encode()
    more = limit + b"Content-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nlogo\r\n"
    head, _, end = raw.rpartition(b"--%b--" % boundary(TOKEN).encode())
    assert changed(head + more + b"--%b--" % boundary(TOKEN).encode() + end) == ()
