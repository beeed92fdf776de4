"""What sending services say in JSON; the forms are files of `notices`, such as
`sns-permanent.eml`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.mail.message import Kind, read
from exporter.mail.notices.events import LONGEST, event_in
from tests.mail.notices import TOKEN

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["status", "mail", "x"]), inner)
    ),
)


@given(anything, st.text(max_size=20), st.integers(0, 200))
def test_no_event_is_too_odd_to_read(value: object, after: str, cut: int) -> None:
    event = json.dumps(
        {"eventType": "Bounce", "bounce": value, "diagnosticCode": value, "remoteMtaIp": value}
    )
    event_in([event + after, event[:cut], after + event])


@pytest.mark.parametrize("opening", ['{"eventType":"Bounce","a":', "[", '{"a":'])
def test_the_deepest_event_is_given_up(opening: str) -> None:
    assert event_in(['"eventType": ' + opening * LONGEST]) is None


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ({"event": "soft_bounce"}, "delayed"),
        ({"event": "bounce", "type": "bounce"}, "failed"),
        ({"event": "dropped", "reason": "Bounced Address"}, "failed"),
        ({"event": "deferred", "response": "451 4.7.1 later"}, "delayed"),
        ({"event": "open"}, "delivered"),
        ({"event": "a word that nobody knows"}, None),
        ({"kind": "bounce"}, None),
        ([{"event": "delivered"}], "delivered"),
        ({"eventType": "Bounce", "mail": {"type": "transient"}}, "failed"),
    ],
)
def test_what_happened_is_told_by_the_words_of_the_event_alone(
    event: object, action: str | None
) -> None:
    told = event_in([json.dumps(event)])
    assert (told.action if told else None) == action


def test_json_below_our_forwarded_message_hides_no_arrival() -> None:
    head = f"Subject: Fwd: mailtrip {TOKEN.word}\n\n"
    assert read(f'{head}{{"event": "message.received", "id": 1}}\n'.encode()).kind is Kind.MESSAGE
