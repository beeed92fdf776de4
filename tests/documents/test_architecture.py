"""The files, packages and names of which ARCHITECTURE.md and CONTRIBUTING.md speak exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.house.test_house import EXPORTER, PACKAGE, TESTS, expect_none
from tests.support.syntax_trees import kept_trees, nodes, tree
from tests.support.tree import ROOT

PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
NO_MODULES = {"except"}
"""Words of the table of packages that are Python's."""

FILES = {file.name for file in (*EXPORTER, *TESTS, *ROOT.glob(".github/workflows/*"))}
PARENTS = {file.parent for file in TESTS}
FOLDERS = {folder.name for parent in PARENTS for folder in parent.iterdir() if folder.is_dir()}


@pytest.fixture(autouse=True, scope="module")
def _trees_are_kept() -> Iterator[None]:
    with kept_trees():
        yield


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def is_there(path: str) -> bool:
    """From the root, from exporter/, or a name alone; it may have a star."""
    name = path.rstrip("/")
    known = FOLDERS if path.endswith("/") else FILES
    return any(any(root.glob(name)) for root in (ROOT, PACKAGE)) or name in known


def rows(text: str) -> Iterator[tuple[str, str]]:
    """The packages of the table, and what it says of each."""
    table = text.partition("| package |")[2].partition("\n\n")[0]
    return iter(re.findall(r"^\| `([\w/.]+)` \| (.+) \|$", table, re.MULTILINE))


@cache
def members() -> dict[str, set[str]]:
    """The classes of the program, and what is defined in each or assigned to `self`."""
    found: dict[str, set[str]] = {}
    for file in EXPORTER:
        for node in nodes(file):
            if isinstance(node, ast.ClassDef):
                names = found.setdefault(node.name, set())
                for inner in ast.walk(node):
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        names.add(inner.name)
                    elif isinstance(inner, ast.Attribute):
                        names.add(inner.attr)
                    elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                        names.add(inner.target.id)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    spans = code_spans((ROOT / page).read_text(encoding="utf-8"))
    paths = {
        span
        for span in spans
        if re.fullmatch(r"[\w*][\w*./-]*/[\w*.-]*|[\w*.-]+\.(py|yml|md|toml)", span)
    }
    assert len(paths) > 10
    expect_none(f"{page}: {path} does not exist" for path in paths if not is_there(path))


def test_every_module_of_the_table_of_packages_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = [
        (package.rstrip("/"), name)
        for package, words in rows(text)
        if package.endswith("/")
        for name in re.findall(r"`([a-z_0-9]+)/?`", words)
        if name not in NO_MODULES
    ]
    assert len(named) > 60
    expect_none(
        f"ARCHITECTURE.md: {package}/{name} is no module"
        for package, name in named
        if not is_module(package, name)
    )


def is_module(package: str, name: str) -> bool:
    """Anywhere in the package, or beside it: `check` is the command of `commands/review`."""
    here = PACKAGE / package
    beside = here.parent / f"{name}.py"
    return any(here.rglob(f"{name}.py")) or any(here.rglob(name)) or beside.exists()


@cache
def functions() -> set[str]:
    return {
        node.name
        for file in EXPORTER
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@cache
def constants() -> set[str]:
    targets = [
        target
        for file in EXPORTER
        for node in tree(file).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("page", PAGES)
def test_every_class_and_member_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    dotted = re.findall(r"`([A-Z][a-z]\w*)\.(\w+)`", text)
    expect_none(
        f"{page}: {name}.{member} does not exist"
        for name, member in dotted
        if member not in members().get(name, set())
    )
    where = text.partition("### Where is")[2].partition("\n\nA trip")[0]
    known = functions() | constants() | set(members()) | set[str]().union(*members().values())
    expect_none(
        f"{page}: nothing is called {name}"
        for name in re.findall(r"`([A-Za-z_]\w*)`", where)
        if name not in known
    )


def test_each_answer_to_where_is_names_at_most_three_files() -> None:
    where = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("### Where is")[2]
    answers = re.findall(r"^\| .+ \|$", where.partition("\n\nA trip")[0], re.MULTILINE)
    assert len(answers) > 20
    expect_none(one for one in answers if len(set(re.findall(r"`[\w/]+\.py`", one))) > 3)
