"""The rules of the house for its tests that a machine can check."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tests.house.test_house import TESTS, containing, expect_none, place
from tests.support.syntax_trees import tree

CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
OUT_OF_SHAPE = ("# fmt: " + "skip", "# fmt: " + "off")


def test_a_helper_has_a_name_of_its_own() -> None:
    expect_none(doubled_helpers(TESTS))


def doubled_helpers(files: list[Path]) -> Iterator[str]:
    """Classes of files that tests share, with the name of another class of the tests."""
    written = {file: CLASS.findall(file.read_text(encoding="utf-8")) for file in files}
    often = {name for name, times in Counter(chain(*written.values())).items() if times > 1}
    classes = defaultdict[str, list[tuple[Path, int]]](list)
    for file, names in written.items():
        if often.intersection(names):
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
        for file in containing(TESTS, "|".join(OUT_OF_SHAPE))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.rstrip().endswith(OUT_OF_SHAPE)
    )
