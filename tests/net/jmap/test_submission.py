"""Whether a submission that failed may have been accepted all the same."""

import pytest

from exporter.net.jmap.errors import of_method
from exporter.net.jmap.submission import is_uncertain


@pytest.mark.parametrize(
    ("kind", "uncertain"), [("serverPartialFail", True), ("serverFail", False)]
)
def test_what_was_done_in_part_may_have_been_sent(kind: str, *, uncertain: bool) -> None:
    error = of_method("host", "EmailSubmission/set", {"type": kind})
    assert is_uncertain(error) is uncertain
