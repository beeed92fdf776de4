"""What was changed in a message of one's own."""

import re
from base64 import b64encode

from exporter.core.facts import Alteration, Altered
from exporter.mail.composition import boundary
from exporter.mail.message import read
from tests.mail.test_own_content import PDF, TOKEN, changed, composed

TEXT_CHANGED = Alteration("text", Altered.CHANGED)
HTML_CHANGED = Alteration("html", Altered.CHANGED)
LINKS_CHANGED = Alteration("links", Altered.CHANGED)


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
