"""The bench that a contract test runs on; see benches.py."""

from collections.abc import Iterator

import pytest

from tests.support.mailbox_bench import MailboxBench


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[MailboxBench]:
    bench: MailboxBench = request.param(request)
    yield bench
    bench.close()
