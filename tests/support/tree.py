"""The files of the project, without what is made from them or installed beside them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {
    *(".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".fuzz"),
    *("dist", "mailtrip-state", "__pycache__", ".newer", ".pythons", ".site"),
}


def files() -> Iterator[Path]:
    """In order. What is generated is not even listed: there are thousands of files."""
    for directory, below, names in os.walk(ROOT):
        below[:] = sorted(set(below) - GENERATED)
        yield from (Path(directory, name) for name in sorted(names) if name not in GENERATED)


def lines(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Each line in which this is found, after where it stands."""
    for file in files():
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            if pattern.search(text):  # few files have one
                yield from (
                    (f"{file.relative_to(ROOT)}:{number}", line)
                    for number, line in enumerate(text.split("\n"), 1)
                    if pattern.search(line)
                )
