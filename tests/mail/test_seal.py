"""What proves that own content came as it was sent."""

import re
import time
from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.mail.mime import Part, parse
from exporter.mail.seal import (
    Document,
    digest,
    lines,
    seal_of_html,
    seal_of_text,
    sealed_html,
    sealed_text,
)

WORD = "mtrip1word"
TEXT = "Dear customer,\n\nplease find the invoice attached, and pay with pleasure.\n\n"
HTML = (
    "<html><head><title>Invoice</title><style>p {color: red}</style></head>\n<body>\n"
    '<p>Dear customer, pay <a href="https://pay.example.org/?a=1&amp;b=2">here</a>:'
    " 10&nbsp;\N{EURO SIGN}</p>\n<img src='https://example.org/logo.png'>\n</body></html>\n"
)
ENDING = lines(WORD, ["0" * 32], html=True)
SEALED = sealed_text(TEXT + "".join(f"{line}\n" for line in ENDING))
PAGE = sealed_html(HTML, lines(WORD, ["0" * 32]))


def test_a_text_is_intact_with_others_above_and_below_and_however_its_lines_are_broken() -> None:
    seal = seal_of_text(SEALED, WORD)
    assert seal
    assert (seal.is_intact, seal.parts, seal.has_html) == (True, ("0" * 32,), True)
    for changed in (
        f"[EXTERNAL] Take care.\n\n{SEALED}\n_____\nThe list\nmailtrip digest {'0' * 32} of 9\n",
        SEALED.replace("please find", "please\nfind"),
        SEALED.replace("\n", "\r\n"),
        SEALED.replace(" ", "  "),
    ):
        seal = seal_of_text(changed, WORD)
        assert seal
        assert seal.is_intact, changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("invoice", "INVOICE"),
        ("please find", "please never find"),
        ("Dear customer,", ""),
        ("mailtrip html", ""),
        (WORD, f"{WORD} {WORD}"),
    ],
)
def test_a_text_that_was_changed_inside_is_not_intact(old: str, new: str) -> None:
    assert old in SEALED
    seal = seal_of_text(SEALED.replace(old, new, 1), WORD)
    assert seal
    assert not seal.is_intact


def test_a_text_without_a_seal_or_with_that_of_another_message_has_none() -> None:
    assert seal_of_text(TEXT, WORD) is None
    assert seal_of_text(SEALED, "mtrip1another") is None
    assert seal_of_html(HTML, WORD) is None


def test_a_text_that_a_server_made_of_the_html_has_no_seal_of_its_own() -> None:
    """Exchange keeps one form of a message, and makes the other of it."""
    made = re.sub("<[^>]+>", "\n", PAGE.partition("<body>")[2])
    assert "mailtrip digest" in made
    assert seal_of_text(made, WORD) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<body>", '<body><div>External sender. <a href="https://help.example.com">?</a></div>'),
        ("</body>", '<p>The list <a href="https://list.example.com/off">off</a></p></body>'),
        ("<p>Dear", '<p class="MsoNormal" style="margin: 0">\n Dear'),
        ("&nbsp;\N{EURO SIGN}", "&#160;&euro;"),
        ('href="https://pay.example.org/?a=1&amp;b=2"', "HREF='https://pay.example.org/?a=1&b=2'"),
        ("<style>", "<meta name=Generator content=Exchange><style>"),
        ("color: red", "color: blue"),
        ("<p>Dear", "<!-- converted --><p>Dear"),
    ],
)
def test_html_is_intact_with_banners_footers_and_however_it_is_written(old: str, new: str) -> None:
    assert old in PAGE
    seal = seal_of_html(PAGE.replace(old, new, 1), WORD)
    assert seal
    assert seal.is_intact
    assert seal.links_are_intact


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("https://pay.example.org/", "https://safelinks.example.com/?url=https%3A%2F%2Fpay"),
        ("https://example.org/logo.png", "https://proxy.example.com/logo.png"),
        ("<img src='https://example.org/logo.png'>", ""),
        ("</p>\n<img", '</p><a href="https://ad.example.com/"></a>\n<img'),
    ],
)
def test_a_rewritten_link_is_told_apart_from_changed_words(old: str, new: str) -> None:
    assert old in PAGE
    seal = seal_of_html(PAGE.replace(old, new, 1), WORD)
    assert seal
    assert (seal.is_intact, seal.links_are_intact) == (True, False)


def test_changed_words_of_html_are_noticed() -> None:
    for changed in (
        PAGE.replace("Dear customer", "Dear friend"),
        PAGE.replace("<p>Dear", "<p>Take care! Dear").replace("pay ", ""),
    ):
        seal = seal_of_html(changed, WORD)
        assert seal
        assert not seal.is_intact


def test_html_without_a_body_gets_its_seal_at_the_end() -> None:
    page = sealed_html("<p>Hello", lines(WORD, []))
    seal = seal_of_html(page, WORD)
    assert seal
    assert seal.is_intact


@given(st.text(st.sampled_from("<>/!-a\"'= &;href\n"), max_size=200))
def test_any_html_is_read_and_sealed(html: str) -> None:
    Document(html)
    seal = seal_of_html(sealed_html(html, lines(WORD, [])), WORD)
    assert seal is None or seal.is_intact


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "<a href=", '<a "', "<style>", "&", "<a>"])
def test_reading_html_takes_time_in_proportion_to_its_length(piece: str) -> None:
    def seconds(times: int) -> float:
        best = 1e9
        for _ in range(3):
            began = time.process_time()
            Document(piece * times)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(40_000) < 40 * max(seconds(4_000), 0.001)


def test_a_digest_is_the_same_in_pieces_and_with_other_line_ends() -> None:
    content = b"one\r\ntwo\rthree\r\n" * 20_000
    whole = digest([content])
    assert digest(content[n : n + 1] for n in range(len(content[:3000]))) == digest(
        [content[:3000]]
    )
    assert digest([content.replace(b"\r\n", b"\n")]) == whole
    assert digest([content, b"x"]) != whole
    encoded = parse(b"Content-Transfer-Encoding: base64\n\n" + encodebytes(content))
    assert isinstance(encoded, Part)
    assert digest(encoded.pieces()) == whole
