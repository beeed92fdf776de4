"""The moving picture of the terminal is made from its recording, and shows what the terminal writes
today."""

import re
import shlex
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

from docs import animation
from docs.command_parser import command_line
from docs.recording import Picture, Recording, Run
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.terminal import trip as of_a_trip
from tests.support.every_fact import EVERY_FACT

RECORDING = Recording.read(animation.RECORDING)
SVG = animation.PICTURE.read_text(encoding="utf-8")
NAMESPACE = "{http://www.w3.org/2000/svg}"


@cache
def written() -> list[str]:
    """Every line that ever stood there, as a reader sees it."""
    seen: dict[str, None] = {}
    for picture in RECORDING.pictures():
        for line in picture.lines:
            text = " ".join(run.text for run in line)
            seen.setdefault(text)
    return [*seen]


def commands() -> list[str]:
    """What was typed, with the result below it."""
    found = [line.removeprefix("$ ") for line in written() if line.startswith("$ mailtrip ")]
    return [
        one for one in found if not any(other != one and other.startswith(one) for other in found)
    ]


def test_the_picture_is_made_from_the_recording() -> None:
    assert animation.svg(RECORDING) == SVG, f"docs/terminal.svg is stale: {animation.COMMAND}"


def test_it_is_small_and_needs_no_script_and_nothing_from_elsewhere() -> None:
    assert len(SVG.encode()) < animation.MOST
    root = ET.fromstring(SVG)
    tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert tags == {"svg", "title", "desc", "style", "rect", "circle", "g", "text"}
    assert "http" not in SVG.replace(NAMESPACE.strip("{}"), "")
    assert not re.search(r"url\(|@import|\bon\w+=", SVG)


def test_who_cannot_see_it_is_told_what_it_shows() -> None:
    root = ET.fromstring(SVG)
    title, desc = root.findtext(f"{NAMESPACE}title"), root.findtext(f"{NAMESPACE}desc")
    assert title == animation.TITLE
    assert desc
    assert "verify: junk" in desc
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "t d"
    assert "prefers-reduced-motion" in SVG


def test_it_shows_no_place_of_the_machine_on_which_it_was_made() -> None:
    text = animation.RECORDING.read_text(encoding="utf-8")
    assert not re.search(r"/(?:var|tmp|home|root|usr)\b", text)
    hosts = set(re.findall(r"\b[\w-]+(?:\.[\w-]+)*\.(?:test|org|net|com)\b", text))
    assert hosts
    assert all(host.endswith("lab.test") for host in hosts)


def test_the_command_line_accepts_what_is_typed() -> None:
    parser, _ = command_line()
    assert len(commands()) == 2
    for command in commands():
        program, *arguments = shlex.split(command)
        assert program == "mailtrip"
        assert parser.parse_args(arguments).command == "probe"


def form(name: str) -> str:
    """The name of a fact without what is different in each trip."""
    return re.sub(r"(?<=^hop )\d+|(?<=^TLS, ).+|^[A-Z]+(?= in DNS|, own check|$)", "…", name)


def test_the_words_are_those_of_today() -> None:
    """Of the waterfall, the facts below it, and the result."""
    phases, steps = {str(phase) for phase in Phase}, {str(step) for step in Step}
    bars = [line for line in written() if re.match(r"\w+ (?:[█▒ ]+ )\d+\.\d{3} s", line)]
    assert len(bars) > 20
    assert {bar.split()[0] for bar in bars} <= phases | steps
    assert phases <= {bar.split()[0] for bar in bars}
    last = RECORDING.pictures()[-1]
    facts = [line for line in last.lines if len(line) == 2 and line[0].column == 2]
    labels = {line[0].text for line in facts if line[1].column == of_a_trip.BESIDE_FACT}
    assert labels
    known = {form(row.partition(": ")[0]) for rows in EVERY_FACT.values() for row in rows}
    strange = {label for label in labels if form(label) not in known}
    assert not strange, f"{strange} are not written: make pictures"
    doing = {
        line.partition(" ")[2].partition(" …")[0].partition(":")[0]
        for line in written()
        if " … " in line
    }
    assert doing - set(of_a_trip._DOING.values()) <= {"comparing with the last good trips", ""}


def test_the_two_results_are_one_of_each() -> None:
    assert any(re.match(r"OK: round trip \d\.\d{3} s, delivery delay", line) for line in written())
    results = [re.match(r"(\w+)(?:/(\w+))?: (\w+)", line) for line in written()]
    reasons = {one[3] for one in results if one and one[1] in {str(phase) for phase in Phase}}
    assert reasons & {str(reason) for reason in Reason} == {"junk"}


def test_a_line_is_shown_from_when_to_when_it_stands_there() -> None:
    recording = Recording(
        20, 3, ((0.0, "$ "), (1.0, "a\r\n\x1b[1;32mOK\x1b[0m"), (3.0, "\r\x1b[2Kb  c"))
    )
    assert recording.pictures() == [
        Picture(0.0, ((Run(0, "$"),), (), ())),
        Picture(1.0, ((Run(0, "$ a"),), (Run(0, "OK", "green", True),), ())),
        Picture(3.0, ((Run(0, "$ a"),), (Run(0, "b"), Run(3, "c")), ())),
    ]
    picture = animation.svg(recording)
    assert "@keyframes i0{0%{opacity:0}0.00%{opacity:1}9.09%{opacity:0}}" in picture
    assert "@keyframes i3{0%{opacity:0}27.27%{opacity:1}}" in picture
    assert picture.count(";opacity:0}@keyframes") == 2  # what does not stand there at the end
    assert '<text class="g b"' in picture


@pytest.mark.parametrize("ending", ["\n", ""])
def test_a_recording_is_read_as_it_was_written(tmp_path: Path, ending: str) -> None:
    recording = Recording(20, 3, ((0.0, "$ "), (1.25, f"é\x1b[0m{ending}")))
    recording.write(tmp_path / "a.cast")
    assert Recording.read(tmp_path / "a.cast") == recording
