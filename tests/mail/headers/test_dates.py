"""The time in a Received header, as each server writes it."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.mail.headers.dates import time_of
from exporter.mail.headers.received import places


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("1 Jan 1970 00:00:00 +0000", 0),
        ("Thu,  1 Jan 1970 01:00 +0100", 0),
        ("1 Jan 1970 00:00:60 GMT", 60),
        ("31 Dec 1969 16:00:01 PST", 1),
        ("31 dec 1969 20:00:01 eDt", 1),
        ("Thu,\r\n\t1\tJan 1970 05:30:00 +0530 (IST)", 0),
        ("1 Jan 1970 00:00:00 +0000, no: 1 Jan 1970 00:00:09 Z", 9),
        ("1 Jan 0001 00:00:00 +2359", -62135683140),
        ("1 Jan 1970 00:00:00", None),
        ("1 Jan 1970 02:00:00 MESZ", 0),
        ("1 Jan 1970 02:00:00 CEST", 0),
        ("Thu, 1 Jan 1970 09:00:00 JST", 0),
        ("Thu, 1 Jan 1970 09:00:00 (JST)", 0),
        ("Thu, 1 Jan 1970 09:00:00 +09:00", 0),
        ("Thu, 1 Jan 1970 09:00:00 +0900 (JST)", 0),
        ("Thu, 1 Jan 1970 01:00:00 +0100 (Central European Standard Time)", 0),
        ("Thu, 1 Jan 1970 01:00:00 GMT+0100 (CET)", 0),
        ("Thu, 1 Jan 1970 01:00:00 GMT+1", 0),
        ("Wed, 31 Dec 1969 21:00:00 -03", 0),
        ("Wed, 31 Dec 1969 19:00:00 UTC-05:00", 0),
        ("1 Jan 1970 00:00:00 UT", 0),
        ("1-Jan-70 00:00:00 GMT", 0),
        ("1 January 1970 00:00:00.123456 +0000", 0),
        ("1 Jan 1970 0:00:00 +0000", 0),
        (
            (
                "Thu (a day), 1 Jan (the first) 1970 00:00 (midnight (here)) +0000 (2 Jan 1980"
                " 00:00:00 Z)"
            ),
            0,
        ),
        ("Thu Jan  1 01:00:00 1970 +0100", 0),
        ("Thu Jan 01 01:00:00 CET 1970", 0),
        ("Thu Jan  1 00:00:00 1970", None),
        ("1 Jan 1970 00:00:00 IST", None),  # India's, Israel's, or Ireland's
        ("1 Jan 1970 24:00:00 +0000", None),
        ("1 Jan 1970 00:00:00 +2400", None),
        ("0 Jan 1970 00:00:00 +0000", None),
        ("1 Jan 0000 00:00:00 +0000", None),
        ("101 Jan 1970 00:00:00 +0000", None),
        ("1 Jan 70 00:00:00 +0000", 0),
        ("1 Jan 00 00:00:00 +0000", 946684800),
        ("1 Jan 970 00:00:00 +0000", None),
        ("1 Maj 1970 00:00:00 +0000", None),
        ("١ Jan 1970 00:00:00 +0000", None),
        ("1970-01-01T00:00:00Z", None),
    ],
)
def test_a_date_that_cannot_be_known_is_not_guessed(date: str, moment: int | None) -> None:
    assert time_of(f"by mx.example.net; {date}") == moment


@given(
    st.datetimes(timezones=st.timezones()),
    st.sampled_from(["", "\r\n\t", " "]),
    st.sampled_from(["", " (UTC)", "\r\n (CEST)", " (1 Jan 1970 00:00:00 +0000)", " (a; b)"]),
    st.sampled_from(["by mx.example.net", "by mx (a; b)", "(Thu Jan  1 00:00:00 1970 +0000)", "("]),
)
def test_the_usual_form_of_a_date_is_read_like_any_other(
    moment: datetime, fold: str, comment: str, before: str
) -> None:
    date = moment.strftime("%a, %d %b %Y %H:%M:%S %z")[:31]
    usual = f"{before};{fold}{date}{comment}"
    unusual = f"{before};{fold}{date}{comment} ;"
    assert time_of(usual) == time_of(unusual)
    assert places(usual) == places(unusual)
