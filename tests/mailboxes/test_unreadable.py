"""A message that a server cannot show is passed over, and tried again."""

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.unreadable import FIRST_RETRY, LONGEST_RETRY, MOST, UnreadableMessages


def failed(here: UnreadableMessages[int], message: int, now: float = 0, times: int = 1) -> None:
    for _ in range(times):
        why = ProbeError(Reason.DISCONNECTED, f"why {message}")
        here.failed(message, why, now, at=now, is_new=True)


def test_one_failure_is_no_reason_to_pass_over_a_message() -> None:
    here = UnreadableMessages[int]()
    failed(here, 1)
    assert not here.passed_over()
    assert not here.since(0)
    here.answered(1)
    failed(here, 1)
    assert not here.passed_over()
    failed(here, 1)
    assert here.passed_over() == [1]


def test_the_server_is_asked_again_for_another_one_and_less_and_less_often() -> None:
    here = UnreadableMessages[int]()
    failed(here, 1, times=2)
    failed(here, 2, times=2)
    assert not here.may_retry(FIRST_RETRY - 1)
    assert here.may_retry(FIRST_RETRY)
    failed(here, 1, FIRST_RETRY)
    assert here.passed_over() == [2, 1]
    assert not here.may_retry(3 * FIRST_RETRY - 1)
    assert here.may_retry(3 * FIRST_RETRY)
    failed(here, 2, times=20)
    assert not here.may_retry(LONGEST_RETRY - 1)
    assert here.may_retry(LONGEST_RETRY)
    here.answered(2)
    failed(here, 3, times=2)
    assert here.may_retry(FIRST_RETRY)


def test_only_a_new_message_may_be_one_that_is_awaited() -> None:
    here = UnreadableMessages[int]()
    for _ in range(2):
        here.failed(1, ProbeError(Reason.DISCONNECTED, "broken"), 100, at=100, is_new=False)
    failed(here, 2, now=50, times=2)
    why = here.since(50)
    assert why
    assert why.detail == "why 2"
    assert here.since(51) is None


def test_no_more_than_so_many_messages_are_known() -> None:
    here = UnreadableMessages[int]()
    for message in range(MOST + 5):
        failed(here, message, times=2)
    assert here.passed_over() == [*range(5, MOST + 5)]
