"""`mailtrip probe` as a person sees it in a terminal, and as a script reads it."""

import json
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from exporter.commands.probe import may_still_come
from exporter.core.facts import Answer, Arrival, Change, Changes, FilterTest
from exporter.core.home import Home
from exporter.core.json_output import KINDS, as_json
from exporter.core.model import Fact, Failure, Outcome, ProbeKey, Reply, Span
from exporter.core.one_line import one_line
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.terminal import transcript, waterfall
from tests.commands.test_cli import mailtrip
from tests.lab.client import Lab
from tests.support.every_fact import EVERY_FACT
from tests.support.ports import free_port
from tests.support.screen import Screen
from tests.support.visits import VISITS

pytestmark = pytest.mark.slow

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  slow: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: slow2, password: {password}}}}}
  grey: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: grey, password: {password}}}}}
modules:
  slow: &module
    timeout: 30s
    session_timeout: 5s
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: slow
  never: {{<<: *module, timeout: 5s, roundtrip: *trip}}
  refused: {{<<: *module, roundtrip: {{<<: *trip, send: {{smtp: {{host: dead.lab.test}}}}}}}}
  grey: {{<<: *module, roundtrip: {{<<: *trip, mailbox: grey,
      send: {{mx: {{source_address: {mon}, retry_after: 1s}}}}}}}}
  lists: {{timeout: 5s, dnsbl: {{lists: [bl.lab.test, blclean.lab.test]}}}}
probes:
  - {{name: slow, module: slow, target: slow2@lab.test}}
  - {{name: never, module: never, target: blackhole@lab.test}}
  - {{name: refused, module: refused, target: slow2@lab.test}}
  - {{name: grey, module: grey, target: grey@lab.test}}
  - {{name: lists, module: lists, target: {mx}}}
"""
SILENT = """\
mailboxes: {{own: {{smtpd: {{listen: "127.0.0.1:{receiver}", recipients: [a@mon.example]}}}}}}
modules:
  silent:
    roundtrip: {{from: a@mon.example, send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}},
        mailbox: own}}
probes: [{{name: silent, module: silent, target: a@mon.example}}]
"""
SEPARATE = """\
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:{receiver}", recipients: [a@mon.example]}}}}
  local: {{maildir: {{path: {maildir}}}}}
modules:
  silent: &module
    roundtrip: &trip
      from: a@mon.example
      send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}}
      mailbox: local
  other: {{<<: *module, roundtrip: {{<<: *trip, mailbox: own}}}}
probes:
  - {{name: silent, module: silent, target: a@mon.example}}
  - {{name: other, module: other, target: a@mon.example}}
"""
UNREACHABLE = """\
mailboxes: {{dead: {{imap: {{host: 127.0.0.1, port: {dead}, tls: none, username: a, password: x}}}}}}
modules:
  silent:
    timeout: 3s
    session_timeout: 1s
    roundtrip: {{from: a@mon.example, mailbox: dead,
        send: {{smtp: {{host: 127.0.0.1, port: {dead}, tls: none}}}}}}
probes: [{{name: silent, module: silent, target: a@mon.example}}]
"""  # noqa: E501
PROBE = ("probe", "--config.file", "mailtrip.yml")
WAITING = "waiting for the message …"


@pytest.fixture
def directory(lab: Lab, tmp_path: Path) -> Path:
    values = {"dns": lab.dns, "ca": lab.ca, "password": lab.password}
    text = CONFIGURATION.format(**values, mx=lab.mx_ip, mon=lab.mon_ip)
    (tmp_path / "mailtrip.yml").write_text(text)
    return tmp_path


def test_the_screen_shows_where_the_message_is_and_for_how_long_and_then_the_trip(
    directory: Path,
) -> None:
    screen = Screen(*PROBE, "slow", directory=directory)
    assert screen.close() == 0
    line = re.compile(rf"{WAITING}  (\d+) s, (\d+) s left$")
    moments = {found.groups() for picture in screen.seen if (found := line.search(picture))}
    assert len(moments) >= 2, "the line is drawn again while nothing happens"
    assert all(29 <= int(gone) + int(left) <= 31 for gone, left in moments)
    assert screen.now.startswith("✓ open "), "nothing of the line is left over"
    assert " …  " not in screen.now
    assert "slow → slow2@lab.test  OK" in screen.now
    assert not screen.cursor_is_hidden


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_interrupts_it_hears_what_becomes_of_the_message(
    directory: Path, number: signal.Signals, code: int
) -> None:
    screen = Screen(*PROBE, "never", directory=directory, columns=300)
    screen.wait(lambda picture: WAITING in picture)
    if number is signal.SIGINT:
        screen.press(b"\x03")
    else:
        screen.send(number)
    assert screen.close() == code
    said = screen.now.splitlines()[-1]
    assert re.match(
        r"interrupted after \d+\.\d s; the message was sent\. If it still arrives in the mailbox"
        r" slow, it is not deleted",
        said,
    )
    assert "Its subject contains a word that begins with mtrip1." in said
    assert "timeout" not in screen.now, "the end of the waiting is no failure of the mailbox"
    assert WAITING not in screen.now
    assert not screen.cursor_is_hidden


def test_a_message_that_may_come_late_is_told_of_after_the_verdict(directory: Path) -> None:
    (directory / "mailtrip-state").mkdir()
    (directory / "mailtrip-state/token.key").write_text(f"{'0a' * 32}\n")
    late = mailtrip(*PROBE, "never", "--json", directory=directory)
    assert late.returncode == 1
    assert json.loads(late.stdout)["failure"]["reason"] == "overdue"
    words = "a `mailtrip serve` with the same state deletes it an hour after it was sent."
    assert late.stderr == f"If it still arrives in the mailbox slow, {words}\n"


def ended(
    reason: Reason | None, phase: Phase = Phase.DELIVER, *, sending: Reason | None = None
) -> Outcome:
    """A trip that ended in that phase, after sending went well or did not."""
    spans = [
        Span(Phase.OPEN, None, 0, 1),
        Span(Phase.SEND, None, 1, 1, sending),
        Span(Phase.DELIVER, None, 2, 1, reason),
    ]
    failure = Failure(phase, None, reason) if reason else None
    return Outcome("0123456789abcd", ProbeKey("m", "t"), 0.0, 3.0, tuple(spans), (), failure)


def test_a_message_may_still_come_when_it_was_taken_and_nobody_saw_it_or_its_bounce() -> None:
    """Also when the mailbox was the trouble: seen with an IMAP server that was stopped in
    mid-trip."""
    assert may_still_come(ended(Reason.OVERDUE))
    assert may_still_come(ended(Reason.CONNECT))
    assert may_still_come(ended(Reason.AUTH, Phase.OPEN))
    assert not may_still_come(ended(Reason.BOUNCED))
    assert not may_still_come(ended(Reason.JUNK, Phase.VERIFY))
    assert not may_still_come(ended(Reason.REJECTED, Phase.SEND, sending=Reason.REJECTED))
    assert not may_still_come(ended(None))


def test_a_script_that_is_interrupted_reads_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "mailtrip.yml").write_text(
            SILENT.format(port=silent.getsockname()[1], receiver=free_port())
        )
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "exporter", *PROBE, "silent", "--json"]
        with (
            subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as process,
            silent.accept()[0],  # the trip is under way
        ):
            process.send_signal(signal.SIGINT)
            out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"\ninterrupted after \d+\.\d s; no message was sent\n", said)


def test_a_trip_takes_no_port_of_a_receiver_that_it_does_not_need(tmp_path: Path) -> None:
    """A `serve` that restarts meanwhile needs it, and its messages would be refused."""
    for part in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, receiver = silent.getsockname()[1], free_port()
        text = SEPARATE.format(port=port, receiver=receiver, maildir=tmp_path / "Maildir")
        (tmp_path / "mailtrip.yml").write_text(text)
        command = [sys.executable, "-m", "exporter", *PROBE, "silent", "--json"]
        with (
            subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process,
            silent.accept()[0],  # the trip is under way
        ):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", receiver)).close()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130


def test_who_tries_silent_servers_sees_that_something_is_under_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = SILENT.format(port=port, receiver=free_port()).replace(
            "silent:", "silent:\n    session_timeout: 1s"
        )
        (tmp_path / "mailtrip.yml").write_text(text)
        screen = Screen("check", "--try", "mailtrip.yml", directory=tmp_path, columns=120)
        screen.wait(lambda picture: "connecting to the servers" in picture)
        assert screen.close() == 1
    assert "connecting to the servers" not in screen.now
    assert "send/greeting: timeout: no answer from 127.0.0.1 within 1 s" in screen.now
    assert not screen.cursor_is_hidden


def test_the_verdict_stands_below_what_was_said(directory: Path) -> None:
    failed = mailtrip(*PROBE, "refused", directory=directory)
    assert failed.returncode == 1
    assert failed.stdout.index("transcript (seconds") < failed.stdout.index("trip ")
    assert failed.stdout.splitlines()[-1].startswith("send/connect: connect: cannot connect to ")
    assert re.search(
        r"^✗ send/connect +\d\.\d{3} s  connect  dead\.lab\.test:25$", failed.stderr, re.MULTILINE
    )
    assert "\x1b" not in failed.stdout + failed.stderr, "a file wants no control characters"
    assert "\r" not in failed.stdout + failed.stderr


@pytest.mark.parametrize(
    ("known", "whole", "first", "shown"),
    [
        (0, False, "nothing was exchanged", 1),
        (20, False, "line 0", 20),
        (21, False, "(1 earlier line is left out; --transcript shows all)", 21),
        (300, False, "(280 earlier lines are left out; --transcript shows all)", 21),
        (300, True, "line 0", 300),
    ],
)
def test_a_transcript_that_nobody_asked_for_is_short(
    known: int, whole: bool, first: str, shown: int
) -> None:
    lines = tuple(f"line {number}" for number in range(known))
    screen = StringIO()
    trip = replace(ended(Reason.OVERDUE), transcript=lines)
    transcript(trip, Console(file=screen, width=80), whole=whole)
    told = screen.getvalue().splitlines()[2:]
    assert (told[0], len(told)) == (first, shown)
    assert told[-1:] == list(lines[-1:] or [first])


def test_who_waits_for_a_mailbox_sees_why_and_when_it_is_tried_again(tmp_path: Path) -> None:
    dead = free_port()
    (tmp_path / "mailtrip.yml").write_text(UNREACHABLE.format(dead=dead))
    failed = mailtrip(*PROBE, "silent", directory=tmp_path)
    assert failed.returncode == 1
    assert re.search(
        rf"^✗ open/connect .*\n    cannot connect to 127\.0\.0\.1:{dead}: connection refused;"
        r" next attempt in 0\.\d s$",
        failed.stderr,
        re.MULTILINE,
    )


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colours_gets_none(directory: Path, environment: dict[str, str]) -> None:
    screen = Screen(*PROBE, "refused", directory=directory, environment=environment)
    assert screen.close() == 1
    assert "FAILED" in screen.now
    assert not re.search(rb"\x1b\[[\d;]*[34]\d", screen.written)
    if "TERM" in environment:
        assert b"\x1b" not in screen.written


@pytest.mark.parametrize(("probe", "code"), [("slow", 0), ("refused", 1), ("lists", 1)])
def test_json_is_one_document_with_the_verdict_first_whatever_happens(
    directory: Path, probe: str, code: int
) -> None:
    done = mailtrip(*PROBE, probe, "--json", directory=directory)
    assert (done.returncode, done.stderr) == (code, "")
    told = json.loads(done.stdout)
    fields = [
        "trip",
        "probe",
        "success",
        "failure",
        "started_at",
        "duration",
        "delay",
        "round_trip",
        "recheck",
        "planned",
        "trace_id",
        "spans",
        "facts",
        "transcript",
    ]
    assert list(told) == fields
    assert told["success"] is (code == 0)
    assert (told["failure"] is None) is told["success"]
    kinds = {fact["fact"] for fact in told["facts"]}
    assert (
        kinds
        >= {
            "slow": {"tls", "reply", "hop", "arrival"},
            "refused": {"tls"},
            "lists": {"listing", "asked"},
        }[probe]
    )


def test_every_kind_of_fact_has_a_name_for_scripts() -> None:
    assert set(KINDS) == set(get_args(Fact))
    assert len(set(KINDS.values())) == len(KINDS)


@pytest.mark.parametrize(
    ("facts", "last"),
    [
        (
            (Arrival("INBOX", "header", 0.0861, 0.1612),),
            "OK: round trip 0.161 s, delivery delay 0.086 s",
        ),
        (
            (Arrival("INBOX", "header", None, 0.1612),),
            "OK: round trip 0.161 s, delivery delay unknown",
        ),
        ((Arrival("INBOX", "header", None, None),), "OK: received"),
        ((), "OK: refused as expected"),
        ((FilterTest("code", "gtube"),), "OK: refused as expected"),
        ((FilterTest("lost", "gtube"),), "OK: not delivered, as expected"),
        (
            (FilterTest("junk"), Arrival("Junk", "header", 0.0861, 0.1612)),
            "OK: filed as spam, as expected; round trip 0.161 s, delivery delay 0.086 s",
        ),
    ],
)
def test_a_success_ends_with_the_verdict(facts: tuple[Fact, ...], last: str) -> None:
    """On 80x24 the first line is above the screen."""
    trip = replace(ended(None), facts=facts)
    shown = StringIO()
    waterfall(trip, Console(file=shown, width=80, highlight=False))
    assert shown.getvalue().splitlines()[-1] == last
    going = StringIO()
    waterfall(trip, Console(file=going, width=80, highlight=False), under_way=True)
    assert "OK" not in going.getvalue()


ANSWER = Answer(Home.REPLY, "Away <a@b.example>", "Away", 1e9, 2.1, 0.4, 0.5, None)


@pytest.mark.parametrize(
    ("answer", "home", "legs"),
    [
        (
            ANSWER,
            "answer from Away <a@b.example>: Away",
            "there 2.10 s, back 0.40 s; ± 0.50 s if its clock is right",
        ),
        (
            replace(ANSWER, back=None),
            "answer from Away <a@b.example>: Away",
            "there 2.10 s, back unknown; ± 0.50 s if its clock is right",
        ),
        (
            replace(ANSWER, home=Home.DELIVERY_STATUS, there=None, ahead=-7.6),
            "notification from Away <a@b.example>: Away",
            "unknown: its clock is 8 s or more behind ours",
        ),
        (
            replace(ANSWER, at=None, there=None),
            "answer from Away <a@b.example>: Away",
            "unknown: it has no readable time, or mailtrip was restarted",
        ),
    ],
    ids=["both legs", "one leg", "clocks differ", "no time"],
)
def test_what_came_home_instead_of_the_message_is_told_with_its_legs(
    answer: Answer, home: str, legs: str
) -> None:
    shown = StringIO()
    trip = replace(ended(None), facts=(answer,))
    waterfall(trip, Console(file=shown, width=200, highlight=False))
    assert f"  came home         {home}\n" in shown.getvalue()
    assert f"  legs              {legs}\n" in shown.getvalue()
    (told,) = json.loads(as_json(trip))["facts"]
    assert told["fact"] == "answer"
    assert (told["home"], told["there"], told["at"]) == (answer.home, answer.there, answer.at)


@pytest.mark.parametrize("terminal", [False, True])
def test_long_lines_are_broken_between_words_on_a_terminal_and_nowhere_else(
    terminal: bool,
) -> None:
    why = Failure(Phase.DELIVER, None, Reason.OVERDUE, "", " ".join(["word"] * 40))
    reply = Reply(250, "2.0.0 Ok: " + "queued-as-4jd9fv2Kfxz2Jx8j " * 4)
    trip = replace(ended(Reason.OVERDUE), failure=why, facts=(reply,))
    shown = StringIO()
    console = Console(
        file=shown, width=80, force_terminal=terminal, color_system=None, highlight=False
    )
    waterfall(trip, console)
    lines = shown.getvalue().splitlines()
    at = next(place for place, line in enumerate(lines) if "last SMTP reply" in line)
    facts, verdict = lines[at : lines.index("", at)], lines[lines.index("", at) + 1 :]
    if terminal:
        assert all(len(line) <= 80 for line in (*facts, *verdict))
        assert len(facts) == 3
        assert {line[:20] for line in facts[1:]} == {" " * 20}
        assert len(verdict) == 3
    else:
        assert (len(facts), len(verdict)) == (1, 1)
    assert "".join(verdict).count("word") == 40


def test_a_failure_ends_with_what_changed_below_a_text_for_the_other_postmaster() -> None:
    change = Change("left_from", "", ("192.0.2.7",), ("192.0.2.9",))
    found = Changes("good", 1_700_000_000.0, (change,), (), ())
    shown = StringIO()
    waterfall(replace(ended(Reason.OVERDUE), facts=(found,)), Console(file=shown, width=80))
    lines = shown.getvalue().splitlines()
    assert "  changed           the leaving address: 192.0.2.9 instead of 192.0.2.7" in lines
    assert [line for line in lines if line.startswith("Subject: mail to ")]
    assert lines[-1].endswith(": the leaving address: 192.0.2.9 instead of 192.0.2.7")


def test_the_tls_sessions_of_a_greylisted_message_are_told_apart(directory: Path) -> None:
    made = mailtrip(*PROBE, "grey", directory=directory)
    assert made.returncode == 0
    sessions = [line for line in made.stdout.splitlines() if line.startswith("  TLS, send")]
    assert len(sessions) >= 2
    for number, line in enumerate(sessions, 1):
        assert line.startswith(f"  TLS, send         session {number} of {len(sessions)}: TLSv1.3")
    assert made.stdout.count("last SMTP reply") == 1


@pytest.mark.parametrize("width", [60, 80, 300])
def test_the_picture_fits_into_the_terminal(width: int) -> None:
    spans = (
        Span(Phase.OPEN, None, 0, 0.5),
        Span(Phase.OPEN, Step.CONNECT, 0.1, 0.3, None, "imap.example.org:993"),
        Span(Phase.SEND, None, 0.5, 1.5, Reason.CONNECT),
        Span(Phase.SEND, Step.CONNECT, 1.9, 0.1, Reason.CONNECT, "mx1.example.org:25"),
    )
    shown = StringIO()
    console = Console(file=shown, width=width, highlight=False)
    waterfall(Outcome("0123456789abcd", ProbeKey("a", "b@c.example"), 0.0, 2.0, spans), console)
    lines = shown.getvalue().splitlines()[2:]
    assert max(map(len, lines)) <= width
    bars = lines[: lines.index("")]
    ends = {len(re.split(r"\d\.\d{3} s", line)[0]) for line in bars}
    assert len(ends) == 1, "the times stand below each other"


def test_every_fact_is_there_in_its_words() -> None:
    shown = StringIO()
    console = Console(file=shown, width=80, highlight=False)
    for fact, rows in EVERY_FACT.items():
        waterfall(replace(ended(None), facts=(fact,)), console, under_way=True)
        for row in rows:
            name, _, words = row.partition(": ")
            assert f"  {name:17} {one_line(words)}\n" in shown.getvalue()


def test_each_exchanger_has_a_line() -> None:
    outcome = Outcome("t", ProbeKey("m", "t"), 0.0, 1.0, facts=VISITS)
    console = Console(file=StringIO(), width=100)
    waterfall(outcome, console)
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert (
        "  exchanger         mx1.example.org [192.0.2.1] (MX 10)  OK, delivery delay 1.500 s,"
        " TLSv1.3"
        " AES, certificate valid until 2027-01-15, a certificate above it until 2026-09-21\n"
    ) in said
    assert "[2001:db8::1] (MX 10)  failed: send/rcpt: rejected 550: unknown <user>\n" in said
    assert "mx2.example.org [192.0.2.2] (MX 20)  unknown: deliver: unavailable" in said
    assert "MX3.example.org (MX 30)  failed: send/resolve: dns NXDOMAIN: no such name\n" in said


def test_a_message_through_an_exchanger_may_still_come() -> None:
    overdue = Failure(Phase.DELIVER, None, Reason.OVERDUE)
    outcome = Outcome("t", ProbeKey("m", "t"), 0.0, 1.0, facts=VISITS)
    assert not may_still_come(outcome)
    late = replace(VISITS[1], failure=overdue)
    assert may_still_come(replace(outcome, facts=(late,)))
