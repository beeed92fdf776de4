"""The output of a plugin, as the programs that read it part it."""

import re
import subprocess

import pytest

from exporter.commands.flags import NAGIOS_OUTPUT
from exporter.commands.status.judgement import Judgement, Thresholds
from exporter.commands.status.nagios import LONGEST, about_all, about_one
from exporter.core.severity import Severity
from tests.commands.status.probes import NOW, THRESHOLDS, failed, failure, item, judged, trip

DATA = re.compile(
    r"(?P<label>[^\s='|]+)=(?P<value>-?[0-9.]+)(?P<unit>s|%)?"
    r"(?:;(?P<warn>[0-9.]*)(?:;(?P<crit>[0-9.]*)(?:;(?P<min>[0-9.]*)(?:;(?P<max>[0-9.]*))?)?)?)?"
)
"""The guidelines of the Monitoring Plugins, 2.6, without quotes."""


def parted(text: str) -> tuple[str, list[str], list[str]]:
    """The first line, its performance data, and the lines below it."""
    first, *more = text.split("\n")
    words, _, data = first.partition(" | ")
    assert all("|" not in one for one in (words, data, *more))
    return words, data.split(), more


def test_one_probe_that_is_ok() -> None:
    words, data, more = parted(about_one(judged(item()), THRESHOLDS, ["trip 1"]))
    assert words == "MAILTRIP OK: gmail: the message took 2.50 s, and came 2 min ago"
    assert data == ["delay=2.5s;300;;0", "age=120s;;;0", "availability=99.95%;;;0;100"]
    assert more == ["trip 1"]


def test_both_thresholds_are_in_the_data() -> None:
    text = about_one(judged(item()), Thresholds(90.0, 0.25))
    assert "delay=2.5s;90;0.25;0 " in text


def test_one_that_fails_has_no_delay() -> None:
    words, data, _ = parted(about_one(judged(failed(since=NOW - 60)), THRESHOLDS))
    assert words == (
        "MAILTRIP CRITICAL: relay: failing for 1 min: deliver: overdue: not back within 10 min"
    )
    assert [one.partition("=")[0] for one in data] == ["age", "availability"]


def test_without_a_trip_there_is_no_data() -> None:
    text = about_one(judged(item(newest=None, availability=None)), THRESHOLDS)
    assert text == "MAILTRIP UNKNOWN: gmail: no trip has finished yet"


@pytest.mark.parametrize(
    ("probes", "first"),
    [
        ([item("a"), item("b")], "MAILTRIP OK: all 2 probes are OK"),
        (
            [item("a"), item("b", maintenance="patch")],
            "MAILTRIP OK: all 2 probes are OK, 1 of them in planned maintenance",
        ),
        ([item("a")], "MAILTRIP OK: a: the message took 2.50 s, and came 2 min ago"),
        (
            [item("a"), failed("b"), item("c")],
            "MAILTRIP CRITICAL: b: failing: deliver: overdue: not back within 10 min"
            " (2 other probes are OK)",
        ),
        (
            [
                item("a", newest=None),
                item("b", newest=trip(delay=400.0)),
                failed("c"),
                item("d"),
                failed("e"),
            ],
            "MAILTRIP CRITICAL: 2 critical, 1 warning, 1 unknown, 1 OK:"
            " c: deliver: overdue, e: deliver: overdue,"
            " b: the message took 6 min 40 s, more than 5 min, and 1 more",
        ),
    ],
)
def test_the_worst_of_several_probes_wins(probes: list[dict[str, object]], first: str) -> None:
    words, data, more = parted(about_all([*map(judged, probes)], THRESHOLDS))
    assert words == first
    assert data[0] == f"probes={len(probes)};;;0"
    assert {one.partition("::")[0] for one in data[4:]} <= {one["name"] for one in probes}
    assert len(more) != 1, "the first line says all about one"


def hostile() -> list[Judgement]:
    """Probes whose servers say anything."""
    texts = ("a|b=c'd\"e", "x\ny\r\x00 | p=1", "'; rm -rf / #", "💣" * 600, "\u202e", "")
    return [
        judged(
            item(
                None,
                target=f"{text} {number}",
                newest=trip(failure=failure(detail=text, code="5'|=", step="rcpt|"), delay=None),
            )
        )
        for number, text in enumerate(texts)
    ]


def test_what_a_server_says_does_not_become_data() -> None:
    _, data, more = parted(about_all(hostile(), THRESHOLDS))
    assert len(data) == 4 + 2 * 6
    assert all(DATA.fullmatch(one) for one in data)
    assert len(more) == 6
    for one in hostile():
        parted(about_one(one, THRESHOLDS, ["a|b"]))


def test_ten_thousand_probes_are_no_more_than_a_reader_takes() -> None:
    probes = [judged(failed(f"probe-{number}")) for number in range(10_000)]
    text = about_all(probes, THRESHOLDS)
    _, data, _ = parted(text)
    assert len(text.encode()) <= LONGEST
    assert len(data) > 100
    whole = {one.partition("::")[0] for one in data[4:]}
    assert len(data) == 4 + 2 * len(whole), "probes have all of their data, or none"
    first, *_, left, missing = text.split("\n")
    assert first.startswith(
        "MAILTRIP CRITICAL: 10000 critical: probe-0: deliver: overdue, probe-1: deliver: overdue,"
        " probe-2: deliver: overdue, and 9997 more | probes=10000;;;0 "
    )
    lines = len(text.split("\n")) - 3
    assert (left, lines > 5) == (f"and {10_000 - lines} more", True)
    assert missing.startswith(f"performance data left out of {10_000 - len(whole)} probes: use --")


def test_sixty_probes_have_all_of_their_data_and_more_do_for_those_who_read_more() -> None:
    probes = [judged(item(f"relay-{number:03}")) for number in range(500)]
    for most, some in ((LONGEST, 60), (100_000, 500)):
        text = about_all(probes[:some], THRESHOLDS, most)
        _, data, more = parted(text)
        assert (len(data), more) == (4 + 3 * some, [])
        assert len(text.encode()) <= most


def test_the_data_of_a_probe_do_not_come_and_go_with_the_state_of_others() -> None:
    names = [f"relay-{number:03}" for number in range(100)]
    good = about_all([judged(item(name)) for name in names], THRESHOLDS)
    long = {"detail": "💣" * 500, "step": "rcpt", "code": "550"}
    bad = [item(name, newest=trip(failure=failure(**long), delay=2.5)) for name in names]
    shown = [parted(text)[1][-1] for text in (good, about_all([*map(judged, bad)], THRESHOLDS))]
    assert "::" in shown[0]
    # One that fails has no delay, so there is room for more of them.
    assert shown[0].partition("::")[0] <= shown[1].partition("::")[0]


def test_long_names_leave_room_for_the_counts() -> None:
    several = [judged(failed(f"{'x' * 200}-{number}")) for number in range(5)]
    text = about_all([*several, judged(item())], THRESHOLDS)
    first = parted(text)[0]
    assert first.startswith("MAILTRIP CRITICAL: 5 critical, 1 OK: xxx")
    assert first.endswith("…, and 2 more")
    alone = parted(about_all([judged(failed("x" * 500)), judged(item())], THRESHOLDS))[0]
    assert alone.endswith("… (1 other probe is OK)")


@pytest.mark.parametrize("most", [NAGIOS_OUTPUT[1], LONGEST])
def test_hostile_texts_do_not_make_it_longer(most: int) -> None:
    probes = [
        judged(item(f"p{number}", newest=trip(failure=failure(detail="💣" * 900), delay=None)))
        for number in range(300)
    ]
    assert len(about_all(probes, THRESHOLDS, most).encode()) <= most


def read_by_perl(text: str) -> list[str]:
    """label, value, unit, warning, critical, minimum and maximum, by Monitoring::Plugin."""
    program = r"""
        use Monitoring::Plugin::Performance;
        local $/; my ($data) = <STDIN> =~ /\|([^\n]*)/;
        for my $p (Monitoring::Plugin::Performance->parse_perfstring($data)) {
            print join(" ", map { length $_ ? $_ : "-" } map { $_ // "" } $p->label, $p->value, $p->uom,
                $p->threshold->warning, $p->threshold->critical, $p->min, $p->max), "\n";
        }"""  # noqa: E501
    done = subprocess.run(
        ["perl", "-CS", "-e", program], input=text, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.splitlines()


def test_a_parser_of_others_reads_the_data(servers: None) -> None:
    text = about_all([judged(item()), judged(item("b", newest=trip(delay=400.0)))], THRESHOLDS)
    assert read_by_perl(text) == [
        "probes 2 - - - 0 -",
        "critical 0 - - - 0 2",
        "warning 1 - - - 0 2",
        "unknown 0 - - - 0 2",
        "gmail::delay 2.5 s 300 - 0 -",
        "gmail::age 120 s - - 0 -",
        "gmail::availability 99.95 % - - 0 100",
        "b::delay 400 s 300 - 0 -",
        "b::age 120 s - - 0 -",
        "b::availability 99.95 % - - 0 100",
    ]
    text = about_all(hostile(), THRESHOLDS)
    assert len(read_by_perl(text)) == len(parted(text)[1])


def test_severities_are_upper_case() -> None:
    assert {one.upper() for one in Severity} == {"OK", "WARNING", "CRITICAL", "UNKNOWN"}
