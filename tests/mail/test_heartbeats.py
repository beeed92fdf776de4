"""Which messages of others are a heartbeat, by their headers alone."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.mail.heartbeats import MOST_BYTES, Letterhead, Pattern, letterhead


def head(*lines: str) -> Letterhead:
    return letterhead("\r\n".join([*lines, "", "Subject: not this one"]).encode())


FROM = "From: Backup <backup@host.example>"


@pytest.mark.parametrize(
    "pattern",
    ["backup@host.example", "backup@*", "*@host.example", "BACKUP@HOST.EXAMPLE", "b?ckup@*"],
)
def test_a_sender_matches_in_any_case(pattern: str) -> None:
    assert Pattern(pattern, "*").matches(head(FROM))


@pytest.mark.parametrize(
    "pattern", ["ackup@*", "backup@host", "backup", "*@example", "backup@host.example?"]
)
def test_a_sender_matches_wholly_or_not_at_all(pattern: str) -> None:
    assert not Pattern(pattern, "*").matches(head(FROM))


@pytest.mark.parametrize(
    ("lines", "senders"),
    [
        (["From: a@x.example"], ("a@x.example",)),
        (["From: a@x.example, B <b@x.example>"], ("b@x.example",)),
        (["From: A <a@x.example>, B <b@x.example>"], ("a@x.example", "b@x.example")),
        (['From: "boss@y.example" <a@x.example>'], ("a@x.example",)),
        (["From: boss@y.example <a@x.example>"], ("a@x.example",)),
        (["From: a@x.example (for boss@y.example)"], ("a@x.example",)),
        (["From: A", " <a@x.example>"], ("a@x.example",)),
        (['From: 5" disks <a@x.example>'], ("a@x.example",)),
        (["From: Ü <ü@x.example>"], ("ü@x.example",)),
        (["From: A <a@x.example>", "From: B <b@x.example>"], ("a@x.example", "b@x.example")),
        (["Return-Path: <root@x.example>", "From: a@x.example"], ("a@x.example", "root@x.example")),
        (["Return-Path: <>", "From: a@x.example"], ("a@x.example",)),
        (["Sender: b@x.example"], ()),
        (["From: nobody"], ()),
    ],
)
def test_the_senders_are_those_of_from_and_of_the_envelope(
    lines: list[str], senders: tuple[str, ...]
) -> None:
    assert head(*lines).senders == senders


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        ("Nightly backup finished", "Nightly backup finished"),
        ("=?utf-8?Q?Sicherung_f=C3=BCr_heute?=", "Sicherung für heute"),
        ("=?iso-8859-1?B?U2ljaGVydW5nIGb8ciBoZXV0ZQ==?=", "Sicherung für heute"),
        ("=?utf-8?Q?Night?=\r\n =?utf-8?Q?ly?=", "Nightly"),
        ("Nightly\r\n\tbackup   finished ", "Nightly backup finished"),
        ("Sicherung für heute", "Sicherung für heute"),
        ("=?nonsense?Q?x?=", "x"),
    ],
)
def test_a_subject_is_decoded(written: str, subject: str) -> None:
    assert head(f"Subject: {written}").subject == subject


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("*finished*", "Backup FINISHED in 2 h"),
        ("[Backup] *", "[backup] of host"),
        ("[FIRING:1] Watchdog*", "[FIRING:1] Watchdog (none)"),
        ("*", ""),
        ("für ?eute", "fu\u0308r heute"),
        ("strasse", "STRASSE"),
        ("a*b*c", "a b b c"),
    ],
)
def test_a_subject_matches(pattern: str, subject: str) -> None:
    assert Pattern("a@*", pattern).matches(Letterhead(("a@x.example",), subject, None))


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [("[ab]", "a"), ("finished", "it finished"), ("a*b*c", "a c b"), ("a?", "a"), ("!a", "b")],
)
def test_a_subject_does_not_match(pattern: str, subject: str) -> None:
    assert not Pattern("a@*", pattern).matches(Letterhead(("a@x.example",), subject, None))


def test_the_time_is_that_of_the_last_server_and_else_of_the_author() -> None:
    received = "Received: from a by b; Mon, 30 Nov 2026 10:00:00 +0100"
    before = "Received: from c by a; Mon, 30 Nov 2026 09:00:00 +0100"
    date = "Date: Mon, 30 Nov 2026 08:00:00 +0100"
    assert head(received, before, date).at == 1796029200
    assert head(date).at == 1796022000
    assert head("Date: today").at is None
    assert head(FROM).at is None


def test_texts_for_people_are_short_and_clean() -> None:
    one = head(f"Subject: {'x' * 500}\x07\u202e", "From: <a@x.example>")
    assert len(one.title) == 100
    assert head(FROM).title == ""
    assert head("Subject: a").sender == "unknown"


HOSTILE = (
    b"From: " + b'"(' * 16000,
    b"From: " + b"<" * 32000 + b"@",
    b"From: " + b"a@" * 16000,
    b"From: " + b"(" * 16000 + b")" * 16000,
    b"Subject: " + b"=?utf-8?q?=41?= " * 2000,
    b"Subject: x\r\n" + b"A: b\r\n" * 5000,
    b"\r\n" * 32000,
    b"Subject: " + b"a" * 65000,
    b"Received: " + b"(" * 30000,
    *(
        (b"From: " + value[:1000] + b"\r\n") * 30
        for value in (b"a" * 1000, b'"' + b'\\"' * 500, b"(a" * 500, b"=?utf-8?q?x?=@b " * 62)
    ),
)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_nothing_that_a_stranger_writes_takes_long(number: int) -> None:
    patterns = [Pattern("*a*a*a*a*@*", "*a*a*a*a*a*a*b"), Pattern("*?*?*?*@x", "*?a*?a*?b")]
    times = []
    for _ in range(5):
        began = thread_time()
        one = letterhead(HOSTILE[number])
        for pattern in patterns:
            pattern.matches(one)
        times.append(thread_time() - began)
    assert min(times) < 0.01


def test_what_a_stranger_writes_is_prepared_once_for_all_patterns() -> None:
    one = head(FROM, "Subject: \u1e9e")
    assert one.compared == ("ss", ("backup@host.example",))
    assert one.compared is one.compared


def test_only_the_beginning_of_a_header_is_read() -> None:
    late = b"A: b\r\n" * 100 + b"B: " + b"x" * MOST_BYTES + b"\r\nSubject: late\r\n\r\n"
    assert letterhead(late).subject == ""


@given(st.binary(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_no_message_and_no_pattern_breaks_it(raw: bytes, sender: str, subject: str) -> None:
    Pattern(sender, subject).matches(letterhead(raw))
    Pattern(sender, subject).matches(letterhead(b"From: " + raw + b"\r\nSubject: " + raw))
