"""A mailbox that is polled too rarely for a module."""

import pytest

from exporter.config.finding import Finding
from exporter.mailboxes.poll_interval import review_interval


@pytest.mark.parametrize(("seconds", "timeout", "is_found"), [(9.9, 10, False), (10, 10, True)])
def test_it_has_to_be_polled_more_than_once(seconds: float, timeout: float, is_found: bool) -> None:
    text = (
        "is not longer than poll_interval of the mailbox own: the mailbox is polled only once"
        " before the timeout"
    )
    found = [*review_interval(seconds, "own", timeout)]
    assert found == ([Finding(("timeout",), text)] if is_found else [])
