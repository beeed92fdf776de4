"""Where the state is by default."""

import pytest

from exporter.core.state_directory import default_state_directory


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("/var/lib/mailtrip", "/var/lib/mailtrip"),
        ("/var/lib/mailtrip:/var/lib/other", "/var/lib/mailtrip"),
        ("", "./mailtrip-state"),
        (None, "./mailtrip-state"),
    ],
)
def test_the_first_directory_of_the_unit_is_used(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    if given is not None:
        monkeypatch.setenv("STATE_DIRECTORY", given)
    assert default_state_directory() == used
