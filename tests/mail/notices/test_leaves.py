"""Which texts of a message are its own: not those of messages inside, and none that is hidden."""

from exporter.mail.mime import parse
from exporter.mail.notices.leaves import (
    LONGEST_TEXT,
    inner_messages,
    notice,
    own_leaves,
    reports,
    texts,
)

BOUNCE = b"""\
Content-Type: multipart/report; boundary=b

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Action: failed

--b
Content-Type: message/rfc822

Subject: ours

the whole text
--b--
"""


def html(body: str) -> str:
    (text,) = texts(parse(b"Content-Type: text/html\n\n" + body.encode()))
    return text


def test_a_message_inside_has_no_part_in_it() -> None:
    part = parse(BOUNCE)
    assert [leaf.content_type for leaf in own_leaves(part)] == [
        "text/plain",
        "message/delivery-status",
    ]
    assert [text.strip() for text in texts(part)] == ["It failed."]
    assert [one.strip() for one in reports(part)] == ["Action: failed"]
    (inner,) = inner_messages(part)
    assert inner.get("subject") == "ours"


def test_a_message_that_is_nothing_but_another_one_has_no_text_of_its_own() -> None:
    part = parse(b"Content-Type: message/rfc822\n\nSubject: ours\n\ntext\n")
    assert texts(part) == []
    assert [one.get("subject") for one in inner_messages(part)] == ["ours"]


def test_html_is_read_as_a_person_sees_it() -> None:
    assert html("<p>It<br>failed</p>").split("\n") == ["", "It", "failed", ""]
    assert html("<b>a</b>&amp;&nbsp;b").split() == ["a", "&", "b"]
    assert "secret" not in html("<style>secret</style>shown<SCRIPT>secret</SCRIPT>")
    assert html("<style>p{}</style>shown").strip(" >") == "shown"
    assert html("shown<style>never closed").strip() == "shown"
    assert html("1 &lt; 2") == "1 < 2"


def test_a_number_of_thousands_of_digits_is_no_character() -> None:
    assert html(f"a&#{'9' * 9000};b").split() == ["a", ";b"]


def test_a_long_text_is_cut() -> None:
    (text,) = texts(parse(b"\n" + b"x" * 5 * LONGEST_TEXT))
    assert len(text) == LONGEST_TEXT


def test_a_notice_ends_where_the_returned_message_begins() -> None:
    part = parse(b"\nIt failed.\n\n--- Original message ---\nSubject: ours\n")
    assert notice(part, texts(part)).strip() == "It failed."
    part = parse(b"\nIt failed.\nReceived: from a by b\nwords of ours\n")
    assert notice(part, texts(part)).strip() == "It failed."
    part = parse(b"\nIt was received: later.\n")
    assert notice(part, texts(part)).strip() == "It was received: later."


def test_headers_of_the_returned_message_are_no_notice() -> None:
    part = parse(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIt failed.\n--b\n"
        b"Content-Type: text/rfc822-headers\n\nSubject: deferred\n--b\n\nmore\n--b--\n"
    )
    assert notice(part, texts(part)).split() == ["It", "failed.", "more"]


def test_a_multipart_with_a_wrong_boundary_is_text() -> None:
    (text,) = texts(parse(b"Content-Type: multipart/mixed; boundary=x\n\n--b\n\nIt failed.\n"))
    assert "It failed." in text
