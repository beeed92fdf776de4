"""The tests of a module are found at once: in the same place below tests/, under its name, or where
the table of `tests/house/mirror.py` says."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.house.mirror import TESTED_WITH
from tests.house.test_house import EXPORTER, PACKAGE, expect_none, imports
from tests.support.syntax_trees import nodes
from tests.support.tree import ROOT

DECISIONS = (
    *(ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.Assert, ast.Try, ast.TryStar),
    *(ast.For, ast.AsyncFor, ast.While, ast.comprehension),
)
"""A module without any of these has nothing that a test of its own could find broken."""

LOADED = re.compile(r"exporter(?:\.\w+)+:\w+")
"""What `load` of config/choice.py imports."""

ENTRANCES = {"__init__", "__main__"}
"""A package is tested as what is in it, and the program is started by tests of its commands."""

TESTS = ROOT / "tests"
ROWS = [
    (module, reason, tests)
    for reason, rows in TESTED_WITH.items()
    for module, tests in rows.items()
]


def own_test(module: str) -> Path:
    folder, _, name = module.rpartition("/")
    return TESTS / folder / f"test_{name}.py"


def named_tests(module: str, tests: str) -> Iterator[Path]:
    """The files of a row; `../` is one folder up, and there is no other way out."""
    for one in tests.split():
        up = one.startswith("../")
        folder = own_test(module).parent.parent if up else own_test(module).parent
        yield folder / f"{one.removeprefix('../')}.py"


def modules() -> dict[str, Path]:
    return {
        file.relative_to(PACKAGE).with_suffix("").as_posix(): file
        for file in EXPORTER
        if file.stem not in ENTRANCES
    }


def test_each_module_that_decides_something_has_its_tests_in_their_place() -> None:
    rows = {module for module, _, _ in ROWS}
    expect_none(
        f"exporter/{module}.py: write {own_test(module).relative_to(ROOT)}, or say in"
        " tests/house/mirror.py who tests it"
        for module, file in modules().items()
        if not own_test(module).exists()
        and module not in rows
        and any(isinstance(node, DECISIONS) for node in nodes(file))
    )


def test_each_row_is_needed() -> None:
    expect_none(needless(modules(), ROWS))


def needless(known: Mapping[str, Path], rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    seen = set[str]()
    for module, _, tests in rows:
        if module in seen:
            yield f"{module}: has two rows"
        seen.add(module)
        if module not in known:
            yield f"{module}: there is no such module"
        elif own_test(module).exists():
            yield f"{module}: has tests of its own"
        elif not any(isinstance(node, DECISIONS) for node in nodes(known[module])):
            yield f"{module}: decides nothing"
        if not tests:
            yield f"{module}: names nobody"


def test_who_is_named_tests_the_module() -> None:
    expect_none(strangers(modules(), ROWS))


def strangers(known: Mapping[str, Path], rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Files that are gone, or have no way to the module: they, and helpers that they use, import
    neither it nor a module that imports it within two steps."""
    for module, _, tests in rows:
        for file in named_tests(module, tests):
            name = file.relative_to(ROOT)
            if not file.exists():
                yield f"{module}: there is no {name}"
            elif module in known and known[module] not in reached(file):
                yield f"{module}: {name} does not lead to it"


def reached(test: Path) -> set[Path]:
    used, fresh = {test}, [test]
    while fresh:
        helpers = {file for file in imported(fresh.pop()) if TESTS in file.parents} - used
        used |= helpers
        fresh += helpers
    found = {file for one in used for file in imported(one) if PACKAGE in file.parents}
    for _ in range(2):
        found |= {file for one in found for file in imported(one)}
    return found


@cache
def imported(file: Path) -> set[Path]:
    """The files of ours that it imports, also only when they are needed (`load`)."""
    named = [module for _, module in imports(file)]
    named += [
        node.value.partition(":")[0]
        for node in nodes(file)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if LOADED.fullmatch(node.value)
    ]
    return {place for module in named if (place := place_of(module))}


def place_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    if ROOT / module.partition(".")[0] not in (PACKAGE, TESTS):
        return None
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None


def test_a_row_that_is_wrong_is_found() -> None:
    known = modules()
    rows = [
        ("mail/tokens", "", "test_tokens"),
        ("mail/gone", "", "test_tokens"),
        ("core/phases", "", "test_scope"),
        ("mail/attachment", "", ""),
        ("mail/attachment", "", ""),
    ]
    assert [line.partition(": ")[2] for line in needless(known, rows)] == [
        "has tests of its own",
        "there is no such module",
        "decides nothing",
        "names nobody",
        "has two rows",
        "names nobody",
    ]
    rows = [
        ("web/server", "", "test_routes"),
        ("mail/attachment", "", "test_gone"),
        ("mail/attachment", "", "test_tokens"),
    ]
    assert [line.partition(": ")[2] for line in strangers(known, rows)] == [
        "there is no tests/mail/test_gone.py",
        "tests/mail/test_tokens.py does not lead to it",
    ]
