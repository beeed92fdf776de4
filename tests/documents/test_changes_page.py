"""docs/changes.md has the limits of the program."""

from pathlib import Path

from exporter.core.comparison import comparison
from exporter.probing import on_the_spot

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_has_the_limits_of_the_program() -> None:
    page = " ".join((ROOT / "docs/changes.md").read_text(encoding="utf-8").split())
    names, lists = on_the_spot.MOST_NAMES, on_the_spot.MOST_LISTS
    dns, patience = on_the_spot.DNS_PATIENCE, on_the_spot.LISTS_PATIENCE
    assert f"at most {names} names within {dns:g} seconds" in page
    assert f"{lists} lists within {patience:g} seconds" in page
    assert f"up to {comparison.GOOD_TRIPS} good trips" in page
    assert "after at least five good trips" in page
    assert comparison.LEAST_SAMPLES == 5
    assert "by more than a point" in page
    assert comparison.SCORE_NOISE == 1
