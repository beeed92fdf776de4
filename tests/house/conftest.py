"""What the tests of the house share."""

from collections.abc import Iterator

import pytest

from tests.support.syntax_trees import kept_trees


@pytest.fixture(autouse=True, scope="package")
def _trees_are_kept() -> Iterator[None]:
    with kept_trees():
        yield
