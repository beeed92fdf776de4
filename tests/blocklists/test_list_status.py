"""How long a list is left alone, and how long its answers are kept."""

from exporter.blocklists.list_status import ListStatus, QueryFailure, Statistics
from exporter.blocklists.names import SubjectKind
from tests.support.blocklist_rig import a_list

BL = a_list("bl.test")


def test_pauses_grow_to_an_hour_and_begin_anew_when_a_list_is_well() -> None:
    status = ListStatus(BL, SubjectKind.IPV4, Statistics())
    now, pauses = 0.0, []
    for _ in range(8):
        status.failed_test("bad", now)
        pauses.append(next(s for s in range(100000) if not status.is_paused(now + s)))
        now += pauses[-1]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    status.passed_test(now)
    status.failed_test("bad", now)
    assert status.is_paused(now + 59)
    assert not status.is_paused(now + 60)


def test_two_complaints_at_a_time_make_one_pause() -> None:
    status = ListStatus(BL, SubjectKind.IPV4, Statistics())
    status.answered(QueryFailure.REFUSED, "refused", 0.0)
    status.failed_test("refused", 0.0)
    assert not status.is_paused(60.0)
    status.failed_test("refused", 60.0)
    assert not status.is_paused(180.0)


def test_only_failures_in_a_row_count() -> None:
    status = ListStatus(BL, SubjectKind.IPV4, Statistics())
    status.passed_test(0.0)
    for failure in [*[QueryFailure.TIMEOUT] * 4, None, *[QueryFailure.TIMEOUT] * 4]:
        status.answered(failure, "silence", 1.0)
    assert not status.is_paused(1.0)
    status.answered(QueryFailure.TIMEOUT, "silence", 1.0)
    assert status.why == "5 queries in a row failed; last error: silence"


def test_a_list_is_usable_if_it_is_for_all_that_it_was_asked_about() -> None:
    statistics = Statistics()
    four, six = (ListStatus(BL, kind, statistics) for kind in (SubjectKind.IPV4, SubjectKind.IPV6))
    seen = [statistics.usable]
    four.passed_test(0.0)
    seen.append(statistics.usable)
    six.failed_test("no IPv6", 0.0)
    seen.append(statistics.usable)
    assert statistics.why == "no IPv6"
    six.passed_test(9.0)
    assert [*seen, statistics.usable] == [None, True, False, True]
