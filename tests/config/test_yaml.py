from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.mistakes import Mistakes, Place
from exporter.config.yaml import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Blank, parse

SCALARS: list[tuple[str, Any]] = [
    ("true", True),
    ("False", False),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("0777", 777),
    ("0o777", 511),
    ("0x1F", 31),
    ("1:30", "1:30"),
    ("12:30:45", "12:30:45"),
    ("1_000", "1_000"),
    ("0b11", "0b11"),
    ("+12", 12),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("-.inf", float("-inf")),
    ("2026-11-23", "2026-11-23"),
    ("~", Blank.EMPTY),
    ("null", Blank.EMPTY),
    ("", Blank.EMPTY),
    ("None", "None"),
    ("'true'", "true"),
    ('"12"', "12"),
    ("=", "="),
    ("5m", "5m"),
    ("9" * 5000, float("inf")),
]


def value_of(text: str) -> Any:
    tree, mistakes = parse(text.encode(), "a.yml")
    assert not mistakes
    return tree.plain()


def only_mistake(raw: bytes) -> str:
    try:
        _, mistakes = parse(raw, "a.yml")
    except Mistakes as error:
        mistakes = list(error.mistakes)
    (mistake,) = mistakes
    return str(mistake)


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_plain_scalar_means_what_the_core_schema_of_yaml_1_2_says(
    text: str, value: object
) -> None:
    found = value_of(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


words = st.text("abc:#{}[]&*!|>'\"%@`-? .\\ä☃", max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(10**17), 10**17) | words,
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(words.filter(lambda w: w != "<<"), below, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(words, values, min_size=1, max_size=4), st.booleans())
def test_what_another_writer_of_yaml_wrote_is_read_as_it_was_meant(
    data: dict[str, Any], flow: bool
) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True, width=1000)
    tree, mistakes = parse(text.encode(), "a.yml")
    assert (tree.plain(), mistakes) == (data, [])


def test_every_value_and_every_key_knows_its_place() -> None:
    tree, _ = parse(
        b"\xef\xbb\xbfa: 1\r\n# comment\r\nb:\r\n  - x\r\n  - {c: \xc3\xa4, d: 2}\r\n  -"
        b" \r\ne:\r\n",
        "a.yml",
    )
    assert tree.place_of(()) == Place(1, 1)
    assert tree.place_of(("a",)) == Place(1, 4)
    assert tree.place_of(("a",), key=True) == Place(1, 1)
    assert tree.place_of(("b", 0)) == Place(4, 5)
    assert tree.place_of(("b", 1, "d")) == Place(5, 15)
    assert tree.place_of(("b", 1, "d"), key=True) == Place(5, 12)
    assert tree.place_of(("e",)) == Place(7, 1), "what is not there has the place of its key"
    assert tree.place_of(("b", 1, "nothing", 5)) == Place(5, 5), "the last one on the way"


def test_a_merge_key_gives_what_is_not_given_and_keeps_its_place() -> None:
    text = (
        "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall: {b: 3, <<: [*two, *one]}\nmore: {<<:"
        " *one, a: 4}\n"
    )
    tree, mistakes = parse(text.encode(), "a.yml")
    assert not mistakes
    assert tree.plain()["all"] == {"b": 3, "c": 2, "a": 1}
    assert tree.plain()["more"] == {"a": 4, "b": 1}
    assert tree.place_of(("all", "c")) == Place(2, 21)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert value_of('"<<": 1') == {"<<": 1}


def laughs(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (laughs(9), f"a.yml:6:40: a5[6]: more than {MAX_VALUES} values, with all aliases expanded"),
        (
            b"a: " + b"[" * 500,
            f"a.yml:1:{MAX_DEPTH + 4}: a" + "[0]" * MAX_DEPTH + f": nested deeper than {MAX_DEPTH}",
        ),
        pytest.param(
            b"- x\n" * (MAX_VALUES + 1),
            f"a.yml:{MAX_VALUES}:3: [{MAX_VALUES - 1}]: more than {MAX_VALUES} values",
            marks=pytest.mark.slow,
        ),
        (b"#" * (MAX_BYTES + 1), "a.yml: is larger than 10 MiB"),
        (b"a: 1\nb: 'sch\xf6n'\n", "a.yml:2:8: the byte 0xF6 is not UTF-8: save the file as UTF-8"),
        (
            b"\xef\xbb\xbf\xc3\xa4: \xff",
            "a.yml:1:4: the byte 0xFF is not UTF-8: save the file as UTF-8",
        ),
        (
            "a: 1\n".encode("utf-16"),
            "a.yml:1:1: the byte 0xFF is not UTF-8: save the file as UTF-8",
        ),
        ("ä: 1\nb: x\0y\n".encode(), "a.yml:2:5: control character U+0000 is not allowed here"),
        (b"", "a.yml:1:1: this file contains no configuration"),
        (
            b'a: "x\\0y"',
            "a.yml:1:4: a: contains a line break or another control character: write it in"
            " one line",
        ),
        (b'"x\\ny": 1', "a.yml:1:1: the key contains a line break or another control character"),
        (
            b"a: |\n  x\n  y\n",
            "a.yml:1:4: a: contains a line break or another control character: write it in"
            " one line",
        ),
    ],
    ids=[
        "laughs",
        "depth",
        "values",
        "bytes",
        "latin-1",
        "after-bom",
        "utf-16",
        "control",
        "empty",
        "escape",
        "key",
        "lines",
    ],
)
def test_what_would_hurt_is_one_clear_line(raw: bytes, line: str) -> None:
    assert only_mistake(raw).startswith(line)


def test_what_is_nested_too_deeply_for_libyaml_is_told_by_either_of_us() -> None:
    """It looks ahead; from 0.2.6 on it has a limit of its own."""
    assert "nested deeper than" in only_mistake(b"a: " + b"[" * 100_000)


def test_aliases_cannot_nest_deeper_than_anything_else() -> None:
    chain = ["a0: &a0 [[[[[[[[[x]]]]]]]]]"] + [
        f"a{n}: &a{n} [[[[[[[[[*a{n - 1}]]]]]]]]]" for n in range(1, 500)
    ]
    assert "nested deeper than" in only_mistake("\n".join(chain).encode())
