"""The bench that a contract test runs on; see benches.py."""

from collections.abc import Iterator

import pytest

from tests.support.mailbox_bench import Bench


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench: Bench = request.param(request)
    yield bench
    bench.close()
