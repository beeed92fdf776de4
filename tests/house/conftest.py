"""What the tests of the house share."""

from collections.abc import Iterator

import pytest

from tests.house.test_house import nodes, tree


@pytest.fixture(autouse=True, scope="module")
def _forget_the_trees() -> Iterator[None]:
    """Half a million objects, which every garbage collection in later tests would look through."""
    yield
    for parsed in (tree, nodes):
        parsed.cache_clear()
