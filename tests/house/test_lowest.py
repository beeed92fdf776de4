"""What `make lowest` proves: that the lowest versions which pyproject.toml allows are those that
were installed."""

from tests.lowest import PROJECT, lowest, missed


def test_every_library_has_a_lowest_version() -> None:
    assert all(lowest(PROJECT.read_text(encoding="utf-8")).values())


def test_another_version_than_the_lowest_is_told() -> None:
    wanted = {
        "bcrypt": "4.1",
        "rich": "13",
        "pyyaml": "6.0.2",
        "idna": "3.7",
        "gone": "1",
        "any": "",
    }
    found = "bcrypt==4.1.1\nrich==13.0.0\nPyYAML==6.0.2\nidna==3.70\nany==1\n"
    assert missed(wanted, found) == ["idna", "gone", "any"]
