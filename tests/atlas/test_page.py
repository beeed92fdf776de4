"""docs/faults.md is what the tables say."""

from docs import faults
from tests.atlas.faults import FAULTS
from tests.atlas.harmless import DISTURBANCES


def test_the_page_of_faults_is_made_from_the_tables() -> None:
    page = faults.PAGE.read_text(encoding="utf-8")
    assert page == faults.page(), f"docs/faults.md is stale: run {faults.COMMAND}"


def test_every_row_is_one_line_of_its_table() -> None:
    lines = faults.page().splitlines()
    names = [row.name for group in FAULTS.values() for row in group]
    names += [row.name for group in DISTURBANCES.values() for row in group]
    assert not [name for name in names if sum(f"| {name} |" in line for line in lines) != 1]
    for line in lines:
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (4, 7), line
