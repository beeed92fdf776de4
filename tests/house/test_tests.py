"""The rules of the house for its tests that a machine can check."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_house import TESTS, expect_none, place, tree

OUT_OF_SHAPE = ("# fmt: " + "skip", "# fmt: " + "off")


def test_a_helper_has_a_name_of_its_own() -> None:
    expect_none(doubled_helpers(TESTS))


def doubled_helpers(files: list[Path]) -> Iterator[str]:
    """Classes of files that tests share, with the name of another class of the tests."""
    classes = defaultdict[str, list[tuple[Path, int]]](list)
    for file in files:
        for node in tree(file).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name].append((file, node.lineno))
    for name, places in classes.items():
        if len(places) > 1 and not all(file.name.startswith("test_") for file, _ in places):
            where = " and ".join(place(*one) for one in sorted(places))
            yield f"{name}: {where}: say in its name whose it is"


def test_tests_are_formatted_like_the_rest() -> None:
    expect_none(
        f"{place(file, number)}: let ruff format it"
        for file in TESTS
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.rstrip().endswith(OUT_OF_SHAPE)
    )
