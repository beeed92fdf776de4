"""The page and the tests say the same: every item of a list in docs/security.md is what one test
proves, and every number in its table is the program's."""

import ast
import re
from pathlib import Path

from tests.support.documented_limits import LIMITS

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "security.md"


def test_every_claim_on_the_page_is_a_test_and_every_test_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    claims = [
        " ".join(item.split()) for item in re.findall(r"^\* (.+(?:\n  .+)*)", page, re.MULTILINE)
    ]
    assert len(claims) == len(set(claims))
    assert sorted(claims) == sorted(proven())


def proven() -> list[str]:
    """The docstrings of the other tests here."""
    files = [file for file in sorted(HERE.glob("test_*.py")) if file.name != Path(__file__).name]
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    return [
        " ".join((ast.get_docstring(node) or f"{node.name} has no sentence").split())
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def test_the_limits_on_the_page_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [("what", "limit"), *LIMITS.items()]
