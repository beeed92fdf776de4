"""What a server says of itself and of us in its reply to EHLO."""

import pytest

from exporter.net.smtp.introduction import MAX_NAME, introduction_of


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("mx.example.org", ("mx.example.org", "")),
        ("MX.example.org\nPIPELINING\nSIZE [192.0.2.9]", ("mx.example.org", "")),
        ("mx.google.com at your service, [192.0.2.7]\nSIZE", ("mx.google.com", "192.0.2.7")),
        ("exim.example Hello client.example [2001:db8::7]", ("exim.example", "2001:db8::7")),
        ("a.example Hello [IPv6:2001:db8::7], pleased", ("a.example", "2001:db8::7")),
        ("a.example Hello [::ffff:192.0.2.7]", ("a.example", "192.0.2.7")),
        ("a.example Hello [1.2.3.4.5]", ("a.example", "")),
        ("[192.0.2.1] Hello", ("[192.0.2.1]", "")),
        ("", ("", "")),
        (" \t", ("", "")),
    ],
)
def test_the_first_word_is_its_name_and_an_address_in_brackets_ours(
    reply: str, expected: tuple[str, str]
) -> None:
    assert introduction_of(reply) == expected


def test_what_it_says_is_bounded_and_harmless() -> None:
    name, _ = introduction_of("x" * 100_000 + " [192.0.2.7]")
    assert len(name) == MAX_NAME
    assert introduction_of("a\x1b[31mb [192.0.2.7]") == ("a [31mb", "192.0.2.7")
