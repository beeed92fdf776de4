"""What the tests of commands share."""

from pathlib import Path

import pytest

from tests.commands.test_cli import CONFIGURATION
from tests.support.ports import free_port


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A configuration with a probe that works, and one that does not."""
    path = tmp_path / "mailtrip.yml"
    path.write_text(CONFIGURATION % {"receiver": free_port()})
    return str(path)
