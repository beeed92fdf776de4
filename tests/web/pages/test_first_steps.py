"""What to do first about a failure."""

from exporter.core.reasons import Reason
from exporter.web.pages.first_steps import FIRST_STEPS


def test_there_is_a_first_step_for_each_reason() -> None:
    assert set(FIRST_STEPS) == set(Reason)
