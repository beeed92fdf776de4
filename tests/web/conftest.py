"""What the tests of the HTTP side may ask for."""

from pathlib import Path

import pytest

from tests.support.web_config_folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
