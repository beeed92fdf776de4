"""The changelog keeps its form: one Unreleased section on top, and entries below known headings."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Security", "Fixed"}
VERSION = re.compile(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}")


def test_unreleased_is_on_top_and_the_rest_are_versions_with_a_date() -> None:
    first, *others = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert first == "Unreleased"
    assert all(VERSION.fullmatch(other) for other in others)


def test_every_entry_stands_once_below_a_known_heading() -> None:
    for version in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        preface, *sections = re.split(r"^### ", version, flags=re.MULTILINE)
        assert "\n* " not in preface
        titles = [section.partition("\n")[0] for section in sections]
        assert set(titles) <= KINDS
        assert len(titles) == len(set(titles))
    entries = re.findall(r"^\* .*(?:\n  .*)*", PAGE, re.MULTILINE)
    assert len(entries) == len(set(entries)), "a merge has doubled an entry"
