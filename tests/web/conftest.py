"""What the tests of the HTTP side may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import Browser, chromium
from tests.support.web_config_folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def browser(servers: None) -> Iterator[Browser]:
    """A real Chromium."""
    with chromium() as one:
        yield one
