"""Loading: options, or all errors, each where it is written."""

from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any, Literal

import pytest
from pydantic import Field

from exporter.config.load import MOST_MISTAKES, load, read, reading
from exporter.config.mistakes import Mistakes, Path
from exporter.config.types import Options
from exporter.config.yaml import MAX_BYTES


class Inner(Options):
    """A mapping in the file."""

    number: int = Field(1, ge=1, le=9)
    """A number."""

    words: list[str] = Field(default=["a"], min_length=1, max_length=2)
    """Some words."""

    mode: Literal["fast", "slow"] = "slow"
    """One of two."""

    on: bool = False
    """Yes or no."""


class Root(Options):
    """The file."""

    inner: Inner = Inner()
    """A mapping."""

    name: str = ""
    """A text."""


def nothing(data: Any) -> Iterable[tuple[Path, str]]:
    return ()


def lines(text: str, *more: str) -> list[str]:
    files = [(f"f{number}", one.encode()) for number, one in enumerate((text, *more), 1)]
    with pytest.raises(Mistakes) as found:
        load(Root, files, nothing)
    return str(found.value).splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("inner: {number: 0}", "f1:1:17: inner.number: must be at least 1"),
        ("inner: {number: 10}", "f1:1:17: inner.number: must be at most 9"),
        ("inner: {number: '5'}", "f1:1:17: inner.number: must be a whole number, without quotes"),
        ("inner: {words: []}", "f1:1:16: inner.words: must have at least one entry"),
        ("inner: {words: [a, b, c]}", "f1:1:16: inner.words: must have at most 2 entries"),
        ("inner: {words: a}", "f1:1:16: inner.words: must be a list, such as [one, two], not text"),
        (
            "inner: {mode: fats}",
            "f1:1:15: inner.mode: must be one of fast, slow; did you mean fast",
        ),
        ("inner: {on: 5}", "f1:1:13: inner.on: must be true or false"),
        ("inner: 5", "f1:1:8: inner: must be a mapping of keys to values, not a number"),
        ("inner: [a]", "f1:1:8: inner: must be a mapping of keys to values, not a list"),
        ("name: 5", "f1:1:7: name: must be text: put it in quotes"),
        ("name: {a: b}", "f1:1:7: name: must be text, not a mapping"),
        ("nmae: x", "f1:1:1: nmae: unknown key; did you mean name?"),
        ("inner:\n  number:", "f1:2:3: inner.number: is empty: add a value, or remove the key"),
    ],
)
def test_a_mistake_is_said_in_words_where_it_is(text: str, line: str) -> None:
    (found,) = lines(text)
    assert found.startswith(line)


def test_all_mistakes_come_at_once_each_with_its_file() -> None:
    assert [one.partition(": ")[0] for one in lines("inner: {number: 0, on: x}", "name: 5")] == [
        *("f1:1:17", "f1:1:24", "f2:1:7"),
    ]


def test_many_mistakes_are_not_all_looked_at() -> None:
    text = "\n".join(f"k{number}: 1" for number in range(MOST_MISTAKES + 50))
    with pytest.raises(Mistakes) as found:
        load(Root, [("f", text.encode())], nothing)
    assert len(found.value.mistakes) == MOST_MISTAKES


def test_what_is_found_beyond_has_its_place_and_is_asked_also_of_data_with_mistakes() -> None:
    def beyond(data: Any) -> Iterable[tuple[Path, str]]:
        yield ("inner", "number"), "is no good"
        yield ("inner", "mode"), "is not written, so its parent is named"

    with pytest.raises(Mistakes) as found:
        load(Root, [("f", b"name: 5\ninner:\n  number: 3\n")], beyond)
    places = {one.path: str(one).partition(": ")[0] for one in found.value.mistakes}
    assert places["name"] == "f:1:7"
    assert places["inner.number"] == "f:3:11"
    assert places["inner.mode"] == "f:3:3"


def test_findings_have_the_places_of_options_and_each_is_told_once() -> None:
    whole = reading(Root, [("f", b"inner:\n  number: 3\nname: x\n")], nothing)
    path: Path = ("inner", "number")
    found = whole.mistakes_at(
        [(("name",), "second", False), (path, "odd", True), (path, "odd", True)]
    )
    assert [str(one) for one in found] == [
        "f:2:11: warning: inner.number: odd",
        "f:3:7: name: second",
    ]
    assert whole.node(path).value == 3
    assert whole.options.inner.number == 3


def test_a_file_is_read_no_further_than_a_configuration_may_be_long(tmp_path: FilePath) -> None:
    (tmp_path / "long").write_bytes(b"x" * (MAX_BYTES + 100))
    assert len(read(str(tmp_path / "long"))) == MAX_BYTES + 1
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(Mistakes, match=rf"cannot be read: {why}"):
            read(str(path))
