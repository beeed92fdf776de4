"""Tables as a screen reader tells them: each has a name, and each heading says what it heads."""

import re
from pathlib import Path

import pytest

from exporter.web import pages

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=[one.name for one in TEMPLATES])
def test_each_table_has_a_name_and_each_heading_its_scope(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    tables = re.findall("<table[^>]*>", text)
    assert [one for one in tables if not re.search('aria-label="[^"]+"', one)] == []
    headings = re.findall("<th[ >][^>]*>?", text)
    assert [one for one in headings if not re.search('scope="(col|row)"', one)] == []


def test_there_are_tables() -> None:
    assert sum(one.read_text(encoding="utf-8").count("<table") for one in TEMPLATES) > 9
