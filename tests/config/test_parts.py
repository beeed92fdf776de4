"""A configuration in several files."""

from pathlib import Path

import pytest

from exporter.config.mistakes import Mistakes
from exporter.config.parts import state_of_all
from exporter.settings import Settings

MAILBOXES = """\
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:2525", recipients: [a@example.org]}}
modules:
  first: {roundtrip: {from: b@example.org, send: {mx: {}}, mailbox: own}}
probes:
  - {name: one, module: first, target: a@example.org}
"""
MORE = """\
modules:
  second: {interval: 1h, roundtrip: {from: b@example.org, send: {mx: {}}, mailbox: own}}
probes:
  - {name: two, module: first, target: c@example.org}
  - {name: three, module: second, target: a@example.org}
"""


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "1.yml", tmp_path / "2.yaml"
    first.write_text(MAILBOXES)
    second.write_text(MORE)
    return first, second


def complaints(*paths: Path) -> list[str]:
    with pytest.raises(Mistakes) as found:
        Settings.load(*map(str, paths))
    return str(found.value).splitlines()


def test_files_and_a_directory_of_them_are_one_configuration(
    parts: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a configuration")
    (tmp_path / ".hidden.yml").write_text("nor this")
    (tmp_path / "..data").mkdir()
    settings = Settings.load(*map(str, parts))
    assert list(settings.modules) == ["first", "second"]
    assert [probe.name for probe in settings.probes] == ["one", "two", "three"]
    assert Settings.load(str(tmp_path)) == settings
    assert Settings.load(str(tmp_path), str(parts[0])) == settings  # nothing is read twice


def test_every_mistake_names_its_own_file_and_line(parts: tuple[Path, Path]) -> None:
    first, second = parts
    first.write_text(MAILBOXES.replace("module: first", "module: frist").replace("listen", "lisen"))
    second.write_text(
        MORE.replace("mailbox: own", "mailbox: onw").replace("name: three", "name: two")
    )
    assert complaints(first, second) == [
        f"{first}:2:16: mailboxes.own.smtpd: listen is missing",
        f"{first}:2:17: mailboxes.own.smtpd.lisen: unknown key; did you mean listen?",
        f"{first}:6:25: probes[0].module: unknown module frist; did you mean first?",
        f"{second}:2:84: modules.second.roundtrip.mailbox: unknown mailbox onw; did you mean own?",
        f"{second}:5:12: probes[2].name: duplicate probe name two",
    ]


def test_what_stands_in_two_files_is_a_mistake_in_the_second(parts: tuple[Path, Path]) -> None:
    first, second = parts
    second.write_text("modules:\n  first: {dnsbl: {lists: [bl.example.org]}}\nprobes: 5\n")
    assert complaints(first, second) == [
        f"{second}:2:3: modules.first: is already defined in {first}, line 4: remove one",
        f"{second}:3:1: probes: is already defined in {first}, line 5: remove one",
    ]


def test_files_that_are_no_configuration(parts: tuple[Path, Path], tmp_path: Path) -> None:
    parts[1].write_text("- a list")
    assert complaints(*parts) == [f"{parts[1]}:1:1: must be a mapping of keys to values"]
    (tmp_path / "empty").mkdir()
    assert complaints(tmp_path / "empty") == [
        f"{tmp_path / 'empty'}: this directory contains no file that ends in .yml or .yaml"
    ]
    assert complaints(tmp_path / "none.yml") == [
        f"{tmp_path / 'none.yml'}: cannot be read: No such file or directory"
    ]


def test_an_alias_of_one_file_is_not_changed_by_another(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yml", tmp_path / "2.yml"
    first.write_text(MAILBOXES.replace("probes:", "probes: &all") + "x: *all\n")
    second.write_text(MORE)
    assert complaints(first, second) == [
        f"{first}:7:1: x: unknown key; known: state, resolver, metrics, mailboxes, modules, probes,"
        " maintenance, tracing"
    ]


def test_a_file_that_comes_or_changes_is_noticed(parts: tuple[Path, Path], tmp_path: Path) -> None:
    before = state_of_all([str(tmp_path)])
    assert state_of_all([str(tmp_path)]) == before
    (tmp_path / "3.yml").write_text("probes: []")
    after = state_of_all([str(tmp_path)])
    assert after != before
    parts[0].write_text(MAILBOXES + "# more\n")
    assert state_of_all([str(tmp_path)]) != after
