"""The account of a month as a document to send."""

from dataclasses import replace

from exporter.core.availability.account import Month
from exporter.core.model import ProbeKey
from exporter.web.pages.report_document import document
from tests.core.availability.test_downtime import ENDED
from tests.support.accounts import DAY, account

HOSTILE = ProbeKey("submission", "<script>@example.org")


def written(*, watched: bool = True) -> str:
    lasting = replace(ENDED, probe=HOSTILE, end=None)
    one = account(HOSTILE, lasting, down=864.0)
    return document(Month(2026, 10), [one], lambda _: None, lambda _: watched, DAY)


def test_it_needs_nothing_else_and_escapes_what_others_wrote() -> None:
    text = written()
    assert "<script" not in text
    assert "&lt;script&gt;@example.org" in text
    assert "<style>" in text
    for outside in ("<link", "<img", 'src="', "<a "):
        assert outside not in text


def test_it_says_the_month_the_availability_and_whether_an_outage_lasts() -> None:
    assert "2026-10" in written()
    assert "99.000 %" in written()
    assert "not watched any more" in written(watched=False)
    assert "not watched any more" not in written()
