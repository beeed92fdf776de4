"""What the tests of the house share."""

from collections.abc import Iterator

import pytest

from tests.house.test_house import tree


@pytest.fixture(autouse=True, scope="module")
def _forget_the_trees() -> Iterator[None]:
    """Half a million objects, which every `gc.collect` of later tests would look through."""
    yield
    tree.cache_clear()
