"""The syntax trees of Python files, parsed once for all tests that need them."""

import ast
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """All nodes of its tree."""
    return tuple(ast.walk(tree(file)))


@contextmanager
def kept_trees() -> Iterator[None]:
    """Trees are kept until the end, and no garbage is collected: they are a million objects in no
    cycle, and to look through them again and again took four times as long as to parse them."""
    gc.disable()
    try:
        yield
    finally:
        tree.cache_clear()
        nodes.cache_clear()
        gc.enable()
