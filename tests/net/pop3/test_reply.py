"""What the lines of a POP3 server mean."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.pop3.reply import (
    LONGEST,
    Reply,
    UniqueIds,
    capabilities_in,
    lines_in,
    reply_in,
    size_in,
)


def reply(line: str) -> Reply:
    found = reply_in("pop.example.org", line)
    assert found
    return found


@pytest.mark.parametrize(
    ("line", "status", "code", "text"),
    [
        ("+OK ready", "+OK", "", "ready"),
        ("+ok", "+OK", "", ""),
        ("-ERR [AUTH] no", "-ERR", "AUTH", "no"),
        ("-ERR[in-use]busy", "-ERR", "IN-USE", "busy"),
        ("-err [SYS/TEMP]  later", "-ERR", "SYS/TEMP", "later"),
        ("-ERR [not a code] x", "-ERR", "", "[not a code] x"),
        ("+ERR no", "-ERR", "", "no"),
        ("+ cGFzcw==", "+", "", "cGFzcw=="),
        ("+", "+", "", ""),
    ],
)
def test_a_status_line_is_divided(line: str, status: str, code: str, text: str) -> None:
    found = reply(line)
    assert (found.status, found.code, found.text) == (status, code, text)


@pytest.mark.parametrize("line", ["", "OK", "+OKAY", "-ERROR", "* OK IMAP", "220 smtp", "+x"])
def test_another_line_is_no_reply(line: str) -> None:
    assert reply_in("pop.example.org", line) is None


@pytest.mark.parametrize(
    ("line", "reason", "code"),
    [
        ("-ERR [AUTH] no", Reason.AUTH, "AUTH"),
        ("-ERR [IN-USE] no", Reason.UNAVAILABLE, "IN-USE"),
        ("-ERR [SYS/PERM] no", Reason.REJECTED, "SYS/PERM"),
        ("-ERR [X-OWN] no", Reason.PROTOCOL, ""),
        ("-ERR maildrop already locked", Reason.UNAVAILABLE, ""),
        ("-ERR no", Reason.PROTOCOL, ""),
        ("+ go on", Reason.PROTOCOL, ""),
    ],
)
def test_a_refusal_has_the_reason_of_its_code_or_its_words(
    line: str, reason: Reason, code: str
) -> None:
    with pytest.raises(ProbeError) as caught:
        reply(line).expect("the login", Reason.PROTOCOL)
    assert (caught.value.reason, caught.value.code) == (reason, code)
    reply("+OK").expect("the login", Reason.PROTOCOL)


def test_a_refusal_without_words_says_so() -> None:
    with pytest.raises(ProbeError, match="gives no reason"):
        reply("-ERR").expect("the login", Reason.AUTH)


def test_an_empty_maildrop_and_a_message_that_is_gone_are_refusals_of_their_own() -> None:
    assert reply("-ERR mailbox is empty").says_empty
    assert reply("-ERR no messages").says_empty
    assert not reply("+OK 0 messages").says_empty
    assert reply("-ERR no such message").says_gone
    assert reply("-ERR message 3 already deleted").says_gone
    assert not reply("-ERR permission denied").says_gone


def test_capabilities_are_words_in_any_case() -> None:
    found = capabilities_in(b"SASL PLAIN login\r\nsasl XOAUTH2\r\n\r\nTop\r\n")
    assert found == {"SASL": ["PLAIN", "LOGIN", "XOAUTH2"], "TOP": []}


def ids(*lines: bytes) -> list[tuple[int, str]]:
    made = UniqueIds()
    for line in lines:
        made.add(line)
    return list(made.found())


def test_ids_are_one_word_unless_that_is_not_unique() -> None:
    assert ids(b"1 a", b"2\tb 120", b" 3  c ") == [(1, "a"), (2, "b"), (3, "c")]
    assert ids(b"1 a 1", b"2 a 2") == [(1, "a 1"), (2, "a 2")]


def test_lines_that_name_no_message_do_not_affect_others() -> None:
    assert ids(b"1 a", b"2", b"x y", b"1 b", b"") == [(1, "a")]
    assert ids() == []
    with pytest.raises(ValueError, match="an invalid line: nonsense"):
        ids(b"nonsense")


def test_lines_are_cut_and_the_last_may_lack_its_end() -> None:
    assert [*lines_in(b"one\r\ntwo\n\nthree")] == [b"one", b"two", b"", b"three"]
    assert [*lines_in(b"x" * 3 * LONGEST + b"\nnext\n")] == [b"x" * LONGEST, b"next"]


@pytest.mark.parametrize(
    ("line", "size"),
    [("+OK 1 120", 120), ("+OK 1 120 octets", 120), ("+OK 1", None), ("-ERR 1 120", None)],
)
def test_a_size_is_the_second_number_of_a_success(line: str, size: int | None) -> None:
    assert size_in(reply(line)) == size
